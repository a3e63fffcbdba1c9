/**
 * The memory between a receive lane and the main thread, for frames of an Uncontrolled Port. Two rings of slots, so that
 * frames which nobody wants do not keep out those that somebody waits for:
 *
 *     | marks 4 | wanted: lengths 8, slots 8 | others: lengths 2, slots 2 |
 *
 *     slot:  | sender 64, see `ports/endpoint.ts` | frame |
 *     mark:  | at | length | octets 32 |
 *
 * A frame is wanted where it has the octets of a mark. Anybody can make a frame that is; who does not know the marks
 * cannot. One thread writes frames, one takes them; marks may change at any time.
 */
import { ENDPOINT_LEN } from '../ports/endpoint.ts';

/**
 * What is kept of a frame: an MKPDU with both of its lists full has 1.1 KB, and of a control frame nobody reads more than
 * its first kilobyte.
 */
export const SLOT_FRAME_LEN = 1216;
const SLOT_LEN = ENDPOINT_LEN + SLOT_FRAME_LEN;
/** Frames that wait at most (powers of two: the counters wrap). */
export const WANTED_SLOTS = 8;
export const OTHER_SLOTS = 2;
export const MAX_MARKS = 4;
const MARK_OCTETS = 32;
const MARK_LEN = 8 + MARK_OCTETS;

/** Octets that a frame has at an offset. */
export interface Mark {
  readonly at: number;
  /** 1–32. */
  readonly octets: Uint8Array;
}

/** Words of a ring: frames ever laid in, frames ever taken out, then the length of each. */
const IN = 0;
const OUT = 1;
const QUEUE_HEAD = 2;
const WANTED_AT = MAX_MARKS * MARK_LEN;
const OTHERS_AT = WANTED_AT + queueLen(WANTED_SLOTS);
const RING_LEN = OTHERS_AT + queueLen(OTHER_SLOTS);

function queueLen(slots: number): number {
  return (QUEUE_HEAD + slots) * 4 + slots * SLOT_LEN;
}

/** The memory of an Uncontrolled Port. */
export function createUncontrolledRing(): SharedArrayBuffer {
  return new SharedArrayBuffer(RING_LEN);
}

/** One end of one ring. */
export class FrameQueue {
  readonly #words: Uint32Array;
  readonly #slots: number;
  readonly #frames: readonly Uint8Array[];
  readonly #senders: readonly Uint8Array[];

  /** From `at` on, a multiple of 4: for frames of `frameLen` octets at most, a multiple of 4 too. */
  constructor(shared: SharedArrayBuffer, at: number, slots: number, frameLen: number = SLOT_FRAME_LEN) {
    this.#words = new Uint32Array(shared, at, QUEUE_HEAD + slots);
    this.#slots = slots;
    const slotAt = (i: number): number => at + this.#words.byteLength + i * (ENDPOINT_LEN + frameLen);
    const all = Array.from({ length: slots }, (_, i) => slotAt(i));
    this.#senders = all.map((one) => new Uint8Array(shared, one, ENDPOINT_LEN));
    this.#frames = all.map((one) => new Uint8Array(shared, one + ENDPOINT_LEN, frameLen));
  }

  /** The slot for the next frame; −1: all wait. HOT PATH. */
  free(): number {
    const next = this.#words[IN]!;
    const waiting = (next - Atomics.load(this.#words, OUT)) >>> 0;
    return waiting >= this.#slots ? -1 : next % this.#slots;
  }

  senderIn(slot: number): Uint8Array {
    return this.#senders[slot]!;
  }

  /** Puts `arena[at, at + len)`, as much of it as fits, into the slot that `free` has given. HOT PATH. */
  layIn(slot: number, arena: Uint8Array, at: number, len: number): void {
    const room = this.#frames[slot]!;
    room.set(arena.subarray(at, at + Math.min(len, room.length)));
    this.#words[QUEUE_HEAD + slot] = len;
    Atomics.store(this.#words, IN, this.#words[IN]! + 1);
  }

  /** Takes out what waits now; `taken` gets copies, and how long each frame was. Returns how many. */
  takeAll(taken: (frame: Uint8Array, sender: Uint8Array, cameLen: number) => void): number {
    const end = Atomics.load(this.#words, IN);
    let count = 0;
    for (let next = this.#words[OUT]!; next !== end; next = (next + 1) >>> 0, count++) {
      const slot = next % this.#slots;
      const cameLen = this.#words[QUEUE_HEAD + slot]!;
      const room = this.#frames[slot]!;
      const frame = Buffer.allocUnsafe(Math.min(cameLen, room.length));
      frame.set(room.subarray(0, frame.length));
      const sender = this.#senders[slot]!.slice();
      Atomics.store(this.#words, OUT, next + 1);
      taken(frame, sender, cameLen);
    }
    return count;
  }
}

export class UncontrolledRing {
  readonly wanted: FrameQueue;
  readonly others: FrameQueue;
  readonly #marks: readonly SharedMark[];

  constructor(shared: SharedArrayBuffer) {
    this.#marks = Array.from({ length: MAX_MARKS }, (_, i) => new SharedMark(shared, i * MARK_LEN));
    this.wanted = new FrameQueue(shared, WANTED_AT, WANTED_SLOTS);
    this.others = new FrameQueue(shared, OTHERS_AT, OTHER_SLOTS);
  }

  /** Which frames are wanted, by MAX_MARKS marks at most. */
  want(marks: readonly Mark[]): void {
    this.#marks.forEach((shared, i) => {
      shared.set(marks[i] ?? null);
    });
  }

  /** Whether `arena[at, at + len)` has the octets of a mark. HOT PATH. */
  isWanted(arena: Uint8Array, at: number, len: number): boolean {
    for (let i = 0; i < MAX_MARKS; i++) if (this.#marks[i]!.isIn(arena, at, len)) return true;
    return false;
  }
}

/** A mark where both threads see it. One that is half changed mistakes a frame for wanted or not, and nothing else. */
class SharedMark {
  readonly #words: Int32Array;
  readonly #octets: Uint8Array;

  constructor(shared: SharedArrayBuffer, at: number) {
    this.#words = new Int32Array(shared, at, 2);
    this.#octets = new Uint8Array(shared, at + 8, MARK_OCTETS);
  }

  set(mark: Mark | null): void {
    this.#octets.set(mark?.octets ?? []);
    Atomics.store(this.#words, 0, mark?.at ?? 0);
    Atomics.store(this.#words, 1, mark?.octets.length ?? 0);
  }

  isIn(arena: Uint8Array, at: number, len: number): boolean {
    const markLen = Atomics.load(this.#words, 1);
    const markAt = this.#words[0]!;
    if (markLen === 0 || markAt + markLen > len) return false;
    for (let i = 0; i < markLen; i++) if (arena[at + markAt + i] !== this.#octets[i]) return false;
    return true;
  }
}
