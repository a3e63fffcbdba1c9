/**
 * Which packet numbers were sent in the last seconds: from where the numbers of an SA stood a few looks ago to where they
 * stand now. The lanes are not asked, and remember nothing.
 */

/** The numbers of a transmit SA. */
export interface SentPns {
  readonly an: number;
  /** Tells an SA from another that had its AN before. */
  readonly serial: number;
  /** The first of this run. */
  readonly start: bigint;
  /** Numbers below this are taken, used or not. */
  readonly taken: bigint;
}

/** Looks that are remembered, one per second: an ICMP error is back long before. */
const LOOKS = 4;

const LOW_BITS = 32;

export class RecentPns {
  /** The oldest first: what was taken then, by serial. */
  readonly #looks: ReadonlyMap<number, bigint>[] = [];

  /** Once a second. */
  look(sas: readonly SentPns[]): void {
    this.#looks.push(new Map(sas.map(({ serial, taken }) => [serial, taken])));
    if (this.#looks.length > LOOKS) this.#looks.shift();
  }

  /** Was a packet of one of `sas`, as they are now, with this AN and the lower 32 bits of its number sent since? */
  has(sas: readonly SentPns[], an: number, pnLow: number): boolean {
    return sas.some((sa) => sa.an === an && this.#isSince(sa, pnLow));
  }

  #isSince({ serial, start, taken }: SentPns, pnLow: number): boolean {
    // An SA that is younger than the oldest look has sent all of its numbers since.
    const from = this.#looks[0]?.get(serial) ?? start;
    return BigInt.asUintN(LOW_BITS, BigInt(pnLow) - from) < taken - from;
  }
}
