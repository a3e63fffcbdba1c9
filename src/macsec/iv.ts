/** The GCM IV of a frame (802.1AE 14.5; with extended packet numbers 14.7). */
import { u32At } from '../wire/octets.ts';
import type { SaConfig } from './config.ts';

/**
 * What the IVs of an SA have in common: 96 bits that the PN is XORed into. Standard: SCI ‖ 0, since the IV is SCI ‖ PN
 * (802.1AE 14.5). XPN: (SSCI ‖ 0) XOR salt, since it is (SSCI ‖ PN) XOR salt (14.7).
 */
export interface IvBase {
  readonly high: number;
  /** Where the upper half of an XPN goes, which without XPN is 0. */
  readonly mid: number;
  readonly low: number;
}

/** The base of `sa`'s IVs; `sciHigh` and `sciLow` are the halves of its channel's SCI. */
export function ivBase(sciHigh: number, sciLow: number, sa: SaConfig): IvBase {
  if (sa.ssci === null || sa.salt === null) return { high: sciHigh, mid: sciLow, low: 0 };
  const { salt } = sa;
  return { high: (sa.ssci ^ u32At(salt, 0)) >>> 0, mid: u32At(salt, 4), low: u32At(salt, 8) };
}

/** Writes the 12 octets of the IV of the packet number `pnHigh`, `pnLow` at `at`. HOT PATH: allocates nothing. */
export function writeIv(iv: DataView, at: number, base: IvBase, pnHigh: number, pnLow: number): void {
  iv.setUint32(at, base.high);
  iv.setUint32(at + 4, base.mid ^ pnHigh);
  iv.setUint32(at + 8, base.low ^ pnLow);
}
