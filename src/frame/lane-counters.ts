/**
 * What one lane counts, in shared memory: traffic, then one counter per drop reason, then those of its SecY. The lane
 * is the only writer; the main thread adds the lanes of a tunnel up.
 *
 *     | traffic 14, its histograms | drops, by `Drop` | SecY, see macsec/counters.ts |
 */
import type { Batch } from './batch.ts';
import { DROP_TEXTS, Drop } from './drop.ts';
import { BATCH_BUCKETS, batchBucket, LATENCY_BUCKETS, latencyBucket } from './histogram.ts';
import { ICMP_TEXTS, type Icmp } from './icmp.ts';

export const Traffic = {
  /** Frames and octets that came in at the lane's near end, and that left at its far end. */
  inFrames: 0,
  inOctets: 1,
  outFrames: 2,
  outOctets: 3,
  /** Batches that had at least one frame. */
  batches: 4,
  /** When a frame last left at the far end, in ms since the epoch; 0: never. */
  lastMs: 5,
  /** Batches that are through, and ICMP errors: while it stands still, so does every other counter of the lane. */
  done: 6,
  /** Packets whose GRE checksum was left to an offload, and that were taken because the SecY verifies them. */
  greChecksumsLeft: 7,
  /** The first of those that count ICMP errors, by `Icmp`. */
  icmp: 8,
} as const;
/** Batches by their frames, batches by how long they took, and all that they took, in ms. */
export const BATCH_SIZES_AT: number = Traffic.icmp + ICMP_TEXTS.length;
export const LATENCIES_AT: number = BATCH_SIZES_AT + BATCH_BUCKETS;
export const LATENCY_SUM_AT: number = LATENCIES_AT + LATENCY_BUCKETS;
export const TRAFFIC_LEN: number = LATENCY_SUM_AT + 1;

/** A lane's traffic where nobody asks for it. */
export function untoldTraffic(): Float64Array {
  return new Float64Array(TRAFFIC_LEN);
}

export interface LaneCounters {
  readonly traffic: Float64Array;
  /** Indexed by `Drop`. */
  readonly drops: Float64Array;
  readonly secy: Float64Array;
}

/** Octets of shared memory that a lane's counters take; `secyLen`: elements of its SecY's part, 0 without one. */
export function laneCountersBytes(secyLen: number): number {
  return (TRAFFIC_LEN + DROP_TEXTS.length + secyLen) * Float64Array.BYTES_PER_ELEMENT;
}

/** The three parts of a lane's counters over `shared`. */
export function laneCounters(shared: SharedArrayBuffer): LaneCounters {
  const all = new Float64Array(shared);
  const secyAt = TRAFFIC_LEN + DROP_TEXTS.length;
  return {
    traffic: all.subarray(0, TRAFFIC_LEN),
    drops: all.subarray(TRAFFIC_LEN, secyAt),
    secy: all.subarray(secyAt),
  };
}

/** Counts an ICMP error that a socket of the lane has told. */
export function countIcmp(traffic: Float64Array, kind: Icmp): void {
  traffic[Traffic.icmp + kind]! += 1;
  traffic[Traffic.done]! += 1;
}

/** Counts a batch that came in. HOT PATH: allocates nothing. */
export function countIn(counters: LaneCounters, batch: Batch): void {
  const { traffic } = counters;
  const { count, len } = batch;
  let octets = 0;
  for (let i = 0; i < count; i++) octets += len[i]!;
  traffic[Traffic.inFrames]! += count;
  traffic[Traffic.inOctets]! += octets;
  traffic[Traffic.batches]! += 1;
  traffic[BATCH_SIZES_AT + batchBucket(count)]! += 1;
}

/** Counts how long a batch took, before `countOut`. HOT PATH: allocates nothing. */
export function countLatency({ traffic }: LaneCounters, ms: number): void {
  traffic[LATENCIES_AT + latencyBucket(ms)]! += 1;
  traffic[LATENCY_SUM_AT]! += ms;
}

/** Counts a batch that is through: what left, and why the others did not; returns how many those are. HOT PATH: allocates nothing. */
export function countOut(counters: LaneCounters, batch: Batch): number {
  const { traffic, drops } = counters;
  const { count, len, verdict } = batch;
  let frames = 0;
  let octets = 0;
  for (let i = 0; i < count; i++) {
    const drop = verdict[i]!;
    if (drop !== Drop.None) {
      drops[drop]! += 1;
      continue;
    }
    frames++;
    octets += len[i]!;
  }
  if (frames > 0) {
    traffic[Traffic.outFrames]! += frames;
    traffic[Traffic.outOctets]! += octets;
    traffic[Traffic.lastMs] = Date.now();
  }
  traffic[Traffic.done]! += 1;
  return count - frames;
}
