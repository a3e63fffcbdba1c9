/**
 * The KaY of a port (IEEE 802.1X-2020 clause 12): frames in, frames out, over an `Agreement`. The way in:
 *
 *   1. `peekMkpdu`: is it an MKPDU, and of which CKN? Of another than ours it goes no further
 *   2. `decodeMkpdu`: the ICV, then the parameter sets
 *   3. `Agreement.receive`
 *
 * and out: `Agreement` composes, `encodeMkpdu` writes it with its ICV, `send` has it. Who runs it gives it frames, a
 * clock with a timer, random octets and a SecY; calls do not overlap.
 */
import { type Accepted, Agreement, type HandedAgreement, type RekeyAnswer } from './agreement.ts';
import { decodeMkpdu, peekMkpdu } from './decode.ts';
import { encodeMkpdu } from './encode.ts';
import type { MkaListener } from './events.ts';
import type { MkaKeys, RandomSource } from './keys.ts';
import type { Mkpdu } from './mkpdu.ts';
import { REFUSAL_TEXTS, type Refusal } from './refusal.ts';
import type { Clock, SecyOrders } from './seams.ts';
import type { MkaSettings } from './settings.ts';
import { type MkaSnapshot, snapshotOf } from './snapshot.ts';
import { Tally } from './tally.ts';

export interface KayContext {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly orders: SecyOrders;
  /** Sends a whole Ethernet frame by the Uncontrolled Port. Must not throw; the frame is the callee's. */
  send(frame: Uint8Array): void;
  /** Must not throw. */
  readonly listener: MkaListener;
  /** By how much there may be more than MKA Hello Time between two calm hellos, 1–2; absent: 1. */
  calmStretch?(): number;
  /** What may be asked of this KaY may be otherwise than before. Must not throw. */
  stepped?(): void;
}

const MAC_DIGITS = 12;

export class Kay {
  readonly #context: KayContext;
  readonly #agreement: Agreement;
  readonly #ownMac: Uint8Array;
  /** MKPDUs that no participant has to do with. */
  readonly #tally = new Tally();

  constructor(settings: MkaSettings, context: KayContext) {
    const { clock, random, orders, listener } = context;
    const stepped = (): void => context.stepped?.();
    this.#context = context;
    this.#ownMac = Buffer.from(settings.sci.slice(0, MAC_DIGITS), 'hex');
    const send = (mkpdu: Mkpdu, keys: MkaKeys): void => this.#send(mkpdu, keys);
    const calmStretch = (): number => context.calmStretch?.() ?? 1;
    this.#agreement = new Agreement(settings, {
      clock,
      random,
      orders,
      send,
      listener,
      calmStretch,
      stepped,
    });
  }

  /** Stopped, it is what another process goes on from. */
  get handed(): HandedAgreement {
    return this.#agreement.handed;
  }

  /** Before `start`: whether it can go on with what the KaY of another process has agreed on; it does then. Times are later by `shiftMs` here. */
  goOn(handed: HandedAgreement, shiftMs: number): boolean {
    if (!this.#agreement.isOf(handed)) return false;
    this.#agreement.goOn(handed, shiftMs);
    return true;
  }

  /** Sends the first hello, or goes on after `stop`; from now on SAs may be ordered. */
  start(): void {
    this.#agreement.start();
  }

  /** Sends and orders nothing more; SAs stay as they are. */
  stop(): void {
    this.#agreement.stop();
  }

  /**
   * A frame of the Uncontrolled Port. Never throws for what is in it, and keeps none of its octets. `accepted` is called
   * for an MKPDU that is authentic and new, before anything is sent for it.
   */
  receive(frame: Uint8Array, accepted: Accepted = () => {}): void {
    const found = peekMkpdu(frame, this.#ownMac);
    if (typeof found === 'string') {
      this.#refuse(found, this.#tally, null);
      return;
    }
    const participant = this.#agreement.find(found.ckn);
    if (participant === null) {
      this.#refuse('UnknownCkn', this.#tally, null);
      return;
    }
    const mkpdu = decodeMkpdu(frame, found, participant.mkaKeys.ick);
    if (typeof mkpdu === 'string') {
      this.#refuse(mkpdu, participant.tally, participant.ckn);
      return;
    }
    this.#agreement.receive(mkpdu, accepted);
  }

  /** Has a new SAK made. */
  rekey(): RekeyAnswer {
    return this.#agreement.rekey();
  }

  /** Other settings with the same SCI, for what a reload changes; SAs stay until the next SAK. */
  configure(settings: MkaSettings): void {
    this.#agreement.configure(settings);
  }

  get hasLivePeer(): boolean {
    return this.#agreement.hasLivePeer;
  }

  /** A peer is live, and both ends have a SAK that this one transmits with. */
  get isSecured(): boolean {
    return this.#agreement.isSecured;
  }

  /** A live peer is an l2vpnd, and takes control frames. */
  get takesControlFrames(): boolean {
    return this.#agreement.takesControlFrames;
  }

  /** The CKN of the CAK in charge. */
  get ckn(): string {
    return this.#agreement.principal.ckn;
  }

  snapshot(): MkaSnapshot {
    return snapshotOf(this.#agreement, this.#tally, this.#context.clock.nowMs());
  }

  /** Since the last MKPDU of a live peer; null: none is live. */
  get heardAgoMs(): number | null {
    let heardMs = Number.NEGATIVE_INFINITY;
    for (const { peers } of this.#agreement.participants)
      for (const peer of peers.live) heardMs = Math.max(heardMs, peer.heardMs);
    return heardMs === Number.NEGATIVE_INFINITY ? null : this.#context.clock.nowMs() - heardMs;
  }

  #send(mkpdu: Mkpdu, { ick }: MkaKeys): void {
    this.#context.send(encodeMkpdu(mkpdu, ick, this.#ownMac));
  }

  #refuse(reason: Refusal, tally: Tally, ckn: string | null): void {
    tally.refuse(reason, this.#context.clock.nowMs());
    this.#agreement.tell({ name: 'refused', level: 'warn', text: REFUSAL_TEXTS[reason], ckn });
  }
}
