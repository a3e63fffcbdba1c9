/**
 * The SAs that a tunnel's ends have agreed on, as far as a capture tells: of every authentic MKPDU the SAK that it
 * distributes, by AN, and who took part. So frames behind it in the capture can be opened.
 */
import type { KeyObject } from 'node:crypto';
import { isXpn } from '../crypto/cipher-suite.ts';
import { ssciOf, unwrapSak, xpnSalt } from '../keys/mka/keys.ts';
import type { DistributedSak, KeyIdentifier, Mkpdu } from '../keys/mka/mkpdu.ts';
import { defaultSa, type MacsecConfig, type SaConfig } from '../macsec/config.ts';

interface Agreed {
  readonly ki: KeyIdentifier;
  readonly cipher: NonNullable<DistributedSak['cipher']>;
  readonly sak: KeyObject;
}

export class AgreedSas {
  readonly #byAn = new Map<number, Agreed>();
  readonly #scis = new Set<string>();

  /** `kek` is of the CAK that the ICV of `mkpdu` was right with. False where its SAK cannot be unwrapped. */
  learn({ basic, distributedSak }: Mkpdu, kek: KeyObject): boolean {
    this.#scis.add(basic.sci);
    if (distributedSak === null || distributedSak.cipher === null) return true;
    const { an, kn, cipher, wrapped } = distributedSak;
    const sak = unwrapSak(kek, wrapped);
    if (sak !== null) this.#byAn.set(an, { ki: { mi: basic.mi, kn }, cipher, sak });
    return sak !== null;
  }

  /** `macsec` as it is for a receiver of what `sci` sends with `an`; null: no MKPDU has said that. */
  macsecFor(macsec: MacsecConfig, sci: string, an: number): MacsecConfig | null {
    const agreed = this.#byAn.get(an);
    if (agreed === undefined || !this.#scis.has(sci)) return null;
    const sa = this.#saOf(agreed, sci, an);
    return { ...macsec, cipher: agreed.cipher, rxSc: [{ sci, active: true, sa: [sa] }] };
  }

  #saOf({ ki, cipher, sak }: Agreed, sci: string, an: number): SaConfig {
    const keyId = ki.mi + ki.kn.toString(16).padStart(8, '0');
    const sa = { ...defaultSa, an, keyId, sak };
    if (!isXpn(cipher)) return sa;
    return { ...sa, ssci: ssciOf(sci, [...this.#scis]), salt: xpnSalt(ki) };
  }
}
