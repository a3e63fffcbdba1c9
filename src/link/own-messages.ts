/**
 * Who this end is in its control frames: a random member identifier, and the numbers of its messages with the time at
 * which each was sent. A peer that names one proves that it has heard it, so that nothing recorded earlier can.
 */
import { type Message, MI_LEN } from './frame.ts';
import { NUMBERS_LOW } from './settings.ts';

/** Octets that nobody can foresee; `randomBytes` of node:crypto outside tests. */
export type RandomSource = (octets: number) => Uint8Array;

/** How many messages back the time of sending is known. A power of 2. */
const REMEMBERED = 256;

/** For another process, which is the same member. */
export interface HandedMessages {
  readonly mi: string;
  readonly mn: number;
  readonly sentMs: Float64Array;
}

export class OwnMessages {
  readonly #random: RandomSource;
  readonly #sentMs = new Float64Array(REMEMBERED);
  #mi: string;
  #mn = 0;

  constructor(random: RandomSource) {
    this.#random = random;
    this.#mi = newMi(random);
  }

  get mi(): string {
    return this.#mi;
  }

  /** The number of the last one; 0: none was sent. */
  get mn(): number {
    return this.#mn;
  }

  get handed(): HandedMessages {
    return { mi: this.#mi, mn: this.#mn, sentMs: this.#sentMs.slice() };
  }

  /** The member that another process was; times are later by `shiftMs` here. */
  goOn({ mi, mn, sentMs }: HandedMessages, shiftMs: number): void {
    this.#mi = mi;
    this.#mn = mn;
    this.#sentMs.set(sentMs.map((ms) => ms + shiftMs));
  }

  /** The message that is sent now. Before its numbers end, this end becomes another member. */
  take(nowMs: number): Message {
    if (this.#mn >= NUMBERS_LOW) {
      this.#mi = newMi(this.#random);
      this.#mn = 0;
    }
    this.#mn++;
    this.#sentMs[this.#mn % REMEMBERED] = nowMs;
    return { mi: this.#mi, mn: this.#mn };
  }

  /** How long ago `message` was sent; infinite where it was not, by this end, or too long ago. */
  ageOf(message: Message | null, nowMs: number): number {
    if (message?.mi !== this.#mi) return Number.POSITIVE_INFINITY;
    const { mn } = message;
    if (mn < 1 || mn > this.#mn || mn <= this.#mn - REMEMBERED) return Number.POSITIVE_INFINITY;
    return nowMs - this.#sentMs[mn % REMEMBERED]!;
  }
}

function newMi(random: RandomSource): string {
  return Buffer.from(random(MI_LEN)).toString('hex');
}
