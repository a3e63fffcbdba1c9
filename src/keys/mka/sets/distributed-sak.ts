/**
 * The Distributed SAK set (IEEE 802.1X-2020 11.11.1, figures 11-11 and 11-12). Its body is one of
 *
 *      none                                                    "no MACsec"
 *      4       8                                               32
 *      | KN    | SAK of 16 octets, wrapped                     |               GCM-AES-128
 *      4       8               16                                              40 or 56
 *      | KN    | cipher suite  | SAK of 16 or 32 octets, wrapped               |
 *
 *     octet 1:  0xc0 AN   0x30 confidentiality offset (0 integrity only, 1 none, 2 30, 3 50)
 */
import {
  CIPHER_SUITES,
  type CipherName,
  type CipherSuite,
  cipherSuite,
} from '../../../crypto/cipher-suite.ts';
import { KEY_WRAP_OVERHEAD } from '../../../crypto/key-wrap.ts';
import type { Field } from '../../../wire/field.ts';
import { u32At } from '../../../wire/octets.ts';
import type { DistributedSak } from '../mkpdu.ts';
import type { Refusal } from '../refusal.ts';
import { type FoundSet, OFF_SET_OCTET, SET_HEADER_LEN, SetType, writeSetHeader } from './header.ts';
import { hexAt } from './octets.ts';

const AN_SHIFT = 6;
const OFFSET_SHIFT = 4;
const MASK_OFFSET = 0x3;

const KN_LEN = 4;
const SUITE_ID_LEN = 8;
const OFF_KN = SET_HEADER_LEN;
const OFF_SUITE_ID = OFF_KN + KN_LEN;

/**
 * The suite of the short form. It is always sent in that form, since some peers know this suite under no identifier,
 * and others under that of an early draft only.
 */
const SHORT_FORM: CipherName = 'gcm-aes-128';
const SHORT_FORM_LEN: number = KN_LEN + wrappedLen(SHORT_FORM);
const DRAFT_ID = '0080020001000001';

function wrappedLen(cipher: CipherName): number {
  return cipherSuite(cipher).sakLen + KEY_WRAP_OVERHEAD;
}

export function readDistributedSak(buf: Uint8Array, set: FoundSet): DistributedSak | Refusal {
  const { at, len } = set;
  const octet = buf[at + OFF_SET_OCTET]!;
  const head = { an: octet >> AN_SHIFT, confidentialityOffset: (octet >> OFFSET_SHIFT) & MASK_OFFSET };
  if (len === 0) return { ...head, kn: 0, cipher: null, wrapped: new Uint8Array() };
  if (len < SHORT_FORM_LEN) return 'DistributedSakMalformed';
  const suite = suiteOf(buf, set);
  if (suite === undefined) return 'UnknownCipher';
  const wrappedAt = len === SHORT_FORM_LEN ? OFF_SUITE_ID : OFF_SUITE_ID + SUITE_ID_LEN;
  const wrapped = new Uint8Array(buf.subarray(at + wrappedAt, at + SET_HEADER_LEN + len));
  if (wrapped.length !== wrappedLen(suite.name)) return 'DistributedSakMalformed';
  return { ...head, kn: u32At(buf, at + OFF_KN), cipher: suite.name, wrapped };
}

function suiteOf(buf: Uint8Array, { at, len }: FoundSet): CipherSuite | undefined {
  if (len === SHORT_FORM_LEN) return cipherSuite(SHORT_FORM);
  const id = hexAt(buf, at + OFF_SUITE_ID, SUITE_ID_LEN);
  return id === DRAFT_ID ? cipherSuite(SHORT_FORM) : CIPHER_SUITES.find((suite) => suite.id === id);
}

/** Octets that `writeDistributedSak` will write. */
export function distributedSakLen({ cipher, wrapped }: DistributedSak): number {
  if (cipher === null) return SET_HEADER_LEN;
  return OFF_SUITE_ID + (cipher === SHORT_FORM ? 0 : SUITE_ID_LEN) + wrapped.length;
}

export function writeDistributedSak(buf: Buffer, at: number, sak: DistributedSak): void {
  const octet = (sak.an << AN_SHIFT) | (sak.confidentialityOffset << OFFSET_SHIFT);
  const end = distributedSakLen(sak);
  writeSetHeader(buf, at, SetType.DistributedSak, octet, 0, end - SET_HEADER_LEN);
  if (sak.cipher === null) return;
  buf.writeUInt32BE(sak.kn, at + OFF_KN);
  if (sak.cipher !== SHORT_FORM) buf.write(cipherSuite(sak.cipher).id, at + OFF_SUITE_ID, 'hex');
  buf.set(sak.wrapped, at + end - sak.wrapped.length);
}

const OFFSET_NOTES: readonly string[] = [
  'integrity only',
  'encrypted',
  'encrypted from octet 30',
  'encrypted from octet 50',
];

export function describeDistributedSak({
  an,
  confidentialityOffset,
  kn,
  cipher,
  wrapped,
}: DistributedSak): Field[] {
  if (cipher === null) return [{ name: 'SAK', value: 'none', note: 'no MACsec' }];
  return [
    { name: 'AN', value: String(an) },
    {
      name: 'confidentiality',
      value: String(confidentialityOffset),
      note: OFFSET_NOTES[confidentialityOffset]!,
    },
    { name: 'key number (KN)', value: String(kn) },
    { name: 'cipher suite', value: cipher, note: cipherSuite(cipher).id },
    { name: 'SAK', value: `${wrapped.length} octets`, note: 'wrapped under the KEK of the CAK' },
  ];
}
