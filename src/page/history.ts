/**
 * What has passed through each tunnel in the last hour, for charts: a sample per second for the last five minutes, and
 * means of ten seconds for an hour. Bounded: 25 KB per tunnel, and no more than MAX_TUNNELS of them are kept.
 */
import { Traffic } from '../frame/lane-counters.ts';
import { DROP_REASONS } from '../report/drop-reasons.ts';
import type { TunnelTotals } from '../tunnel/totals.ts';

/** Samples of a second, and of ten. */
const FINE = 300;
const COARSE = 360;
const SECONDS_PER_COARSE = 10;
/** Of tunnels beyond that many there is none. */
export const MAX_TUNNELS = 256;

/** What a sample has, in this order. */
export const SERIES = ['out_bits', 'in_bits', 'out_frames', 'in_frames', 'drops'] as const;
const WIDTH = SERIES.length;

/** Samples in the order of time; `at` in seconds since 1970, one array per name in SERIES, per second each. */
export interface HistoryJson {
  at: number[];
  series: number[][];
}

/** A tunnel as far as its history goes. */
export interface Sampled {
  readonly name: string;
  totals(): Pick<TunnelTotals, 'tx' | 'rx' | 'drops'>;
}

export class History {
  readonly #tunnels = new Map<string, TunnelHistory>();

  /** Takes a sample of each, `nowMs` (monotonic) and `atSeconds` (since 1970) being the same moment. Others are forgotten. */
  tick(tunnels: Iterable<Sampled>, nowMs: number, atSeconds: number): void {
    const there = new Set<string>();
    for (const tunnel of tunnels) {
      there.add(tunnel.name);
      const known = this.#tunnels.get(tunnel.name);
      if (known !== undefined) known.sample(tunnel, nowMs, atSeconds);
      else if (this.#tunnels.size < MAX_TUNNELS) {
        this.#tunnels.set(tunnel.name, new TunnelHistory(tunnel, nowMs));
      }
    }
    for (const name of this.#tunnels.keys()) if (!there.has(name)) this.#tunnels.delete(name);
  }

  /** Null: there is none. */
  of(name: string): HistoryJson | null {
    return this.#tunnels.get(name)?.json() ?? null;
  }

  /** The last sample of a tunnel, in the order of SERIES; null: there is none yet. */
  lastOf(name: string): readonly number[] | null {
    return this.#tunnels.get(name)?.last ?? null;
  }
}

class TunnelHistory {
  last: number[] | null = null;
  readonly #fine = new Ring(FINE);
  readonly #coarse = new Ring(COARSE);
  readonly #sum: number[] = new Array(WIDTH).fill(0);
  #summed = 0;
  #before: number[];
  #beforeMs: number;

  constructor(tunnel: Sampled, nowMs: number) {
    this.#before = countersOf(tunnel);
    this.#beforeMs = nowMs;
  }

  sample(tunnel: Sampled, nowMs: number, atSeconds: number): void {
    const seconds = (nowMs - this.#beforeMs) / 1000;
    if (seconds <= 0) return;
    const counters = countersOf(tunnel);
    // A tunnel that was remade counts from 0 again.
    const sample = counters.map((count, i) => Math.max(0, count - this.#before[i]!) / seconds);
    this.#before = counters;
    this.#beforeMs = nowMs;
    this.last = sample;
    this.#fine.push(atSeconds, sample);
    sample.forEach((value, i) => {
      this.#sum[i]! += value;
    });
    if (++this.#summed < SECONDS_PER_COARSE) return;
    this.#coarse.push(
      atSeconds,
      this.#sum.map((sum) => sum / this.#summed),
    );
    this.#sum.fill(0);
    this.#summed = 0;
  }

  json(): HistoryJson {
    const at: number[] = [];
    const series: number[][] = SERIES.map(() => []);
    const add = (atSeconds: number, sample: readonly number[]): void => {
      at.push(Math.round(atSeconds * 10) / 10);
      sample.forEach((value, i) => void series[i]!.push(Math.round(value)));
    };
    const fineFrom = this.#fine.oldest;
    this.#coarse.each((atSeconds, sample) => atSeconds < fineFrom && add(atSeconds, sample));
    this.#fine.each(add);
    return { at, series };
  }
}

/** In the order of SERIES. */
function countersOf(tunnel: Sampled): number[] {
  const { tx, rx, drops } = tunnel.totals();
  let dropped = 0;
  for (const reason of DROP_REASONS) dropped += drops[reason]!;
  const { outOctets, outFrames } = Traffic;
  return [tx[outOctets]! * 8, rx[outOctets]! * 8, tx[outFrames]!, rx[outFrames]!, dropped];
}

/** The last samples, in memory that was taken once. */
class Ring {
  readonly #at: Float64Array;
  readonly #values: Float32Array;
  readonly #size: number;
  #next = 0;
  #count = 0;

  constructor(size: number) {
    this.#size = size;
    this.#at = new Float64Array(size);
    this.#values = new Float32Array(size * WIDTH);
  }

  push(at: number, sample: readonly number[]): void {
    this.#at[this.#next] = at;
    this.#values.set(sample, this.#next * WIDTH);
    this.#next = (this.#next + 1) % this.#size;
    this.#count = Math.min(this.#count + 1, this.#size);
  }

  /** Infinite: there is none. */
  get oldest(): number {
    return this.#count === 0 ? Number.POSITIVE_INFINITY : this.#at[this.#placeOf(0)]!;
  }

  each(take: (at: number, sample: readonly number[]) => void): void {
    for (let i = 0; i < this.#count; i++) {
      const place = this.#placeOf(i);
      take(this.#at[place]!, [...this.#values.subarray(place * WIDTH, (place + 1) * WIDTH)]);
    }
  }

  /** Of the i-th, the oldest first. */
  #placeOf(i: number): number {
    return (this.#next - this.#count + i + this.#size) % this.#size;
  }
}
