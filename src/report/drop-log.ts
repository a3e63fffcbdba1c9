/** Drops in the log: at most one line per reason and tunnel in ten seconds, with the counter's name and the likely cause. */
import type { Logger } from 'pino';
import { DROP_TEXTS, Drop } from '../frame/drop.ts';
import type { TunnelView } from '../tunnel/view.ts';
import { unknownSci, unusedSa } from './seen.ts';

const QUIET_MS = 10_000;

/** By reason: the frames that lines have been written about, and when the last line was. */
interface Logged {
  readonly frames: Float64Array;
  readonly ms: Float64Array;
}

export class DropLog {
  readonly #log: Logger;
  readonly #logged = new WeakMap<TunnelView, Logged>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Logs what has been dropped since the last line of the same reason. `nowMs` is monotonic. */
  tick(tunnels: Iterable<TunnelView>, nowMs: number): void {
    for (const tunnel of tunnels) this.#logDrops(tunnel, nowMs);
  }

  #logDrops(tunnel: TunnelView, nowMs: number): void {
    const logged = this.#loggedOf(tunnel);
    const { drops } = tunnel.totals();
    DROP_TEXTS.forEach((text, reason) => {
      const fresh = drops[reason]! - logged.frames[reason]!;
      if (fresh === 0 || nowMs - logged.ms[reason]! < QUIET_MS) return;
      logged.frames[reason] = drops[reason]!;
      logged.ms[reason] = nowMs;
      const fields = { tunnel: tunnel.name, counter: text.name, direction: text.direction, frames: fresh };
      const { text: cause, ...came } = seenWith(tunnel, reason) ?? { text: text.cause };
      this.#log[text.level]({ ...fields, ...came, ...sizes(tunnel, reason) }, `frames dropped: ${cause}`);
    });
  }

  #loggedOf(tunnel: TunnelView): Logged {
    const known = this.#logged.get(tunnel);
    if (known !== undefined) return known;
    const { length } = DROP_TEXTS;
    const logged = { frames: new Float64Array(length), ms: new Float64Array(length).fill(-QUIET_MS) };
    this.#logged.set(tunnel, logged);
    return logged;
  }
}

/** The numbers that explain a frame that does not fit. */
function sizes({ mtu, pathMtu, overhead }: TunnelView, reason: number): object {
  if (reason !== Drop.OutPktsTooLong && reason !== Drop.WireTooLong) return {};
  return { mtu, pathMtu, overhead };
}

/** What came, where the lanes have noted it. */
function seenWith(tunnel: TunnelView, reason: number): { readonly text: string } | null {
  const { secy } = tunnel;
  if (secy === null) return null;
  if (reason === Drop.InPktsNoSci) return unknownSci(secy, tunnel.totals().secy);
  return reason === Drop.InPktsNotUsingSa ? unusedSa(secy, tunnel.totals().secy) : null;
}
