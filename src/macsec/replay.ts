/**
 * Replay protection of one receive SA: the lowest acceptable PN of 802.1AE 10.6.5, and on top of it a bitmap of
 * the PNs seen inside the window (the algorithm of RFC 6479), so that a duplicate is dropped too.
 *
 * Without the bitmap it is what Linux does: any PN not below `nextPn − window` passes, also twice; an XPN is compared
 * by its lower 32 bits, and refused only if they are in the same half of their range; and the last PN of 32 bits does not move `nextPn`, since there is none after it.
 */

const WORD_BITS = 32;
/** `pn & BIT_MASK` is `pn % WORD_BITS`, also beyond 2^32, without the division of doubles. */
const BIT_MASK = WORD_BITS - 1;
const HALF = 0x8000_0000;
const WHOLE = 0x1_0000_0000;

export class Replay {
  /** One past the highest PN accepted so far. */
  nextPn: number;
  readonly window: number;
  readonly #xpn: boolean;
  /** Bit `pn mod bits`: that PN was accepted. Empty: no bitmap. */
  readonly #seen: Uint32Array;
  readonly #mask: number;
  /** PNs below this were accepted by an earlier process: which of them nobody knows any more. */
  readonly #floor: number;

  /** `window` in PNs. `bitmap`: duplicates inside the window are refused. `nextPn`: the lowest PN acceptable at the start. */
  constructor(window: number, bitmap: boolean, nextPn: number, xpn: boolean = false) {
    this.window = window;
    this.nextPn = nextPn;
    this.#xpn = xpn;
    this.#floor = bitmap ? nextPn : 0;
    // One word more than the window: advancing clears whole words, of which one is in use at each end.
    const words = bitmap ? 2 ** Math.ceil(Math.log2(window / WORD_BITS + 2)) : 0;
    this.#seen = new Uint32Array(words);
    this.#mask = words - 1;
  }

  /** Has it this window, and a bitmap or not? */
  is(window: number, bitmap: boolean): boolean {
    return this.window === window && this.#mask >= 0 === bitmap;
  }

  /** The lowest acceptable PN; without bitmap and with XPN, of its lower half. */
  get lowestPn(): number {
    const next = this.#mask < 0 && this.#xpn ? this.nextPn % WHOLE : this.nextPn;
    const lowest = next >= this.window ? next - this.window : 0;
    return lowest > this.#floor ? lowest : this.#floor;
  }

  /** Is the PN below the window, whether that is refused (`accepts`) or only counted (InPktsDelayed)? HOT PATH. */
  isDelayed(pn: number): boolean {
    return (this.#mask < 0 && this.#xpn ? pn % WHOLE : pn) < this.lowestPn;
  }

  /** May a frame with this PN still be accepted? HOT PATH: allocates nothing. */
  accepts(pn: number): boolean {
    if (this.#mask < 0)
      return !this.isDelayed(pn) || (this.#xpn && pn % WHOLE >= HALF !== this.lowestPn >= HALF);
    if (pn >= this.nextPn) return true;
    if (pn < this.lowestPn) return false;
    return (this.#seen[this.#wordOf(pn)]! & (1 << (pn & BIT_MASK))) === 0;
  }

  /** Notes a frame whose ICV was right and whose PN `accepts` let pass. HOT PATH: allocates nothing. */
  advance(pn: number): void {
    if (this.#mask >= 0) this.#mark(pn);
    else if (!this.#xpn && pn === WHOLE - 1) return;
    if (pn >= this.nextPn) this.nextPn = pn + 1;
  }

  #mark(pn: number): void {
    const bit = pn & BIT_MASK;
    // Unless `nextPn − 1` is in the same word.
    if (pn - this.nextPn >= bit) this.#clearTo(pn);
    this.#seen[this.#wordOf(pn)]! |= 1 << bit;
  }

  /** Clears the words behind that of the last PN, up to and with that of `pn`. */
  #clearTo(pn: number): void {
    const last = Math.floor(pn / WORD_BITS);
    const fresh = last - Math.floor((this.nextPn - 1) / WORD_BITS);
    for (let i = fresh < this.#seen.length ? fresh : this.#seen.length; i > 0; i--)
      this.#seen[(last - i + 1) & this.#mask] = 0;
  }

  /** `>>>` takes the lower 32 bits of a PN beyond 2^32 (XPN): enough for any ring of up to 2^27 words. */
  #wordOf(pn: number): number {
    return (pn >>> 5) & this.#mask;
  }
}
