/** Packet numbers that run out: how many are used, how long the others last, and a warning in time. */
import type { Logger } from 'pino';
import { countersAt, readNextPn, TxSaCounter } from '../macsec/counters.ts';
import { pnToJson } from '../macsec/pn-json.ts';
import type { TunnelView, TxSaView } from '../tunnel/view.ts';

/** Percent of an SA's numbers at which the log warns, each once per SA. */
const MARKS: readonly bigint[] = [75n, 90n, 95n, 99n, 100n];
/** Key agreement makes a new key at 75 percent by itself. */
const AGREED_MARKS: readonly bigint[] = [95n, 99n, 100n];

const FILED_TEXTS = {
  low: 'packet numbers run out: install a new key (l2vpnd rotate)',
  gone: 'packet numbers are used up: nothing is sent until a new key is installed (l2vpnd rotate)',
};
const AGREED_TEXTS = {
  low: 'packet numbers run out, and no new key has been agreed on: see the peers in l2vpnd show',
  gone: 'packet numbers are used up: nothing is sent until a new key is agreed on; see the peers in l2vpnd show',
};

/** What the last tick saw of a tunnel's encoding SA. */
interface Seen {
  readonly serial: number;
  readonly next: bigint;
  readonly end: bigint;
  readonly ms: number;
  /** Numbers per ms, lately; null: not known yet. */
  readonly perMs: number | null;
  /** Marks that have been logged. */
  readonly logged: number;
}

/** Of the SA that is transmitted with. */
export interface PnUsage {
  /** 0 to 1. */
  readonly usedRatio: number;
  /** Until they are used up at the rate of the last minute or so; null: nothing was sent. */
  readonly exhaustionSeconds: number | null;
}

/** Seconds. What takes longer has no end that is worth telling. */
const A_CENTURY = 3.2e9;

/** Of a rate per second this much is what it was before: a change shows by half in 14 s. */
const INERTIA = 0.95;

interface Usage {
  readonly tunnel: string;
  readonly an: number;
  readonly pn: bigint;
  readonly end: bigint;
  readonly perMs: number;
}

export class PnWatch {
  readonly #log: Logger;
  /** By tunnel name. */
  readonly #seen = new Map<string, Seen>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** `nowMs` is monotonic. */
  tick(tunnels: Iterable<TunnelView>, nowMs: number): void {
    for (const tunnel of tunnels) {
      const tx = tunnel.secy?.encoding ?? null;
      if (tx !== null) this.#look(tunnel, tx, nowMs);
    }
  }

  /** As the last tick saw it; null: it does not transmit with an SA, or not with that one. */
  usageOf({ name, secy }: TunnelView): PnUsage | null {
    const seen = this.#seen.get(name);
    if (seen === undefined || seen.serial !== secy?.encoding?.serial) return null;
    const { next, end, perMs } = seen;
    const left = Number(end - next) / (perMs ?? 0) / 1000;
    return {
      usedRatio: Number((next * 1_000_000n) / end) / 1_000_000,
      exhaustionSeconds: left < A_CENTURY ? left : null,
    };
  }

  #look(view: TunnelView, { serial, an, start, end }: TxSaView, nowMs: number): void {
    const { name: tunnel, agreesKeys } = view;
    const counters = view.totals().secy;
    const published = readNextPn(counters, countersAt.txSa(an) + TxSaCounter.nextPn);
    const next = published > start ? published : start;
    const last = this.#seen.get(tunnel);
    const before = last?.serial === serial ? last : null;
    // The first look knows no rate, and may see what the SA before has left: the second one logs.
    const marks = agreesKeys ? AGREED_MARKS : MARKS;
    const due = before === null ? 0 : marks.filter((mark) => next * 100n >= end * mark).length;
    const logged = before?.logged ?? 0;
    if (before !== null && due > logged) {
      const perMs = Number(next - before.next) / (nowMs - before.ms);
      this.#warn({ tunnel, an, pn: next, end, perMs }, agreesKeys ? AGREED_TEXTS : FILED_TEXTS);
    }
    const perMs = before === null ? null : smoothed(before, next, nowMs);
    this.#seen.set(tunnel, { serial, next, end, ms: nowMs, perMs, logged: Math.max(due, logged) });
  }

  #warn({ tunnel, an, pn, end, perMs }: Usage, texts: typeof FILED_TEXTS): void {
    const left = end - pn;
    const fields = {
      tunnel,
      an,
      pn: pnToJson(pn),
      left: pnToJson(left),
      usedPercent: Number((pn * 100n) / end),
      ...(perMs > 0 && Number.isFinite(perMs)
        ? { secondsLeft: Math.round(Number(left) / perMs / 1000) }
        : {}),
    };
    if (left <= 0n) this.#log.error(fields, texts.gone);
    else this.#log.warn(fields, texts.low);
  }
}

function smoothed(before: Seen, next: bigint, nowMs: number): number {
  const perMs = Number(next - before.next) / (nowMs - before.ms);
  return before.perMs === null ? perMs : INERTIA * before.perMs + (1 - INERTIA) * perMs;
}
