/**
 * The keys of MKA (IEEE 802.1X-2020 6.2, 9.3, 9.8): from the pre-shared CAK and its name (CKN) the ICK, which ICVs of
 * MKPDUs are made with, and the KEK, which SAKs travel under; SAKs themselves; salt and SSCI of the XPN suites.
 *
 * Keys are KeyObjects; where their octets must be in a Buffer for a moment, it is cleared before anything is returned.
 */
import { createSecretKey, type KeyObject } from 'node:crypto';
import { aesCmac, CMAC_LEN } from '../../crypto/cmac.ts';
import { unwrapKey, wrapKey } from '../../crypto/key-wrap.ts';
import type { KeyIdentifier, MemberId } from './mkpdu.ts';

/** Octets of a CAK: either of these. */
export const CAK_LENS: readonly number[] = [16, 32];

/** Octets that nobody can foresee; `randomBytes` of node:crypto outside tests. */
export type RandomSource = (octets: number) => Uint8Array;

/** What both ends make of a CAK. */
export interface MkaKeys {
  /** ICV key, as long as the CAK. */
  readonly ick: KeyObject;
  /** Key-encrypting key, as long as the CAK. */
  readonly kek: KeyObject;
}

/** Octets of the CKN that ICK and KEK are made from (9.3.3); a shorter one is filled up with zeros. */
const CKN_CONTEXT_LEN = 16;

/** ICK and KEK of `cak`, 16 or 32 octets, whose name is `ckn` (hex, 1–32 octets) (9.3.3). */
export function deriveMkaKeys(cak: KeyObject, ckn: string): MkaKeys {
  const context = new Uint8Array(CKN_CONTEXT_LEN);
  context.set(Buffer.from(ckn, 'hex').subarray(0, CKN_CONTEXT_LEN));
  const octets = cak.symmetricKeySize!;
  return {
    ick: kdf(cak, 'IEEE8021 ICK', context, octets),
    kek: kdf(cak, 'IEEE8021 KEK', context, octets),
  };
}

/**
 * The key derivation function (6.2.1): AES-CMAC of a counter, label, a zero octet, context and the length in bits,
 * repeated until there are `octets` (16 or 32).
 */
export function kdf(key: KeyObject, label: string, context: Uint8Array, octets: number): KeyObject {
  const [labelOctets, end] = [Buffer.from(`${label}\0`, 'latin1'), Buffer.alloc(2)];
  end.writeUInt16BE(octets * 8);
  const output = Buffer.alloc(octets);
  for (let at = 0, counter = 1; at < octets; at += CMAC_LEN, counter++) {
    const block = aesCmac(key, Uint8Array.of(counter), labelOctets, context, end);
    block.copy(output, at);
    block.fill(0);
  }
  const derived = createSecretKey(output);
  output.fill(0);
  return derived;
}

/**
 * A fresh SAK of `octets` (16 or 32), made by the key server (9.8.1): by KDF from the CAK, a nonce as long as the SAK,
 * the member identifiers of the live participants (the server's too) and the key number `kn`. Nobody else makes it, so
 * the order of `members` is the server's own matter.
 */
export function makeSak(
  cak: KeyObject,
  random: RandomSource,
  octets: number,
  members: readonly MemberId[],
  kn: number,
): KeyObject {
  return deriveSak(cak, random(octets), members, kn);
}

/** The same with a given nonce, as long as the SAK is to be. */
export function deriveSak(
  cak: KeyObject,
  nonce: Uint8Array,
  members: readonly MemberId[],
  kn: number,
): KeyObject {
  const number = Buffer.alloc(4);
  number.writeUInt32BE(kn);
  const context = Buffer.concat([nonce, ...members.map((mi) => Buffer.from(mi, 'hex')), number]);
  return kdf(cak, 'IEEE8021 SAK', context, nonce.length);
}

/** The SAK as it is distributed (9.8.2): 24 or 40 octets. */
export function wrapSak(kek: KeyObject, sak: KeyObject): Buffer {
  return wrapKey(kek, sak);
}

/** The SAK in a Distributed SAK set; null where it was wrapped under another KEK. */
export function unwrapSak(kek: KeyObject, wrapped: Uint8Array): KeyObject | null {
  return unwrapKey(kek, wrapped);
}

/**
 * The salt of an XPN SAK, 12 octets (IEEE 802.1AE-2018 10.7.8): the key server's member identifier, its first two
 * octets XORed with the low half of the key number, the next two with the high half.
 */
export function xpnSalt({ mi, kn }: KeyIdentifier): Buffer {
  const salt = Buffer.from(mi, 'hex');
  salt.writeUInt16BE(salt.readUInt16BE(0) ^ (kn & 0xffff), 0);
  salt.writeUInt16BE(salt.readUInt16BE(2) ^ (kn >>> 16), 2);
  return salt;
}

/**
 * The SSCI of `sci` among `all` SCIs of the CA, its own too (802.1AE-2018 10.7.8): the numerically greatest SCI has 1,
 * the next 2. SCIs are 16 lower-case hex digits.
 */
export function ssciOf(sci: string, all: readonly string[]): number {
  return 1 + new Set(all.filter((other) => other > sci)).size;
}

/**
 * The SSCI of the member at `index` of a live list in which the key server states `keyServerSsci`, its own (MKA version
 * 3): the list is in the order of SSCIs, and the server is not in it.
 */
export function ssciOfListed(index: number, keyServerSsci: number): number {
  return index + 1 < keyServerSsci ? index + 1 : index + 2;
}
