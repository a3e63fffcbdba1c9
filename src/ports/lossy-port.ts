/**
 * A bad link as a decorator: what is received through it was lost, doubled, put out of order or altered on the
 * way, each with its own probability, and always in the same manner for the same seed. For tests.
 */
import { type Batch, createBatch, resetBatch } from '../frame/batch.ts';
import type { FramePort } from './frame-port.ts';

/** Probabilities, 0 to 1. */
export interface LossyOptions {
  readonly seed: number;
  readonly loss?: number;
  readonly duplicate?: number;
  /** That a frame lets the next few overtake it. */
  readonly reorder?: number;
  /** That one bit of a frame flips. */
  readonly corrupt?: number;
}

/** How many frames may overtake one that is held back. */
const MAX_OVERTAKERS = 8;

/** The 32-bit generator mulberry32: small, seedable, good enough to break links with. Returns [0, 1). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Held {
  readonly frame: Buffer;
  overtakers: number;
}

class LossyPort implements FramePort {
  readonly #inner: FramePort;
  readonly #options: Required<LossyOptions>;
  readonly #random: () => number;
  readonly #ready: Buffer[] = [];
  #held: Held[] = [];
  #inbox: Batch | null = null;

  constructor(inner: FramePort, options: LossyOptions) {
    this.#inner = inner;
    this.#options = { loss: 0, duplicate: 0, reorder: 0, corrupt: 0, ...options };
    this.#random = seededRandom(options.seed);
  }

  get fd(): number {
    return this.#inner.fd;
  }

  receive(batch: Batch, max: number): number {
    this.#inbox ??= createBatch(batch.room, batch.capacity);
    resetBatch(this.#inbox);
    const arrived = this.#inner.receive(this.#inbox, max);
    for (let i = 0; i < arrived; i++) this.#carry(this.#inbox, i);
    if (arrived === 0) this.#releaseAll();
    let count = 0;
    for (; count < max && count < batch.capacity && this.#ready.length > 0; count++) {
      const frame = this.#ready.shift()!;
      frame.copy(batch.arena, batch.at[count]!);
      batch.len[count] = frame.length;
      batch.verdict[count] = 0;
    }
    batch.count = count;
    return count;
  }

  #happens(probability: number): boolean {
    return this.#random() < probability;
  }

  #carry(inbox: Batch, i: number): void {
    const { loss, duplicate, reorder, corrupt } = this.#options;
    if (inbox.verdict[i] !== 0 || this.#happens(loss)) return;
    const at = inbox.at[i]!;
    const frame = Buffer.from(inbox.arena.subarray(at, at + inbox.len[i]!));
    if (frame.length > 0 && this.#happens(corrupt)) {
      frame[Math.floor(this.#random() * frame.length)]! ^= 1 << Math.floor(this.#random() * 8);
    }
    if (this.#happens(duplicate)) this.#ready.push(frame);
    if (this.#happens(reorder)) {
      this.#held.push({ frame, overtakers: 1 + Math.floor(this.#random() * MAX_OVERTAKERS) });
      return;
    }
    this.#ready.push(frame);
    for (const held of this.#held) if (--held.overtakers === 0) this.#ready.push(held.frame);
    this.#held = this.#held.filter((held) => held.overtakers > 0);
  }

  /** Nothing else comes: who was held back arrives after all. */
  #releaseAll(): void {
    for (const { frame } of this.#held) this.#ready.push(frame);
    this.#held = [];
  }

  send(batch: Batch, from: number): number {
    return this.#inner.send(batch, from);
  }

  close(): void {
    this.#inner.close();
  }
}

/** `inner` behind a bad link in the direction of `receive`. */
export function lossyPort(inner: FramePort, options: LossyOptions): FramePort {
  return new LossyPort(inner, options);
}
