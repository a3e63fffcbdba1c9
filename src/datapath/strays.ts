/**
 * Frames that came to this tunnel's socket and are another's, by what they say: two peers behind one NAT may have had the
 * same port one after the other. The receive lane lays some of them into a ring, untouched and untrusted; the main thread
 * hands them to the tunnel that they name, which judges them (`tunnel/shared-port.ts`).
 *
 * The ring is bounded, and so is what the main thread takes per second: a flood costs a look at a counter.
 */
import type { Batch } from '../frame/batch.ts';
import { Drop } from '../frame/drop.ts';
import { SecyCounter } from '../macsec/counters.ts';
import type { SecY } from '../macsec/secy.ts';
import type { RxScratch } from '../macsec/validate.ts';
import { ENDPOINT_LEN } from '../ports/endpoint.ts';
import { ETHERTYPE_EAPOL, etherTypeAt } from '../wire/ethernet.ts';
import type { SenderOf, UncontrolledLooks, UncontrolledTaker } from './uncontrolled.ts';
import { UNCONTROLLED_LOOKS } from './uncontrolled.ts';
import { FrameQueue } from './uncontrolled-ring.ts';

/** Frames that wait at most (a power of two: the counters wrap), and the longest: a jumbo frame. */
const SLOTS = 4;
export const LONGEST_STRAY = 9216;
/** Before the queue: whether the main thread knows that frames wait. */
const HEAD_LEN = 8;
const RING_LEN = HEAD_LEN + 4 * (2 + SLOTS) + SLOTS * (ENDPOINT_LEN + LONGEST_STRAY);

/** The memory between the lane and the main thread. Pages that nobody writes to cost nothing. */
export function createStrayRing(): SharedArrayBuffer {
  return new SharedArrayBuffer(RING_LEN);
}

function queueIn(ring: SharedArrayBuffer): FrameQueue {
  return new FrameQueue(ring, HEAD_LEN, SLOTS, LONGEST_STRAY);
}

/** The lane's end. */
export class StrayEntry {
  /** Frames were laid in of which the main thread has not been told. */
  untold = false;
  readonly #told: Int32Array;
  readonly #queue: FrameQueue;
  readonly #senderOf: SenderOf;
  #noTag = 0;

  constructor(ring: SharedArrayBuffer, senderOf: SenderOf) {
    this.#told = new Int32Array(ring, 0, 1);
    this.#queue = queueIn(ring);
    this.#senderOf = senderOf;
  }

  /**
   * Looks at a batch that `validate` has just been through: the last frame whose SCI no RxSC has, and MKPDUs, which are
   * dropped where the tunnel has static keys. HOT PATH: two comparisons, unless there are such frames.
   */
  take(secy: SecY, batch: Batch, { unknown }: RxScratch): void {
    if (unknown >= 0) this.#layIn(batch, unknown);
    const noTag = secy.counters[SecyCounter.inPktsNoTag]!;
    if (noTag === this.#noTag) return;
    this.#noTag = noTag;
    const { count, at, verdict, arena } = batch;
    for (let i = 0; i < count; i++) {
      if (verdict[i] === Drop.InPktsNoTag && etherTypeAt(arena, at[i]!) === ETHERTYPE_EAPOL)
        this.#layIn(batch, i);
    }
  }

  #layIn({ arena, at, len }: Batch, frame: number): void {
    if (len[frame]! > LONGEST_STRAY) return;
    const slot = this.#queue.free();
    if (slot < 0) return;
    this.#senderOf(frame, this.#queue.senderIn(slot));
    this.#queue.layIn(slot, arena, at[frame]!, len[frame]!);
    if (Atomics.compareExchange(this.#told, 0, 0, 1) === 0) this.untold = true;
  }
}

/** The main thread's end. */
export class StrayExit {
  readonly ring: SharedArrayBuffer = createStrayRing();
  readonly #told = new Int32Array(this.ring, 0, 1);
  readonly #queue = queueIn(this.ring);
  readonly #taken: UncontrolledTaker;
  readonly #looks: UncontrolledLooks;

  /** `taken` gets each frame and its sender, as copies of its own. */
  constructor(taken: UncontrolledTaker, looks: UncontrolledLooks = UNCONTROLLED_LOOKS) {
    this.#taken = taken;
    this.#looks = looks;
  }

  /** The worker says that frames wait: they are handed on now, or as soon as the bound allows. */
  told(): void {
    this.#looks.want(this);
  }

  drain(): void {
    Atomics.store(this.#told, 0, 0);
    this.#queue.takeAll(this.#taken);
  }

  close(): void {
    this.#looks.cancel(this);
  }
}
