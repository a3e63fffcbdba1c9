/**
 * The Uncontrolled Port of a SecY (802.1AE 10.4, 802.1X 11.3): frames that are neither protected nor validated, for the
 * station itself. On the way in, a receive lane takes untagged frames of certain EtherTypes out of its batch and lays
 * them into rings in shared memory, where the main thread finds them; on the way out, the main thread sends by the
 * tunnel's socket itself (`uncontrolled-sender.ts`).
 *
 *     receive lane ─▶ UncontrolledEntry ─▶ rings ─▶ UncontrolledExit ─▶ who decides the keys
 *
 * The rings are bounded, and so is what the main thread takes per second: a flood costs a counter and nothing else. What
 * comes this way is not authentic; its taker has to check it. A frame behind a VLAN tag is none of these: in a tunnel
 * between two stations nobody has reason to tag what is for the station itself.
 */
import type { Batch } from '../frame/batch.ts';
import { Drop } from '../frame/drop.ts';
import { ETHERTYPE_LINK_CONTROL, etherTypeAt } from '../wire/ethernet.ts';
import { type Bell, Bells } from './bells.ts';
import { SLOT_FRAME_LEN, UncontrolledRing } from './uncontrolled-ring.ts';

/** Writes the sender of frame `frame` of the batch that came last into `into`. */
export type SenderOf = (frame: number, into: Uint8Array) => void;

export interface UncontrolledEntryOptions {
  readonly etherTypes: readonly number[];
  /** What tells the main thread of this ring. */
  readonly bell: Bell;
  readonly senderOf?: SenderOf | null;
}

/** The lane's end. One lane per ring. */
export class UncontrolledEntry {
  readonly #ring: UncontrolledRing;
  readonly #etherTypes: readonly number[];
  readonly #senderOf: SenderOf | null;
  readonly #bell: Bell;
  /** Frames were laid in, and the main thread has not been told that any wait. */
  untold = false;

  /** `senderOf`: null where the peer is where it is. */
  constructor(shared: SharedArrayBuffer, options: UncontrolledEntryOptions) {
    this.#ring = new UncontrolledRing(shared);
    this.#etherTypes = options.etherTypes;
    this.#senderOf = options.senderOf ?? null;
    this.#bell = options.bell;
  }

  /** Takes what is the control plane's out of the batch, whose frames are whole Ethernet headers at least. HOT PATH. */
  take(batch: Batch): void {
    const { count, at, verdict, arena } = batch;
    for (let i = 0; i < count; i++) {
      if (verdict[i] !== 0 || !this.#etherTypes.includes(etherTypeAt(arena, at[i]!))) continue;
      verdict[i] = this.#layIn(batch, i) ? Drop.Uncontrolled : Drop.UncontrolledFull;
    }
  }

  #layIn({ arena, at: starts, len: lengths }: Batch, frame: number): boolean {
    const [at, len] = [starts[frame]!, lengths[frame]!];
    // Of a control frame the start is enough; nobody sends an MKPDU that long.
    if (len > SLOT_FRAME_LEN && etherTypeAt(arena, at) !== ETHERTYPE_LINK_CONTROL) return false;
    const queue = this.#ring.isWanted(arena, at, len) ? this.#ring.wanted : this.#ring.others;
    const slot = queue.free();
    if (slot < 0) return false;
    this.#senderOf?.(frame, queue.senderIn(slot));
    queue.layIn(slot, arena, at, len);
    if (this.#bell.ring()) this.untold = true;
    return true;
  }
}

/**
 * Gets each frame, or what SLOT_FRAME_LEN has room for, and its sender where the entry knows it, as copies of its own;
 * `cameLen`: the octets that the frame had.
 */
export type UncontrolledTaker = (frame: Uint8Array, sender: Uint8Array, cameLen: number) => void;

const NO_BELL = -1;

/** The main thread's end. */
export class UncontrolledExit implements Drained {
  readonly #ring: UncontrolledRing;
  readonly #received: UncontrolledTaker;
  readonly #looks: UncontrolledLooks;
  #bell = NO_BELL;

  constructor(
    ring: UncontrolledRing,
    received: UncontrolledTaker,
    looks: UncontrolledLooks = UNCONTROLLED_LOOKS,
  ) {
    this.#ring = ring;
    this.#received = received;
    this.#looks = looks;
  }

  /** Which of the bells is this ring's, from now on until it is closed; a tunnel that opens its socket anew asks again. */
  get bell(): number {
    if (this.#bell === NO_BELL) this.#bell = this.#looks.hang(this);
    return this.#bell;
  }

  /** Hands on all frames that wait, those that are wanted first; returns how many. */
  drain(): number {
    return this.#ring.wanted.takeAll(this.#received) + this.#ring.others.takeAll(this.#received);
  }

  close(): void {
    if (this.#bell !== NO_BELL) this.#looks.unhang(this.#bell);
    this.#bell = NO_BELL;
  }
}

/** The main thread looks no more often than this: with the slots of a ring, that bounds what it takes. */
const LOOK_MS = 20;

/** The main thread's end of a ring. */
export interface Drained {
  drain(): void;
}

/**
 * When the main thread looks at its rings: at all whose bells have rung, and of which it was told, at once, however many
 * tunnels there are.
 */
export class UncontrolledLooks {
  readonly #bells = new Bells();
  /** By their bells. */
  readonly #hung: (Drained | null)[] = [];
  readonly #wanted = new Set<Drained>();
  #timer: NodeJS.Timeout | null = null;
  #lookedMs = Number.NEGATIVE_INFINITY;

  /** For the lanes: `Bell`. */
  get bells(): SharedArrayBuffer {
    return this.#bells.shared;
  }

  /** The bell that `exit` listens for from now on. */
  hang(exit: Drained): number {
    const free = this.#hung.indexOf(null);
    const bell = free < 0 ? this.#hung.length : free;
    this.#hung[bell] = exit;
    return bell;
  }

  /** Nobody listens for it any more. */
  unhang(bell: number): void {
    this.#hung[bell] = null;
  }

  /** Bells have rung: their rings are looked at now, or as soon as the bound allows. */
  rung(): void {
    if (this.#timer !== null) return;
    const waitMs = this.#lookedMs + LOOK_MS - performance.now();
    if (waitMs <= 0) this.#look();
    else this.#timer = setTimeout(() => this.#look(), Math.ceil(waitMs));
  }

  /** The same for `exit`, which has no bell. */
  want(exit: Drained): void {
    this.#wanted.add(exit);
    this.rung();
  }

  cancel(exit: Drained): void {
    this.#wanted.delete(exit);
  }

  #look(): void {
    this.#timer = null;
    this.#lookedMs = performance.now();
    const exits = [...this.#wanted];
    this.#wanted.clear();
    for (const exit of exits) exit.drain();
    this.#bells.take(this.#hung.length, (bell) => this.#hung[bell]?.drain());
  }
}

/** Of a thread. */
export const UNCONTROLLED_LOOKS: UncontrolledLooks = new UncontrolledLooks();
