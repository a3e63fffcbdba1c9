/**
 * What ICMP has made us believe that the path carries, for how long, and what was not believed. RFC 1191 and RFC 8201 §4: a
 * lower value holds for ten minutes, then the path is tried again. One that nothing but addresses and a GRE header speaks for
 * holds for two. No value below 1280 octets is followed at all, which each IPv6 link carries (RFC 8200 §5): where a path
 * carries less, an operator says so.
 */

export const LEAST_BELIEVED = 1280;

/** How long a value holds, by what speaks for it. */
const HOLDS_MS = { proven: 600_000, plausible: 120_000 } as const;

/**
 * What the links of the next router may carry that names no MTU, as RFC 1191 §7 has it: the next lower than the packet. Below
 * stands what is believed at least.
 */
const PLATEAUS: readonly number[] = [17_914, 8166, 4352, 2002, 1492, LEAST_BELIEVED];

export type Proof = keyof typeof HOLDS_MS;

/** What a believed message says of the path. */
export interface BelievedClaim {
  readonly octets: number;
  readonly proof: Proof;
  /** Whoever sent it. */
  readonly from: string;
}

export class BelievedMtu {
  #claim: BelievedClaim | null = null;
  #untilMs = 0;

  /** Null: nothing is believed; the path carries what the own link does. */
  get claim(): BelievedClaim | null {
    return this.#claim;
  }

  /**
   * Takes a claim, of a path that was believed to carry `present`; whether it lowers that. One that says the same as the last
   * may make that hold longer.
   */
  take(claim: BelievedClaim, present: number, nowMs: number): boolean {
    if (claim.octets < LEAST_BELIEVED || claim.octets > present) return false;
    const untilMs = nowMs + HOLDS_MS[claim.proof];
    if (claim.octets === present && (this.#claim?.octets !== present || untilMs <= this.#untilMs))
      return false;
    this.#claim = claim;
    this.#untilMs = untilMs;
    return claim.octets < present;
  }

  /** Gives up what has held for long enough; whether it did now. */
  expire(nowMs: number): boolean {
    if (this.#claim === null || nowMs < this.#untilMs) return false;
    this.#claim = null;
    return true;
  }

  /** Gives up what is believed. */
  forget(): void {
    this.#claim = null;
  }
}

/** The MTU that a message means which names `mtu`, of a packet of `totalLen` octets. */
export function claimedMtu(mtu: number, totalLen: number): number {
  if (mtu !== 0) return mtu;
  return PLATEAUS.find((plateau) => plateau < totalLen) ?? LEAST_BELIEVED;
}
