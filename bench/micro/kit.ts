/** What the micro benchmarks share: a SecY that receives what it sends, a filled batch, a link without system calls. */
import { createSecretKey } from 'node:crypto';
import type { AeadProvider } from '../../src/crypto/aead.ts';
import { type Batch, createBatch, resetBatch } from '../../src/frame/batch.ts';
import { createSecy, keySlots } from '../../src/macsec/configure.ts';
import { secyCountersLen } from '../../src/macsec/counters.ts';
import { loopSpec } from '../../src/macsec/loop-spec.ts';
import type { SecY } from '../../src/macsec/secy.ts';
import type { FramePort } from '../../src/ports/frame-port.ts';

const SCI = '0000001111110001';
const KEY = '11'.repeat(16);
/** Packet numbers enough for any run of a benchmark. */
const GRANTED_PNS = (1n << 32n) - 1n;

/** A SecY with one TxSA whose SC is also its RxSC: it validates what it protects. Replay protection is on. */
export function loopSecy(provider: AeadProvider, counters?: Float64Array): SecY {
  const spec = loopSpec(createSecretKey(Buffer.from(KEY, 'hex')), SCI, GRANTED_PNS);
  const keyring = provider.openKeyring(keySlots(spec.config));
  return createSecy(spec, keyring, counters ?? new Float64Array(secyCountersLen(1)));
}

/** An Ethernet frame of `len` octets, no two octets in a row alike: IPv4 and TCP to who looks, with ACK. */
export function sampleFrame(len: number): Buffer {
  const frame = Buffer.from(Array.from({ length: len }, (_, i) => (i * 7 + (i >> 8)) & 0xff));
  Buffer.from('020000000002020000000001080045', 'hex').copy(frame);
  if (len > 47) [frame[23], frame[47]] = [6, 0x10];
  return frame;
}

/** A full batch of copies of `frame`. */
export function filledBatch(frame: Buffer): Batch {
  const batch = createBatch(frame.length);
  resetBatch(batch);
  batch.count = batch.capacity;
  for (let i = 0; i < batch.count; i++) {
    batch.arena.set(frame, batch.at[i]!);
    batch.len[i] = frame.length;
    batch.verdict[i] = 0;
  }
  return batch;
}

/** Throws unless every frame of the batch is alive and equal to `frame`. */
export function expectFrames(what: string, batch: Batch, frame: Buffer): void {
  for (let i = 0; i < batch.count; i++) {
    const at = batch.at[i]!;
    if (batch.verdict[i] !== 0) throw new Error(`${what}: frame ${i} was dropped (${batch.verdict[i]})`);
    if (!batch.arena.subarray(at, at + batch.len[i]!).equals(frame))
      throw new Error(`${what}: frame ${i} differs`);
  }
}

/** Gives the same frame again and again, up to `budget` frames. Allocates nothing per frame. */
export class SourcePort implements FramePort {
  readonly fd: number = -1;
  budget = 0;
  readonly #frame: Buffer;

  constructor(frame: Buffer) {
    this.#frame = frame;
  }

  receive(batch: Batch, max: number): number {
    const most = Math.min(max, batch.capacity, this.budget);
    for (let i = 0; i < most; i++) {
      batch.arena.set(this.#frame, batch.at[i]!);
      batch.len[i] = this.#frame.length;
      batch.verdict[i] = 0;
    }
    this.budget -= most;
    batch.count = most;
    return most;
  }

  send(batch: Batch): number {
    return batch.count;
  }

  close(): void {}
}

/**
 * Keeps the frames of the last batch sent, for whoever receives next. One copy in, one out: what a system call would
 * do, without the system call. Allocates at a frame's first time in a slot only.
 */
export class HoldPort implements FramePort {
  readonly fd: number = -1;
  readonly #slots: Buffer[] = [];
  #views: (Buffer | undefined)[] = [];
  #arena: Buffer | undefined;
  #held = 0;

  send(batch: Batch, from: number): number {
    if (this.#arena !== batch.arena) this.#views = [];
    this.#arena = batch.arena;
    this.#held = 0;
    for (let i = from; i < batch.count; i++) {
      if (batch.verdict[i] !== 0) continue;
      this.#slotOf(this.#held, batch.len[i]!).set(this.#viewOf(batch, i));
      this.#held++;
    }
    return batch.count;
  }

  receive(batch: Batch, max: number): number {
    const most = Math.min(max, batch.capacity, this.#held);
    for (let i = 0; i < most; i++) {
      const slot = this.#slots[i]!;
      batch.arena.set(slot, batch.at[i]!);
      batch.len[i] = slot.length;
      batch.verdict[i] = 0;
    }
    this.#held = 0;
    batch.count = most;
    return most;
  }

  /** The frames held, as they are: for checks. */
  held(): Buffer[] {
    return this.#slots.slice(0, this.#held);
  }

  close(): void {}

  /** A frame of a given batch lies where it lay the last time, so the view is made once. */
  #viewOf(batch: Batch, i: number): Buffer {
    const at = batch.at[i]!;
    const known = this.#views[i];
    const length = batch.len[i]!;
    if (known?.length === length && known.byteOffset === batch.arena.byteOffset + at) return known;
    const view = batch.arena.subarray(at, at + length);
    this.#views[i] = view;
    return view;
  }

  #slotOf(i: number, length: number): Buffer {
    const known = this.#slots[i];
    if (known?.length === length) return known;
    const slot = Buffer.alloc(length);
    this.#slots[i] = slot;
    return slot;
  }
}
