/** How fast the lanes have been lately: batches of the last 10 to 20 s, by how long they took and how many frames they had. */
import { LATENCY_BOUNDS, quantile } from '../frame/histogram.ts';
import { LATENCIES_AT, LATENCY_SUM_AT, TRAFFIC_LEN, Traffic } from '../frame/lane-counters.ts';
import type { TunnelView } from '../tunnel/view.ts';

const TURN_MS = 10_000;

/** Of one direction. */
export interface LaneSpeed {
  readonly batches: number;
  /** Frames per batch; null like what follows: no batch came. */
  readonly framesPerBatch: number | null;
  readonly meanSeconds: number | null;
  readonly p50Seconds: number | null;
  readonly p99Seconds: number | null;
}

export interface LaneSpeeds {
  readonly tx: LaneSpeed;
  readonly rx: LaneSpeed;
}

interface Sums {
  readonly tx: Float64Array;
  readonly rx: Float64Array;
}

interface Lanes {
  /** At the beginning of the last period, and of the one before it. */
  last: Sums;
  before: Sums;
}

const ZERO = new Float64Array(TRAFFIC_LEN);

export class LaneWatch {
  readonly #lanes = new WeakMap<TunnelView, Lanes>();
  #turnedMs = Number.NEGATIVE_INFINITY;

  /** Once a second. `nowMs` is monotonic. */
  tick(tunnels: Iterable<TunnelView>, nowMs: number): void {
    if (nowMs - this.#turnedMs < TURN_MS) return;
    this.#turnedMs = nowMs;
    for (const tunnel of tunnels) this.#turn(tunnel);
  }

  speedsOf(tunnel: TunnelView): LaneSpeeds {
    const { tx, rx } = tunnel.totals();
    const before = this.#lanes.get(tunnel)?.before;
    return { tx: speed(tx, before?.tx ?? ZERO), rx: speed(rx, before?.rx ?? ZERO) };
  }

  #turn(tunnel: TunnelView): void {
    const { tx, rx } = tunnel.totals();
    const now = { tx, rx };
    const lanes = this.#lanes.get(tunnel);
    if (lanes === undefined) this.#lanes.set(tunnel, { last: now, before: now });
    else [lanes.before, lanes.last] = [lanes.last, now];
  }
}

function speed(now: Float64Array, before: Float64Array): LaneSpeed {
  const grown = now.map((value, i) => Math.max(value - before[i]!, 0));
  const batches = grown[Traffic.batches]!;
  const latencies = grown.subarray(LATENCIES_AT, LATENCY_SUM_AT);
  const done = latencies.reduce((sum, count) => sum + count, 0);
  return {
    batches,
    framesPerBatch: batches === 0 ? null : grown[Traffic.inFrames]! / batches,
    meanSeconds: done === 0 ? null : grown[LATENCY_SUM_AT]! / done / 1000,
    p50Seconds: quantile(latencies, LATENCY_BOUNDS, 0.5),
    p99Seconds: quantile(latencies, LATENCY_BOUNDS, 0.99),
  };
}
