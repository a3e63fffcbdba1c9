/** Packet numbers that run out: a warning in time, with the time left at the present rate. */
import type { Logger } from 'pino';
import { countersAt, readNextPn, TxSaCounter } from '../macsec/counters.ts';
import { pnToJson } from '../macsec/pn-json.ts';
import { totalsOf } from '../tunnel/totals.ts';
import type { Tunnel } from '../tunnel/tunnel.ts';

/** Percent of an SA's numbers at which the log tells, each once per SA. */
const MARKS = [75n, 90n, 95n, 99n, 100n] as const;

interface Seen {
  serial: number;
  next: bigint;
  ms: number;
  /** Marks told. */
  told: number;
}

export class PnWatch {
  readonly #log: Logger;
  readonly #seen = new Map<string, Seen>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** `nowMs` is monotonic. */
  tick(tunnels: Iterable<Tunnel>, nowMs: number): void {
    for (const tunnel of tunnels) {
      const { macsec, name } = tunnel.config;
      const tx = macsec === null ? undefined : tunnel.numbers?.txOf(macsec.encodingSa);
      if (tx === undefined) continue;
      const published = readNextPn(totalsOf(tunnel).secy, countersAt.txSa(tx.an) + TxSaCounter.nextPn);
      const next = published > tx.start ? published : tx.start;
      const before = this.#seen.get(name);
      const same = before?.serial === tx.serial ? before : { serial: tx.serial, next, ms: nowMs, told: 0 };
      const passed = MARKS.filter((mark) => next * 100n >= tx.end * mark).length;
      // The first look knows no rate, and may see what the SA before has left: the second tells.
      const due = same === before ? passed : 0;
      if (due > same.told)
        this.#tell(name, tx.an, next, tx.end, Number(next - same.next) / (nowMs - same.ms));
      this.#seen.set(name, { serial: tx.serial, next, ms: nowMs, told: Math.max(due, same.told) });
    }
  }

  #tell(tunnel: string, an: number, next: bigint, end: bigint, perMs: number): void {
    const left = end - next;
    const fields = {
      tunnel,
      an,
      pn: pnToJson(next),
      left: pnToJson(left),
      usedPercent: Number((next * 100n) / end),
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
