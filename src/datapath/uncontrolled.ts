/**
 * The Uncontrolled Port of a SecY (802.1AE 10.4, 802.1X 11.3): frames that are neither protected nor validated, for the
 * station itself. On the way in, a receive lane takes untagged frames of certain EtherTypes out of its batch and lays
 * them into a ring in shared memory, where the main thread finds them; on the way out, the main thread sends by the
 * tunnel's socket itself, beside the lanes and whatever state the TAP is in.
 *
 *     receive lane ─▶ UncontrolledEntry ─▶ ring ─▶ UncontrolledExit ─▶ who decides the keys
 *
 * The ring is bounded, and so is what the main thread takes per second: a flood costs a counter and nothing else. What
 * comes this way is not authentic; its taker has to check it.
 */
import { attachWire, type EncapSpec } from '../encap/kinds.ts';
import { type Batch, createBatch, HEADROOM, resetBatch } from '../frame/batch.ts';
import { Drop } from '../frame/drop.ts';
import { untoldTraffic } from '../frame/lane-counters.ts';
import { etherTypeAt } from '../wire/ethernet.ts';

/** Frames that wait for the main thread, at most (a power of two: the ring's counters wrap), and the longest of them. */
const SLOTS = 32;
const SLOT_LEN = 2048;
/** Words of the ring's head: frames ever laid in, frames ever taken out, whether the main thread knows that some wait. */
const IN = 0;
const OUT = 1;
const TOLD = 2;
const HEAD_WORDS = 4;
const LENS_AT = HEAD_WORDS * 4;
const FRAMES_AT = LENS_AT + SLOTS * 4;

/** The memory of a ring. */
export function createUncontrolledRing(): SharedArrayBuffer {
  return new SharedArrayBuffer(FRAMES_AT + SLOTS * SLOT_LEN);
}

class Ring {
  readonly head: Uint32Array;
  readonly lens: Int32Array;
  readonly octets: Uint8Array;

  constructor(shared: SharedArrayBuffer) {
    this.head = new Uint32Array(shared, 0, HEAD_WORDS);
    this.lens = new Int32Array(shared, LENS_AT, SLOTS);
    this.octets = new Uint8Array(shared, FRAMES_AT);
  }
}

/** The lane's end. One lane per ring. */
export class UncontrolledEntry {
  readonly #ring: Ring;
  readonly #etherTypes: readonly number[];
  /** Frames were laid in of which the main thread has not been told. */
  untold = false;

  constructor(shared: SharedArrayBuffer, etherTypes: readonly number[]) {
    this.#ring = new Ring(shared);
    this.#etherTypes = etherTypes;
  }

  /** Takes what is the control plane's out of the batch, whose frames are whole Ethernet headers at least. HOT PATH. */
  take(batch: Batch): void {
    const { count, at, verdict, arena } = batch;
    for (let i = 0; i < count; i++) {
      if (verdict[i] !== 0 || !this.#etherTypes.includes(etherTypeAt(arena, at[i]!))) continue;
      verdict[i] = this.#layIn(arena, at[i]!, batch.len[i]!) ? Drop.Uncontrolled : Drop.UncontrolledFull;
    }
  }

  #layIn(arena: Uint8Array, at: number, len: number): boolean {
    const { head, lens, octets } = this.#ring;
    const next = head[IN]!;
    if (len > SLOT_LEN || (next - Atomics.load(head, OUT)) >>> 0 >= SLOTS) return false;
    const slot = next % SLOTS;
    octets.set(arena.subarray(at, at + len), slot * SLOT_LEN);
    lens[slot] = len;
    Atomics.store(head, IN, next + 1);
    if (Atomics.compareExchange(head, TOLD, 0, 1) === 0) this.untold = true;
    return true;
  }
}

/** The main thread looks at a ring no more often than this: with SLOTS frames each time, that bounds what it takes. */
const LOOK_MS = 20;

/** The main thread's end. */
export class UncontrolledExit {
  readonly #ring: Ring;
  readonly #received: (frame: Uint8Array) => void;
  #timer: NodeJS.Timeout | null = null;
  #lookedMs = Number.NEGATIVE_INFINITY;

  /** `received` gets each frame as a copy of its own. */
  constructor(shared: SharedArrayBuffer, received: (frame: Uint8Array) => void) {
    this.#ring = new Ring(shared);
    this.#received = received;
  }

  /** The worker says that frames wait: they are handed on now, or as soon as the bound allows. */
  told(): void {
    if (this.#timer !== null) return;
    const waitMs = this.#lookedMs + LOOK_MS - performance.now();
    if (waitMs <= 0) this.drain();
    else this.#timer = setTimeout(() => this.drain(), waitMs);
  }

  /** Hands on all frames that wait; returns how many. */
  drain(): number {
    this.close();
    this.#lookedMs = performance.now();
    const { head, lens, octets } = this.#ring;
    // First: what comes from here on is told of again.
    Atomics.store(head, TOLD, 0);
    const end = Atomics.load(head, IN);
    let count = 0;
    for (let next = head[OUT]!; next !== end; next = (next + 1) >>> 0, count++) {
      const at = (next % SLOTS) * SLOT_LEN;
      const frame = octets.slice(at, at + lens[next % SLOTS]!);
      Atomics.store(head, OUT, next + 1);
      this.#received(frame);
    }
    return count;
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

/** Sends frames of the main thread by the tunnel's socket, in its encapsulation. */
export interface UncontrolledSender {
  /** Sends a whole Ethernet frame; returns why it was not sent, `Drop.None` when it was. */
  send(frame: Uint8Array): Drop;
  close(): void;
}

/** A sender over the socket `fd`, which stays its owner's. */
export function openUncontrolledSender(spec: EncapSpec, fd: number): UncontrolledSender {
  const { port, encap } = attachWire(spec, fd, untoldTraffic());
  const batch = createBatch(SLOT_LEN, 1);
  return {
    send(frame: Uint8Array): Drop {
      if (frame.length > SLOT_LEN) return Drop.OutPktsTooLong;
      resetBatch(batch);
      batch.arena.set(frame, HEADROOM);
      batch.len[0] = frame.length;
      batch.verdict[0] = Drop.None;
      batch.count = 1;
      encap.push(batch);
      if (port.send(batch, 0) < batch.count) return Drop.WireError;
      return batch.verdict[0] as Drop;
    },
    close: () => port.close(),
  };
}
