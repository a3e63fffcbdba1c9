/**
 * Replay protection of one receive SA: the lowest acceptable PN of 802.1AE 10.6.5, and on top of it a bitmap of
 * the PNs seen inside the window (the algorithm of RFC 6479), so that a duplicate is dropped too. A PN is given as two
 * words of 32 bits; the upper one is 0 without XPN.
 *
 * Without the bitmap it is what Linux does: any PN not below `next − window` passes, also twice; an XPN is compared
 * by its lower 32 bits, and refused only if they are in the same half of their range; and the last PN of all does not
 * move what is next, since there is none after it.
 */

const WORD_BITS = 32;
const BIT_MASK = WORD_BITS - 1;
/** Words of the bitmap that the lower halves of PNs fill: a ring is never longer. */
const WORDS_PER_HIGH = 2 ** 27;
const HALF = 0x8000_0000;
const WHOLE = 0x1_0000_0000;
const LAST_WORD = 0xffff_ffff;

/** What a receive SA has seen, for a lane that goes on with it. Survives a structured clone. */
export interface ReplayState {
  readonly window: number;
  readonly nextHigh: number;
  readonly nextLow: number;
  readonly floorHigh: number;
  readonly floorLow: number;
  /** Empty: there is no bitmap. */
  readonly seen: Uint32Array;
}

export class Replay {
  /** One past the highest PN accepted so far; after 2^64 − 1 the upper word is 2^32. */
  nextHigh: number;
  nextLow: number;
  readonly window: number;
  /** Only lower words are compared: XPN as Linux does it. */
  readonly #byHalves: boolean;
  /** The upper word of the last PN that there is. */
  readonly #lastHigh: number;
  /** Bit `pn mod bits`: that PN was accepted. Empty: no bitmap. */
  readonly #seen: Uint32Array;
  readonly #mask: number;
  /** PNs below this are late: an earlier process accepted some of them, nobody knows which, or the peer has given them up. */
  #floorHigh: number;
  #floorLow: number;
  /** `window` in PNs. `bitmap`: duplicates inside the window are refused. `nextPn`: the lowest PN acceptable at the start. */
  constructor(window: number, bitmap: boolean, nextPn: bigint, xpn: boolean = false) {
    this.window = window;
    this.nextHigh = Number(nextPn >> 32n);
    this.nextLow = Number(nextPn & 0xffff_ffffn);
    this.#byHalves = xpn && !bitmap;
    this.#lastHigh = xpn ? LAST_WORD : 0;
    this.#floorHigh = bitmap ? this.nextHigh : 0;
    this.#floorLow = bitmap ? this.nextLow : 0;
    // One word more than the window: advancing clears whole words, of which one is in use at each end.
    const words = bitmap ? 2 ** Math.ceil(Math.log2(window / WORD_BITS + 2)) : 0;
    this.#seen = new Uint32Array(words);
    this.#mask = words - 1;
  }

  /** One past the highest PN accepted so far. */
  get nextPn(): bigint {
    return pnOf(this.nextHigh, this.nextLow);
  }

