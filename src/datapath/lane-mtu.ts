/** What a lane carries now: the path may shrink and grow again while it runs. Whoever asks in the worker shares it. */
import { longestFrame } from '../macsec/protect.ts';
import type { SecY } from '../macsec/secy.ts';
import { SECTAG_LEN_SCI } from '../wire/sectag.ts';

export class LaneMtu {
  /** Octets behind the Ethernet header that the encapsulation carries: the MTU that a gretap would have. */
  lowerMtu: number;
  readonly #secy: SecY | null;

  constructor(secy: SecY | null, lowerMtu: number) {
    this.#secy = secy;
    this.lowerMtu = lowerMtu;
  }

  /**
   * Octets behind the Ethernet header of a clear frame, as hosts are told. With MACsec a SecTAG with SCI is counted, sent
   * or not, as a kernel's macsec device does, so that both ends say the same.
   */
  get inner(): number {
    return this.#secy === null ? this.lowerMtu : this.lowerMtu - SECTAG_LEN_SCI - this.#secy.icvLen;
  }

  /** Octets of the longest frame that is sent, Ethernet header and all. */
  get longestFrame(): number {
    return longestFrame(this.#secy, this.lowerMtu);
  }
}
