/**
 * Histograms of a lane, in powers of 2: of a bucket the lower border belongs to it, the upper one to the next. They are
 * part of the lane's traffic counters (`lane-counters.ts`), one writer each, and added up as those are.
 */

/** Frames of a batch: at most 1, 2, 4, … 256. */
export const BATCH_BUCKETS = 9;
/** How long a batch takes: less than 16 µs, 32 µs, … 262 ms, and the rest. */
export const LATENCY_BUCKETS = 16;
const SHORTEST_BITS = 4;

/** The most frames that a batch of each bucket has. */
export const BATCH_BOUNDS: readonly number[] = Array.from({ length: BATCH_BUCKETS }, (_, i) => 2 ** i);
/** Seconds that a batch of each bucket takes less than; of the last: any. */
export const LATENCY_BOUNDS: readonly number[] = [
  ...Array.from({ length: LATENCY_BUCKETS - 1 }, (_, i) => 2 ** (SHORTEST_BITS + i) / 1e6),
  Number.POSITIVE_INFINITY,
];

/** The bucket of a batch of `frames`, at least 1. HOT PATH: allocates nothing. */
export function batchBucket(frames: number): number {
  const bucket = 32 - Math.clz32(frames - 1);
  return bucket < BATCH_BUCKETS ? bucket : BATCH_BUCKETS - 1;
}

/** The bucket of a batch that took `ms`. HOT PATH: allocates nothing. */
export function latencyBucket(ms: number): number {
  // From 2^31 µs on the integer would be another; a clock that went back makes none that is negative.
  const us = ms < 2e6 ? (ms * 1000) | 0 : 0x7fff_ffff;
  const bucket = us <= 0 ? 0 : 32 - Math.clz32(us >> SHORTEST_BITS);
  return bucket < LATENCY_BUCKETS ? bucket : LATENCY_BUCKETS - 1;
}

/**
 * The value that the share `q` of what is counted in `buckets` lies below, by straight lines within them; `bounds`: their
 * upper borders. Null: nothing is counted.
 */
export function quantile(buckets: ArrayLike<number>, bounds: readonly number[], q: number): number | null {
  let total = 0;
  for (let i = 0; i < bounds.length; i++) total += buckets[i]!;
  if (total === 0) return null;
  let below = 0;
  for (let i = 0; i < bounds.length; i++) {
    const here = buckets[i]!;
    if (here > 0 && below + here >= q * total) return within(bounds, i, (q * total - below) / here);
    below += here;
  }
  return bounds.at(-2)!;
}

/** Of the last bucket nothing is known but where it begins. */
function within(bounds: readonly number[], i: number, share: number): number {
  const from = i === 0 ? 0 : bounds[i - 1]!;
  const to = bounds[i]!;
  return to === Number.POSITIVE_INFINITY ? from : from + (to - from) * share;
}
