/**
 * What a path loses and reorders, by the packet numbers that come: between two looks so many numbers were passed, and so
 * many frames came. Nothing is counted per frame for that but what came out of order.
 *
 * Numbers that are passed without having been sent are no loss. A peer with static keys that was killed goes on above all that
 * it may have used; so a gap of an SA that is many times what its peer was sending is taken for a jump. The first numbers of an
 * SA whose peer may have been sending before are none either. What came late enough to be dropped is lost, as it is for the LAN.
 */
import type { PathFigures, PathReport } from '../link/path-report.ts';
import { countersAt, RxSaCounter, readNextPn } from '../macsec/counters.ts';
import type { SecyView, TunnelView } from '../tunnel/view.ts';
import { MinuteSums } from './minute-sums.ts';

/** A gap of no more is loss, whatever else. */
const SMALL_GAP = 1024;
/** A gap of so many times what was sent at most in a second, for each second of it, is none. */
const JUMP_FACTOR = 4;
/** What was sent at most fades by this in a second. */
const FADING = 0.9;

/** An RxSA as the last look saw it. */
interface Seen {
  readonly next: number;
  readonly received: number;
  readonly reordered: number;
  /** The most numbers that were passed in a second, lately, and seconds in which nothing came since. */
  readonly most: number;
  readonly silent: number;
}

interface Path {
  sas: Map<string, Seen>;
  /** Behind each other in one array, as in the sums of the minute. */
  expected: number;
  /** May shrink by what comes late; what is told of it does not. */
  missing: number;
  lost: number;
  reordered: number;
  readonly minute: MinuteSums;
}

export class PathWatch {
  readonly #paths = new WeakMap<TunnelView, Path>();

  /** Once a second. */
  tick(tunnels: Iterable<TunnelView>): void {
    for (const tunnel of tunnels) {
      if (tunnel.secy !== null && tunnel.secy.config.validate !== 'disabled') this.#look(tunnel, tunnel.secy);
    }
  }

  /** As the last tick saw it; null: nothing tells. */
  reportOf(tunnel: TunnelView): PathReport | null {
    const path = this.#paths.get(tunnel);
    if (path === undefined) return null;
    const { expected, lost, reordered, minute } = path;
    const [inMinute, missing, outOfOrder] = minute.sums();
    return {
      total: figures(expected, lost, reordered),
      minute: figures(inMinute!, missing!, outOfOrder!),
    };
  }

  #look(tunnel: TunnelView, secy: SecyView): void {
    const path = this.#pathOf(tunnel);
    const counters = tunnel.totals().secy;
    const now = new Map<string, Seen>();
    for (const { sci, sa } of secy.config.rxSc) {
      for (const { an, keyId, stored } of sa) {
        const at = countersAt.rxSa(secy.rxPlace(sci), an);
        const id = `${sci} ${an} ${keyId}`;
        now.set(id, lookAt(path, counters, at, path.sas.get(id) ?? null, stored));
      }
    }
    path.sas = now;
    path.lost = Math.max(path.lost, path.missing);
    path.minute.add([path.expected, path.missing, path.reordered]);
  }

  #pathOf(tunnel: TunnelView): Path {
    const known = this.#paths.get(tunnel);
    if (known !== undefined) return known;
    const path: Path = {
      ...{ sas: new Map(), expected: 0, missing: 0, lost: 0, reordered: 0, minute: new MinuteSums(3) },
    };
    this.#paths.set(tunnel, path);
    return path;
  }
}

/** Adds to `path` what has come on an RxSA since it was `before`; returns what it is now. */
function lookAt(path: Path, counters: Float64Array, at: number, before: Seen | null, stored: boolean): Seen {
  const next = Number(readNextPn(counters, at + RxSaCounter.nextPn));
  const received = counters[at + RxSaCounter.inPktsOk]! + counters[at + RxSaCounter.delayed]!;
  const reordered = counters[at + RxSaCounter.reordered]!;
  const seen = { next, received, reordered };
  const from = begunAt(before, received, stored);
  if (from === null) return { ...seen, most: 0, silent: 0 };
  const came = received - from.received;
  const passed = Math.max(next - from.next, 0);
  const isJump = passed - came > plausible(from, came);
  path.expected += isJump ? came : Math.max(passed, came);
  path.missing = Math.max(path.missing + (isJump ? 0 : passed - came), 0);
  path.reordered += Math.max(reordered - from.reordered, 0);
  const most = Math.max(isJump ? came : passed, from.most * FADING);
  return { ...seen, most, silent: came === 0 ? from.silent + 1 : 0 };
}

/** Where to count from; null: what came up to now tells nothing. A key that is not stored is used from 1 on, by both ends. */
function begunAt(before: Seen | null, received: number, stored: boolean): Seen | null {
  const isNew = before === null || received < before.received;
  if (isNew) return stored ? null : { next: 1, received: 0, reordered: 0, most: 0, silent: 0 };
  return stored && before.received === 0 ? null : before;
}

function plausible({ most, silent }: Seen, came: number): number {
  return SMALL_GAP + JUMP_FACTOR * (came + most * (silent + 1));
}

/** What comes late makes up for what was missed before the minute, too. */
function figures(expected: number, lost: number, reordered: number): PathFigures {
  return { expected, lost: Math.min(Math.max(lost, 0), expected), reordered };
}
