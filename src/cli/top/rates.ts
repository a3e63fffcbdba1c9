/** What passes per second, by two looks at a tunnel's counters. */
import type { TunnelSnapshot } from '../../api/tunnel.ts';

/** Seconds that are remembered for the sparkline. */
export const REMEMBERED = 60;

export interface Rates {
  readonly outBits: number;
  readonly inBits: number;
  readonly drops: number;
}

interface Counted {
  readonly ms: number;
  readonly out: number;
  readonly in: number;
  readonly drops: number;
}

export class RateMeter {
  readonly #before = new Map<string, Counted>();
  readonly #past = new Map<string, number[]>();

  /** Null for a tunnel that is seen for the first time. `nowMs` is monotonic. */
  take(tunnels: readonly TunnelSnapshot[], nowMs: number): Map<string, Rates | null> {
    const rates = new Map<string, Rates | null>();
    for (const tunnel of tunnels) {
      const now = countedOf(tunnel, nowMs);
      const rate = ratesOf(this.#before.get(tunnel.name), now);
      this.#before.set(tunnel.name, now);
      rates.set(tunnel.name, rate);
      if (rate !== null) this.#remember(tunnel.name, rate.outBits + rate.inBits);
    }
    for (const name of this.#before.keys()) {
      if (rates.has(name)) continue;
      this.#before.delete(name);
      this.#past.delete(name);
    }
    return rates;
  }

  /** Bits per second of both directions together, the oldest first. */
  pastOf(name: string): readonly number[] {
    return this.#past.get(name) ?? [];
  }

  #remember(name: string, bits: number): void {
    const past = this.#past.get(name) ?? [];
    past.push(bits);
    if (past.length > REMEMBERED) past.shift();
    this.#past.set(name, past);
  }
}

function countedOf({ tx, rx, drops }: TunnelSnapshot, ms: number): Counted {
  const dropped = Object.values(drops).reduce((sum, frames) => sum + frames, 0);
  return { ms, out: tx.octets_out * 8, in: rx.octets_out * 8, drops: dropped };
}

/** A tunnel that was remade counts from 0 again. */
function ratesOf(before: Counted | undefined, now: Counted): Rates | null {
  if (before === undefined || now.ms <= before.ms) return null;
  const seconds = (now.ms - before.ms) / 1000;
  const rate = (name: 'out' | 'in' | 'drops'): number => Math.max(0, now[name] - before[name]) / seconds;
  return { outBits: rate('out'), inBits: rate('in'), drops: rate('drops') };
}
