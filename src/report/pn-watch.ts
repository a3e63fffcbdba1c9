/** Packet numbers that run out: a warning in time, with the time left at the present rate. */
import type { Logger } from 'pino';
import { countersAt, readNextPn, TxSaCounter } from '../macsec/counters.ts';
import { pnToJson } from '../macsec/pn-json.ts';
import type { TunnelView, TxSaView } from '../tunnel/view.ts';

/** Percent of an SA's numbers at which the log warns, each once per SA. */
const MARKS = [75n, 90n, 95n, 99n, 100n] as const;

/** What the last tick saw of a tunnel's encoding SA. */
interface Seen {
  readonly serial: number;
  readonly next: bigint;
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
    const published = readNextPn(counters, countersAt.txSa(an) + TxSaCounter.nextPn);
    const next = published > start ? published : start;
    const last = this.#seen.get(tunnel);
    const before = last?.serial === serial ? last : null;
    // The first look knows no rate, and may see what the SA before has left: the second one logs.
    const due = before === null ? 0 : MARKS.filter((mark) => next * 100n >= end * mark).length;
    const logged = before?.logged ?? 0;
    if (before !== null && due > logged) {
      this.#warn({ tunnel, an, pn: next, end, perMs: Number(next - before.next) / (nowMs - before.ms) });
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
    pn: bigint;
    end: bigint;
    perMs: number;
  }): void {
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
    if (left <= 0n)
      this.#log.error(
        fields,
        'packet numbers are used up: nothing is sent until a new key is installed (l2vpnd rotate)',
      );
    else this.#log.warn(fields, 'packet numbers run out: install a new key (l2vpnd rotate)');
  }
}
