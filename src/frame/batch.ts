/**
 * A batch: the unit of work of a lane. One slab of fixed slots and, in parallel typed arrays, where each frame
 * begins, how long it is and what became of it. Stages move `at` and `len` and write header octets; no frame
 * is copied and nothing is allocated a frame.
 */
import type { BoundFrames, FrameArrays } from '../native/addon.ts';
import { viewOf } from './view.ts';

/** Room before a frame for every header a lane may put there: IPv6 40 + UDP 8 + GRE 12 + SecTAG 16, rounded up. */
export const HEADROOM = 128;
/** Room behind a frame for the ICV. */
export const TAILROOM = 16;
/** Frames in a batch, unless its maker says otherwise. */
export const BATCH_FRAMES = 128;

export interface Batch extends FrameArrays {
  readonly arena: Buffer;
  /** The arena once more, to write whole words in network order. */
  readonly view: DataView;
  /** Octets from one slot to the next. */
  readonly slotLen: number;
  /** Frames that fit. */
  readonly capacity: number;
  /** Frames in use: [0, count). */
  count: number;
  /** The addon's handle of these arrays; null until a port has needed one. */
  bound: BoundFrames | null;
}

/** Makes a batch of `capacity` slots, each with room for a frame of `maxFrameLen` octets, headers and ICV. */
export function createBatch(maxFrameLen: number, capacity: number = BATCH_FRAMES): Batch {
  const slotLen = (HEADROOM + maxFrameLen + TAILROOM + 63) & ~63;
  const arena = Buffer.alloc(slotLen * capacity);
  return {
    arena,
    view: viewOf(arena),
    at: new Uint32Array(capacity),
    len: new Uint32Array(capacity),
    verdict: new Uint8Array(capacity),
    slotLen,
    capacity,
    count: 0,
    bound: null,
  };
}

/** Empties the batch: every slot is free again, its frame to begin at HEADROOM. HOT PATH: allocates nothing. */
export function resetBatch(batch: Batch): void {
  const { at, capacity, slotLen } = batch;
  for (let i = 0, start = HEADROOM; i < capacity; i++, start += slotLen) at[i] = start;
  batch.count = 0;
}
