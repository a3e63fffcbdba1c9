/**
 * Who a participant is (IEEE 802.1X-2020 9.4.2): a random member identifier (MI), the numbers of its messages (MN) and
 * keys (KN) under it, and when a message was sent, by which a peer that lists it proves that it is there now.
 */
import type { RandomSource } from './keys.ts';
import type { MemberId } from './mkpdu.ts';
import { NUMBERS_LOW } from './settings.ts';

const MI_LEN = 12;
/** How many messages back the time of sending is known: at the highest rate, well above `RECENT_MS`. A power of 2. */
const REMEMBERED = 256;

/** For another process, which is the same member. */
export interface HandedIdentity {
  readonly mi: MemberId;
  readonly mn: number;
  readonly kn: number;
  readonly sentMs: Float64Array;
}

export class Identity {
  readonly #random: RandomSource;
  readonly #sentMs = new Float64Array(REMEMBERED);
  #mi: MemberId;
  #mn: number;
  #kn: number;

  /** `last`: the numbers that count as taken. */
  constructor(random: RandomSource, last: { readonly mn: number; readonly kn: number } = { mn: 0, kn: 0 }) {
    this.#random = random;
    this.#mn = last.mn;
    this.#kn = last.kn;
    this.#mi = newMi(random);
  }

  get mi(): MemberId {
    return this.#mi;
  }

  /** Of the last message; 0: none was sent. */
  get mn(): number {
    return this.#mn;
  }

  get handed(): HandedIdentity {
    return { mi: this.#mi, mn: this.#mn, kn: this.#kn, sentMs: this.#sentMs.slice() };
  }

  /** The member that was somebody else's until now; times are later by `shiftMs` here. */
  goOn({ mi, mn, kn, sentMs }: HandedIdentity, shiftMs: number): void {
    this.#mi = mi;
    this.#mn = mn;
    this.#kn = kn;
    this.#sentMs.set(sentMs.map((ms) => ms + shiftMs));
  }

  /** Another member from now on, with numbers of its own. */
  renew(): void {
    this.#mi = newMi(this.#random);
    this.#mn = 0;
    this.#kn = 0;
  }

  /** MNs or KNs end soon: `renew` is due. */
  get isLow(): boolean {
    return this.#mn >= NUMBERS_LOW || this.#kn >= NUMBERS_LOW;
  }

  /** The number of the message that is sent now. */
  takeMn(nowMs: number): number {
    this.#mn++;
    this.#sentMs[this.#mn % REMEMBERED] = nowMs;
    return this.#mn;
  }

  takeKn(): number {
    return ++this.#kn;
  }

  /** How long ago the message was sent; infinite for one that never was, or too long ago. */
  ageOf(mn: number, nowMs: number): number {
    if (mn < 1 || mn > this.#mn || mn <= this.#mn - REMEMBERED) return Number.POSITIVE_INFINITY;
    return nowMs - this.#sentMs[mn % REMEMBERED]!;
  }
}

function newMi(random: RandomSource): MemberId {
  return Buffer.from(random(MI_LEN)).toString('hex');
}
