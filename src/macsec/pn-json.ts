/**
 * Packet numbers in JSON. The control plane counts them as BigInts; in files, answers and logs they are numbers as long
 * as JSON's numbers are exact, and decimal digits in a string beyond 2^53 − 1.
 */

export type PnJson = number | string;

/** One past the last packet number of 64 bits: what follows it, in a file. */
const PN_END = 1n << 64n;

export function pnToJson(pn: bigint): PnJson {
  return pn <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(pn) : pn.toString();
}

/** The packet number that `value` is, or null: 0 to 2^64. */
export function pnFromJson(value: unknown): bigint | null {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? BigInt(value) : null;
  if (typeof value !== 'string' || !/^(?:0|[1-9][0-9]{0,19})$/.test(value)) return null;
  const pn = BigInt(value);
  return pn <= PN_END ? pn : null;
}
