/**
 * The transmit packet numbers of one SA (802.1AE 10.5.1): never twice the same, across threads, restarts and
 * crashes. Lanes take them in blocks from a counter in shared memory, never past the granted limit; the main
 * thread raises the limit only after the new ceiling is durable.
 */

/** The words of shared memory: the next PN nobody has taken; the PN that must not be taken (yet); from which PN on lanes ask for more. */
const NEXT = 0;
const LIMIT = 1;
const LOW_WATER = 2;
const PN_WORDS = 3;

/** One past the last usable PN: 2^32 for a 32-bit PN; for an XPN what a JavaScript number counts exactly. */
export function pnEnd(xpn: boolean): number {
  return xpn ? Number.MAX_SAFE_INTEGER : 0x1_0000_0000;
}

/** The main thread's side: makes the shared counter, grants, reads. */
export class PnGrant {
  readonly shared: SharedArrayBuffer = new SharedArrayBuffer(PN_WORDS * BigInt64Array.BYTES_PER_ELEMENT);
  readonly #words = new BigInt64Array(this.shared);

  /** Starts at `next`, with nothing granted. */
  constructor(next: number) {
    Atomics.store(this.#words, NEXT, BigInt(next));
    Atomics.store(this.#words, LIMIT, BigInt(next));
    Atomics.store(this.#words, LOW_WATER, BigInt(next));
  }

  /** The next PN that no lane has taken. */
  get next(): number {
    return Number(Atomics.load(this.#words, NEXT));
  }

  get limit(): number {
    return Number(Atomics.load(this.#words, LIMIT));
  }

  /** Lets lanes take PNs below `limit`, which the caller has made durable; they ask again from `lowWater` on. Forward only. */
  grant(limit: number, lowWater: number): void {
    if (limit <= this.limit) return;
    Atomics.store(this.#words, LOW_WATER, BigInt(lowWater));
    Atomics.store(this.#words, LIMIT, BigInt(limit));
  }
}

/**
 * A kept block this far behind the counter is given up. Above what a few lanes hold at once, and below the default
 * replay window: a lane that sends seldom must not come with PNs that the receiver takes for late ones.
 */
const MAX_LAG = 512n;

/**
 * A lane's side: PNs taken from the shared counter, a block in use and one spare, so that a batch never runs dry
 * in its middle. What a batch has left over goes back to the counter, if no other lane has taken any since: so
 * PNs are used in about the order in which frames are sent, however many lanes there are. One object per lane and SA.
 */
export class PnBlock {
  /** The next PN to use, and one past the last of the block in use. */
  #next = 0;
  #end = 0;
  #spareNext = 0;
  #spareEnd = 0;
  readonly #words: BigInt64Array;
  readonly #blockLen: bigint;
  readonly #pnEnd: bigint;

  /** `blockLen`: PNs a refill takes at most. */
  constructor(shared: SharedArrayBuffer, blockLen: number, xpn: boolean) {
    this.#words = new BigInt64Array(shared);
    this.#blockLen = BigInt(blockLen);
    this.#pnEnd = BigInt(pnEnd(xpn));
  }

  /** PNs at hand, after a refill. 0: none is granted now. HOT PATH: allocates per block, not per frame. */
  available(): number {
    if (this.#next !== this.#end || this.#spareNext !== this.#spareEnd) this.#giveUpLate();
    if (this.#spareNext === this.#spareEnd) this.#refill();
    return this.#end - this.#next + (this.#spareEnd - this.#spareNext);
  }

  /** The next PN; 0 when none is at hand. HOT PATH: allocates nothing. */
  take(): number {
    if (this.#next === this.#end) {
      this.#next = this.#spareNext;
      this.#end = this.#spareEnd;
      this.#spareNext = this.#spareEnd;
      if (this.#next === this.#end) return 0;
    }
    return this.#next++;
  }

  /** After a batch: what it has left over goes back, last block first. HOT PATH: allocates two numbers at most. */
  giveBack(): void {
    if (this.#spareNext !== this.#spareEnd) {
      if (!this.#moveBack(this.#spareEnd, this.#spareNext)) return;
      this.#spareEnd = this.#spareNext;
    }
    if (this.#next !== this.#end && this.#moveBack(this.#end, this.#next)) this.#end = this.#next;
  }

  /** One past the last PN that was used; 0: none was. */
  get next(): number {
    return this.#next;
  }

  /** No PN is at hand, and none will ever be granted: the SA is used up. */
  exhausted(): boolean {
    return this.available() === 0 && Atomics.load(this.#words, NEXT) >= this.#pnEnd;
  }

  /** Time to ask the main thread for more. */
  wantsGrant(): boolean {
    return Atomics.load(this.#words, NEXT) >= Atomics.load(this.#words, LOW_WATER);
  }

  /** Of PNs that nobody has taken any after, the counter can go back to the first. */
  #moveBack(end: number, next: number): boolean {
    return Atomics.compareExchange(this.#words, NEXT, BigInt(end), BigInt(next)) === BigInt(end);
  }

  #giveUpLate(): void {
    const late = Number(Atomics.load(this.#words, NEXT) - MAX_LAG);
    if (this.#next < late) this.#end = this.#next;
    if (this.#spareNext < late) this.#spareEnd = this.#spareNext;
  }

  #refill(): void {
    for (;;) {
      const next = Atomics.load(this.#words, NEXT);
      const limit = Atomics.load(this.#words, LIMIT);
      if (next >= limit) return;
      const end = next + this.#blockLen < limit ? next + this.#blockLen : limit;
      if (Atomics.compareExchange(this.#words, NEXT, next, end) !== next) continue;
      this.#spareNext = Number(next);
      this.#spareEnd = Number(end);
      return;
    }
  }
}
