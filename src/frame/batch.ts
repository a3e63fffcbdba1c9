/**
 * A batch: the unit of work of a lane. One slab of memory and, in parallel typed arrays, where each frame begins, how
 * long it is and what became of it. Stages move `at` and `len` and write header octets; no frame is copied and
 * nothing is allocated per frame.
 *
 * A batch belongs to one thread. A lane borrows it from its worker for a run (`datapath/workspace.ts`), and what lies in
 * it is the lane's until it has given it back.
 */
import { viewOf } from './view.ts';

/** Room before a frame for every header a lane may put there: IPv6 40 + UDP 8 + GRE 12 + SecTAG 16, rounded up. */
export const HEADROOM = 128;
/** Room behind a frame for the ICV. */
export const TAILROOM = 16;
/** Frames in a batch, unless its maker says otherwise. */
export const BATCH_FRAMES = 128;
/** Octets of an area: whatever one system call brings, a train of datagrams too, fits. */
export const AREA_LEN = 65_536;

/** How frames lie in a batch. */
export type BatchLayout =
  /** Each in a slot of its own, with HEADROOM before it, room for `maxLen` octets, and TAILROOM behind. */
  | { readonly kind: 'slots'; readonly frames: number; readonly maxLen: number }
  /** Wherever a port puts them in `areas` areas of AREA_LEN octets: close together, without head- or tailroom. */
  | { readonly kind: 'areas'; readonly frames: number; readonly areas: number };

export interface Batch {
  readonly arena: Buffer;
  /** The arena once more, to write whole words in network order. */
  readonly view: DataView;
  /** Offset of each frame's first octet in the arena. */
  readonly at: Uint32Array;
  /** Octets of each frame. */
  readonly len: Uint32Array;
  /** 0: the frame is alive; else a `Drop`. */
  readonly verdict: Uint8Array;
  /** Type of service of each frame's packet (`gre.tos: "inherit"`); else nothing is in it. */
  readonly tos: Uint8Array;
  /** Which of the source ports each frame leaves by (`gre.sourcePort: "flow"`); else nothing is in it. */
  readonly flow: Uint8Array;
  /** Octets from one slot to the next; 0 in areas. */
  readonly slotLen: number;
  /** Areas of the arena; 0 in slots. */
  readonly areas: number;
  /** Frames that fit. */
  readonly capacity: number;
  /** Octets that a frame in a slot may have: its borrower's limit, at most the slot's. */
  room: number;
  /** Frames in use: [0, count). */
  count: number;
}

/** The layout of `frames` slots for frames of at most `maxLen` octets. */
export function slots(maxLen: number, frames: number = BATCH_FRAMES): BatchLayout {
  return { kind: 'slots', frames, maxLen };
}

/** Makes a batch of `capacity` slots, each with room for a frame of `maxFrameLen` octets, headers and ICV. */
export function createBatch(maxFrameLen: number, capacity: number = BATCH_FRAMES): Batch {
  return createBatchOf(slots(maxFrameLen, capacity));
}

/** Makes a batch whose frames lie as `layout` says. */
export function createBatchOf(layout: BatchLayout): Batch {
  const slotLen = layout.kind === 'slots' ? slotLenFor(layout.maxLen) : 0;
  const areas = layout.kind === 'areas' ? layout.areas : 0;
  const arena = Buffer.alloc(slotLen * layout.frames + AREA_LEN * areas);
  return {
    arena,
    view: viewOf(arena),
    at: new Uint32Array(layout.frames),
    len: new Uint32Array(layout.frames),
    verdict: new Uint8Array(layout.frames),
    tos: new Uint8Array(layout.frames),
    flow: new Uint8Array(layout.frames),
    slotLen,
    areas,
    capacity: layout.frames,
    room: layout.kind === 'slots' ? slotLen - HEADROOM - TAILROOM : AREA_LEN,
    count: 0,
  };
}

/** An odd number of cache lines: were it a power of two, the headers of all frames would share a few lines of the cache. */
function slotLenFor(maxLen: number): number {
  return ((HEADROOM + maxLen + TAILROOM + 63) & ~63) | 64;
}

/** Empties the batch: every slot is free again, its frame to begin at HEADROOM. HOT PATH: allocates nothing. */
export function resetBatch(batch: Batch): void {
  const { at, capacity, slotLen } = batch;
  for (let i = 0, start = HEADROOM; i < capacity; i++, start += slotLen) at[i] = start;
  batch.count = 0;
}
