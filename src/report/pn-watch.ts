/** Packet numbers that run out: a warning in time, with the time left at the present rate. */
import type { Logger } from 'pino';
import { countersAt, TxSaCounter } from '../macsec/counters.ts';
import type { TunnelView, TxSaView } from '../tunnel/view.ts';

/** Shares of an SA's numbers at which the log warns, each once per SA. */
const MARKS = [0.75, 0.9, 0.95, 0.99, 1] as const;

/** What the last tick saw of a tunnel's encoding SA. */
interface Seen {
  readonly serial: number;
  readonly next: number;
  readonly ms: number;
  /** Marks that have been logged. */
  readonly logged: number;
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
      if (tx !== null) this.#look(tunnel.name, tx, tunnel.totals().secy, nowMs);
    }
  }

  #look(tunnel: string, tx: TxSaView, counters: Float64Array, nowMs: number): void {
    const { serial, an, start, end } = tx;
    const next = Math.max(start, counters[countersAt.txSa(an) + TxSaCounter.nextPn]!);
    const last = this.#seen.get(tunnel);
    const before = last?.serial === serial ? last : null;
    // The first look knows no rate, and may see what the SA before has left: the second one logs.
    const due = before === null ? 0 : MARKS.filter((mark) => next >= end * mark).length;
    const logged = before?.logged ?? 0;
    if (before !== null && due > logged) {
      this.#warn({ tunnel, an, pn: next, end, perMs: (next - before.next) / (nowMs - before.ms) });
    }
    this.#seen.set(tunnel, { serial, next, ms: nowMs, logged: Math.max(due, logged) });
  }

  #warn({
    tunnel,
    an,
    pn,
    end,
    perMs,
  }: {
    tunnel: string;
    an: number;
    pn: number;
    end: number;
    perMs: number;
  }): void {
    const left = end - pn;
    const fields = {
      tunnel,
      an,
      pn,
      left,
      usedPercent: Math.floor((pn / end) * 100),
      ...(perMs > 0 && Number.isFinite(perMs) ? { secondsLeft: Math.round(left / perMs / 1000) } : {}),
    };
    if (left <= 0)
      this.#log.error(
        fields,
        'packet numbers are used up: nothing is sent until a new key is installed (l2vpnd rotate)',
      );
    else this.#log.warn(fields, 'packet numbers run out: install a new key (l2vpnd rotate)');
  }
}
