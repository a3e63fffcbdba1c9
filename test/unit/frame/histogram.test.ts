/** Histograms in powers of 2: which bucket a value is in, and what share lies below. */
import { describe, expect, it } from 'vitest';
import {
  BATCH_BOUNDS,
  batchBucket,
  LATENCY_BOUNDS,
  latencyBucket,
  quantile,
} from '../../../src/frame/histogram.ts';

describe('the bucket of a batch', () => {
  it('is the first whose border is not below its frames', () => {
    for (let frames = 1; frames <= 256; frames++) {
      expect(batchBucket(frames)).toBe(BATCH_BOUNDS.findIndex((bound) => frames <= bound));
    }
    expect(batchBucket(1000)).toBe(BATCH_BOUNDS.length - 1);
  });

  it('is the first whose border lies above its time', () => {
    for (const us of [0, 1, 15, 15.9, 16, 17, 31.5, 32, 100, 1000, 262_143, 262_144, 1e6, 1e9, 1e12]) {
      expect(latencyBucket(us / 1000), `${us} µs`).toBe(
        LATENCY_BOUNDS.findIndex((bound) => Math.floor(us) / 1e6 < bound),
      );
    }
    expect(latencyBucket(-1)).toBe(0);
  });
});

describe('a quantile', () => {
  it('lies within the bucket that has it', () => {
    const buckets = new Array(LATENCY_BOUNDS.length).fill(0);
    expect(quantile(buckets, LATENCY_BOUNDS, 0.5)).toBeNull();
    buckets[1] = 100;
    expect(quantile(buckets, LATENCY_BOUNDS, 0.5)).toBeCloseTo(24e-6, 12);
    buckets[0] = 100;
    expect(quantile(buckets, LATENCY_BOUNDS, 0.25)).toBeCloseTo(8e-6, 12);
    buckets[15] = 1000;
    expect(quantile(buckets, LATENCY_BOUNDS, 0.99)).toBe(0.262144);
  });
});
