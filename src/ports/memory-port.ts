/**
 * `FramePort` without a kernel: two ends in memory, and what one sends the other receives. With them two whole
 * sites run in a unit test. They allocate; they are not on any hot path.
 */
import { type Batch, TAILROOM } from '../frame/batch.ts';
import { Drop } from '../frame/drop.ts';
import type { FramePort } from './frame-port.ts';

export interface MemoryPortOptions {
  /** Frames that wait at an end before its peer's `send` must stop. Default 1024. */
  readonly capacity?: number;
  /** The frame as the other end shall see it; a raw IPv4 socket, for one, delivers with the outer header. */
  readonly deliver?: (frame: Buffer) => Buffer;
}

/** One end. `push` and `shift` are the test's own hands on it. */
export class MemoryPort implements FramePort {
  readonly fd: number = -1;
  readonly #waiting: Buffer[] = [];
  readonly #capacity: number;
  readonly #deliver: (frame: Buffer) => Buffer;
  #peer: MemoryPort = this;

  constructor(options: MemoryPortOptions = {}) {
    this.#capacity = options.capacity ?? 1024;
    this.#deliver = options.deliver ?? ((frame) => frame);
  }

  connect(peer: MemoryPort): void {
    this.#peer = peer;
    peer.#peer = this;
  }

  /** How many frames wait here to be received. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Puts a frame where `receive` finds it; false when there is no room. */
  push(frame: Uint8Array): boolean {
    if (this.#waiting.length >= this.#capacity) return false;
    this.#waiting.push(Buffer.from(frame));
    return true;
  }

  /** Takes the first frame that waits, as `receive` would. */
  shift(): Buffer | undefined {
    return this.#waiting.shift();
  }

  receive(batch: Batch, max: number): number {
    const { room } = batch;
    let count = 0;
    while (count < max && count < batch.capacity) {
      const frame = this.#waiting.shift();
      if (frame === undefined) break;
      frame.copy(batch.arena, batch.at[count]!, 0, room + TAILROOM);
      batch.len[count] = frame.length;
      batch.verdict[count] = frame.length > room + TAILROOM ? Drop.Oversized : Drop.None;
      count++;
    }
    batch.count = count;
    return count;
  }

  send(batch: Batch, from: number): number {
    for (let i = from; i < batch.count; i++) {
      if (batch.verdict[i] !== Drop.None) continue;
      const at = batch.at[i]!;
      const frame = Buffer.from(batch.arena.subarray(at, at + batch.len[i]!));
      if (!this.#peer.push(this.#deliver(frame))) return i;
    }
    return batch.count;
  }

  close(): void {
    this.#waiting.length = 0;
  }
}

/** Two ends of one link. */
export function memoryPortPair(options: MemoryPortOptions = {}): [MemoryPort, MemoryPort] {
  const near = new MemoryPort(options);
  const far = new MemoryPort(options);
  near.connect(far);
  return [near, far];
}
