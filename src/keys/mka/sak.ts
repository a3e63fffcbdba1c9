/** A SAK as one end has it: the key, what it is for, and the parameters of its SAs (IEEE 802.1X-2020 9.8). */
import type { KeyObject } from 'node:crypto';
import type { CipherName } from '../../crypto/cipher-suite.ts';
import { xpnSalt } from './keys.ts';
import type { KeyIdentifier } from './mkpdu.ts';
import type { SakSa } from './seams.ts';

export interface Sak {
  readonly ki: KeyIdentifier;
  readonly an: number;
  readonly key: KeyObject;
  readonly cipher: CipherName;
  /** What this end sends with it: encrypted, or with integrity only. */
  readonly encrypt: boolean;
  /** XPN: the SSCI of each member, by SCI; else null. */
  readonly sscis: ReadonlyMap<string, number> | null;
}

export function isSameKey(a: KeyIdentifier | null, b: KeyIdentifier | null): boolean {
  return a !== null && b !== null && a.kn === b.kn && a.mi === b.mi;
}

/** MI and KN as 32 hex digits: the SA's key identifier. */
export function formatKi({ mi, kn }: KeyIdentifier): string {
  return mi + kn.toString(16).padStart(8, '0');
}

/** Whether there can be an SA of `sci`: under an XPN suite only for those that the SAK was made for. */
export function hasSaOf({ sscis }: Sak, sci: string): boolean {
  return sscis === null || sscis.has(sci);
}

/** The SA of the member with that SCI. */
export function saOf(sak: Sak, sci: string): SakSa {
  const { ki, an, key, encrypt, sscis } = sak;
  const ssci = sscis === null ? null : sscis.get(sci)!;
  return { an, sak: key, keyId: formatKi(ki), ssci, salt: sscis === null ? null : xpnSalt(ki), encrypt };
}
