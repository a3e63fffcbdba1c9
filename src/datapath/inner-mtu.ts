/**
 * What a lane carries: octets behind the Ethernet header of a clear frame. With MACsec a SecTAG with SCI is counted, sent or
 * not, as a TAP's MTU and a kernel's macsec device count it (`tunnel/mtu.ts`).
 */
import type { SecY } from '../macsec/secy.ts';
import { SECTAG_LEN_SCI } from '../wire/sectag.ts';

/** `lowerMtu`: what the encapsulation carries. HOT PATH. */
export function innerMtu(secy: SecY | null, lowerMtu: number): number {
  return secy === null ? lowerMtu : lowerMtu - SECTAG_LEN_SCI - secy.icvLen;
}