  /** What is seen so far. */
  get state(): ReplayState {
    const { window, nextHigh, nextLow } = this;
    const [floorHigh, floorLow] = [this.#floorHigh, this.#floorLow];
    return { window, nextHigh, nextLow, floorHigh, floorLow, seen: this.#seen.slice() };
  }

  /**
   * Goes on where a lane before has ended. With another window or bitmap nothing is known of what came within it: then all
   * below the next PN, which it was made with, stays late.
   */
  goOnFrom({ window, nextHigh, nextLow, floorHigh, floorLow, seen }: ReplayState): void {
    if (window !== this.window || seen.length !== this.#seen.length) return;
    this.nextHigh = nextHigh;
    this.nextLow = nextLow;
    this.#floorHigh = floorHigh;
    this.#floorLow = floorLow;
    this.#seen.set(seen);
  }

  /** Has it this window, and a bitmap or not? */
  is(window: number, bitmap: boolean): boolean {
    return this.window === window && this.#mask >= 0 === bitmap;
  }

  /** Is the PN below the window, whether that is refused (`accepts`) or only counted (InPktsDelayed)? HOT PATH. */
  isDelayed(high: number, low: number): boolean {
    if (this.#byHalves) return this.nextLow - low > this.window;
    return this.#behind(high, low) > this.window || this.#isBelowFloor(high, low);
  }

  /** May a frame with this PN still be accepted? HOT PATH: allocates nothing. */
  accepts(high: number, low: number): boolean {
    if (this.#mask < 0) return !this.isDelayed(high, low) || this.#isInOtherHalf(low);
    const behind = this.#behind(high, low);
    if (behind <= 0) return true;
    if (behind > this.window || this.#isBelowFloor(high, low)) return false;
    return (this.#seen[(low >>> 5) & this.#mask]! & (1 << (low & BIT_MASK))) === 0;
  }

  /**
   * Notes a frame whose ICV was right and whose PN `accepts` let pass; is the PN above all before it? HOT PATH: allocates
   * nothing.
   */
  advance(high: number, low: number): boolean {
    const behind = this.#behind(high, low);
    if (this.#mask >= 0) this.#mark(high, low, behind);
    if (behind > 0) return false;
    if (low !== LAST_WORD) {
      this.nextHigh = high;
      this.nextLow = low + 1;
    } else if (this.#mask >= 0 || high !== this.#lastHigh) {
      this.nextHigh = high + 1;
      this.nextLow = 0;
    }
    return true;
  }

  /** PNs below `pn` are late from now on, if they are not already (802.1X 9.10, delay protection). */
  raiseLowest(pn: bigint): void {
    const [high, low] = [Number(pn >> 32n), Number(pn & 0xffff_ffffn)];
    if (this.#isBelowFloor(high, low)) return;
    [this.#floorHigh, this.#floorLow] = [high, low];
    if (this.#behind(high, low) > 0 || pn <= this.nextPn) return;
    // As if the PN before it had come.
    if (this.#mask >= 0) this.#clearTo(Number((pn - 1n) >> 32n), Number((pn - 1n) & 0xffff_ffffn));
    [this.nextHigh, this.nextLow] = [high, low];
  }

  /** How far the PN is behind the next one. From 2^53 on it is not exact, only right in sign and larger than any window. */
  #behind(high: number, low: number): number {
    return (this.nextHigh - high) * WHOLE + (this.nextLow - low);
  }

  #isBelowFloor(high: number, low: number): boolean {
    return high === this.#floorHigh ? low < this.#floorLow : high < this.#floorHigh;
  }

  /** XPN as Linux does it: is a late lower word in the other half than the lowest acceptable one? */
  #isInOtherHalf(low: number): boolean {
    return this.#byHalves && low >= HALF !== this.nextLow - this.window >= HALF;
  }

  #mark(high: number, low: number, behind: number): void {
    const bit = low & BIT_MASK;
    // Unless the PN before the next one is in the same word.
    if (-behind >= bit) this.#clearTo(high, low);
    this.#seen[(low >>> 5) & this.#mask]! |= 1 << bit;
  }

  /** Clears the words behind that of the PN before the next one, up to and with that of this PN. */
  #clearTo(high: number, low: number): void {
    const word = low >>> 5;
    const before =
      this.nextLow === 0
        ? (this.nextHigh - high) * WORDS_PER_HIGH - 1
        : (this.nextHigh - high) * WORDS_PER_HIGH + ((this.nextLow - 1) >>> 5);
    const fresh = word - before;
    for (let i = fresh < this.#seen.length ? fresh : this.#seen.length; i > 0; i--)
      this.#seen[(word - i + 1) & this.#mask] = 0;
  }
}

function pnOf(high: number, low: number): bigint {
  return (BigInt(high) << 32n) + BigInt(low);
}
