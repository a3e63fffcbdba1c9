/** The GCM IV of a frame (802.1AE 14.5; with extended packet numbers 14.7). */
import { u32At } from '../frame/view.ts';
import type { SaConfig } from './config.ts';

/**
 * What the GCM IV of an SA is made of. Standard: SCI ‖ PN (802.1AE 14.5). XPN: (SSCI ‖ PN) XOR salt (14.7), so
 * `high` and `mid` hold what is XORed with the SSCI and the PN's upper half, `low` with its lower half.
 */
export interface IvBase {
  readonly xpn: boolean;
  readonly high: number;
  readonly mid: number;
  readonly low: number;
}

/** The parts of `sa`'s IVs that are the same for every frame; `high` and `low` are the halves of its channel's SCI. */
export function ivBase(high: number, low: number, sa: SaConfig): IvBase {
  if (sa.ssci === null || sa.salt === null) return { xpn: false, high, mid: low, low: 0 };
  const { salt } = sa;
  return {
    xpn: true,
    high: (sa.ssci ^ u32At(salt, 0)) >>> 0,
    mid: u32At(salt, 4),
    low: u32At(salt, 8),
  };
}

/** Writes the 12 octets of the IV of packet number `pn` at `at`. HOT PATH: allocates nothing. */
export function writeIv(iv: DataView, at: number, base: IvBase, pn: number): void {
  iv.setUint32(at, base.high);
  iv.setUint32(at + 4, base.xpn ? base.mid ^ Math.floor(pn / 0x1_0000_0000) : base.mid);
  // XOR takes the lower 32 bits of a number beyond 2^32 by itself.
  iv.setUint32(at + 8, base.low ^ pn);
}
