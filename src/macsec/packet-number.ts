/**
 * The transmit packet numbers of one SA (802.1AE 10.5.1): never twice the same, across threads, restarts and
 * crashes. Lanes take them in blocks from a counter in shared memory, never past the granted limit; the main
 * thread raises the limit only after the new ceiling is durable.
 *
 * A PN has 64 bits. The control plane has them as a BigInt, a frame as two words of 32 bits.
 */

/**
 * The words of shared memory: the last PN that somebody has taken; the last that may be taken; the one with which lanes
 * ask for more. They count what is gone, not what is next, so that 2^64 − 1 can be used and 0 never comes after it.
 */
const LAST = 0;
const LIMIT = 1;
const LOW_WATER = 2;
const PN_WORDS = 3;

/** One past the last usable PN. */
export function pnEnd(xpn: boolean): bigint {
  return xpn ? 1n << 64n : 1n << 32n;
}

/** The main thread's side: makes the shared counter, grants, reads. */
export class PnGrant {
  readonly shared: SharedArrayBuffer = new SharedArrayBuffer(PN_WORDS * BigUint64Array.BYTES_PER_ELEMENT);
  readonly #words = new BigUint64Array(this.shared);

  /** Starts at `next`, 1 at least, with nothing granted. */
  constructor(next: bigint) {
    if (next < 1n) throw new RangeError(`"next" expected a packet number, got ${next}`);
    for (const word of [LAST, LIMIT, LOW_WATER]) Atomics.store(this.#words, word, next - 1n);
  }

  /** The next PN that no lane has taken. */
  get next(): bigint {
    return Atomics.load(this.#words, LAST) + 1n;
  }

  /** One past the last PN that was granted. */
  get limit(): bigint {
    return Atomics.load(this.#words, LIMIT) + 1n;
  }

  /** Lets lanes take PNs below `limit`, which the caller has made durable; they ask again from `lowWater` on. Forward only. */
  grant(limit: bigint, lowWater: bigint): void {
    if (limit <= this.limit) return;
    Atomics.store(this.#words, LOW_WATER, lowWater - 1n);
    Atomics.store(this.#words, LIMIT, limit - 1n);
  }
}

/** `take` has no PN at hand. */
export const NO_PN = -1;
const WHOLE = 0x1_0000_0000;
const LAST_WORD = 0xffff_ffff;

/**
 * A kept block this far behind the counter is given up. Above what a few lanes hold at once, and below the default
 * replay window: a lane that sends seldom must not come with PNs that the receiver takes for late ones.
 */
const MAX_LAG = 512;

/** Where 64 bits are taken apart and put together. */
const bits = new DataView(new ArrayBuffer(BigUint64Array.BYTES_PER_ELEMENT));

/**
 * A lane's side: PNs taken from the shared counter, a block in use and one spare, so that a batch never runs dry
 * in its middle. What a batch has left over goes back to the counter, if no other lane has taken any since: so
 * PNs are used in about the order in which frames are sent, however many lanes there are. The PNs of a block have
 * the same upper 32 bits. One object per lane and SA.
 */
export class PnBlock {
  /** The upper 32 bits of the PN that `take` gave last. */
  high = 0;
  /** The lower 32 bits of that PN, and of the last one of the block in use; what the counter was made for the block. */
  #last = 0;
  #end = 0;
  #to = 0n;
  /** The spare, untouched: its upper bits, lower bits of what is before its first and of its last, the counter's move. */
  #spareHigh = 0;
  #spareLast = 0;
  #spareEnd = 0;
  #spareFrom = 0n;
  #spareTo = 0n;
  readonly #words: BigUint64Array;
  readonly #blockLen: number;
  readonly #wholeBlock: bigint;
  readonly #lastPn: bigint;

  /** `blockLen`: the most PNs that one refill takes. */
  constructor(shared: SharedArrayBuffer, blockLen: number, xpn: boolean) {
    this.#words = new BigUint64Array(shared);
    this.#blockLen = blockLen;
    this.#wholeBlock = BigInt(blockLen);
    this.#lastPn = pnEnd(xpn) - 1n;
  }

  /** PNs at hand, after a refill. 0: none is granted now. HOT PATH: allocates per block, not per frame. */
  available(): number {
    if (this.#last !== this.#end || this.#spareLast !== this.#spareEnd) this.#giveUpLate();
    if (this.#spareLast === this.#spareEnd) this.#refill();
    return this.#end - this.#last + (this.#spareEnd - this.#spareLast);
  }

  /** The lower 32 bits of the next PN, whose upper ones are `high` then; NO_PN when none is at hand. HOT PATH: allocates nothing. */
  take(): number {
    if (this.#last === this.#end) {
      if (this.#spareLast === this.#spareEnd) return NO_PN;
      this.#useSpare();
    }
    return ++this.#last;
  }

  /** After a batch: what it has left over goes back, last block first. HOT PATH: allocates two numbers at most. */
  giveBack(): void {
    if (this.#spareLast !== this.#spareEnd) {
      if (!this.#moveBack(this.#spareTo, this.#spareFrom)) return;
      this.#spareLast = this.#spareEnd;
    }
    if (this.#last === this.#end) return;
    bits.setUint32(0, this.high);
    bits.setUint32(4, this.#last);
    if (this.#moveBack(this.#to, bits.getBigUint64(0))) this.#end = this.#last;
  }

  /** One past the last PN that was used, less `high` · 2^32; 0 (and `high` 0): none was. */
  get nextLow(): number {
    return this.#last === 0 && this.high === 0 ? 0 : this.#last + 1;
  }

  /** No PN is at hand, and none will ever be granted: the SA is used up. */
  exhausted(): boolean {
    return this.available() === 0 && Atomics.load(this.#words, LAST) >= this.#lastPn;
  }

  /** Time to ask the main thread for more. */
  wantsGrant(): boolean {
    return Atomics.load(this.#words, LAST) >= Atomics.load(this.#words, LOW_WATER);
  }

  #useSpare(): void {
    this.high = this.#spareHigh;
    this.#last = this.#spareLast;
    this.#end = this.#spareEnd;
    this.#to = this.#spareTo;
    this.#spareLast = this.#spareEnd;
  }

  /** Of PNs that nobody has taken any after, the counter can go back to what it was before. */
  #moveBack(from: bigint, to: bigint): boolean {
    return Atomics.compareExchange(this.#words, LAST, from, to) === from;
  }

  #giveUpLate(): void {
    bits.setBigUint64(0, Atomics.load(this.#words, LAST));
    const high = bits.getUint32(0);
    const low = bits.getUint32(4);
    if ((high - this.high) * WHOLE + low - this.#last > MAX_LAG) this.#end = this.#last;
    if ((high - this.#spareHigh) * WHOLE + low - this.#spareLast > MAX_LAG) this.#spareLast = this.#spareEnd;
  }

  #refill(): void {
    for (;;) {
      const from = Atomics.load(this.#words, LAST);
      const limit = Atomics.load(this.#words, LIMIT);
      if (from >= limit) return;
      bits.setBigUint64(0, from);
      const low = bits.getUint32(4);
      // What is left of the range of 2^32; nothing: the block is in the next one.
      const left = low === LAST_WORD ? WHOLE : LAST_WORD - low;
      let to = from + (left < this.#blockLen ? BigInt(left) : this.#wholeBlock);
      if (to > limit) to = limit;
      if (Atomics.compareExchange(this.#words, LAST, from, to) !== from) continue;
      this.#spareHigh = low === LAST_WORD ? bits.getUint32(0) + 1 : bits.getUint32(0);
      this.#spareLast = low === LAST_WORD ? -1 : low;
      bits.setBigUint64(0, to);
      this.#spareEnd = bits.getUint32(4);
      this.#spareFrom = from;
      this.#spareTo = to;
      return;
    }
  }
}
