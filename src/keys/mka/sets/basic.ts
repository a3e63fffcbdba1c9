/**
 * The Basic parameter set (IEEE 802.1X-2020 11.11.1, figure 11-8), the first of every MKPDU:
 *
 *      0       1       2       4                       12                      24      28      32
 *      |version|priorit|flags |len| SCI                | MI                    | MN    | agility | CKN …
 *
 *     flags:  0x80 key server   0x40 MACsec desired   0x30 MACsec capability
 */
import { formatMac } from '../../../wire/ethernet.ts';
import { type Field, hex } from '../../../wire/field.ts';
import { u16At, u32At } from '../../../wire/octets.ts';
import { OFF_SCI_PORT, SCI_LEN } from '../../../wire/sci.ts';
import type { BasicSet } from '../mkpdu.ts';
import {
  filled,
  OFF_SET_FLAGS,
  OFF_SET_OCTET,
  SET_HEADER_LEN,
  setLenAt,
  writeSetHeader,
  yesOrNo,
} from './header.ts';
import { hexAt } from './octets.ts';

export const MI_LEN = 12;
export const MAX_CKN_LEN = 32;
/** The algorithms of 802.1X: AES-CMAC, the KDF and AES key wrap. There is no other agility. */
export const ALGORITHM_AGILITY = 0x0080c201;

const FLAG_KEY_SERVER = 0x80;
const FLAG_DESIRED = 0x40;
const CAPABILITY_SHIFT = 4;
const MASK_CAPABILITY = 0x3;

const OFF_SCI = SET_HEADER_LEN;
const OFF_MI = OFF_SCI + SCI_LEN;
const OFF_MN = OFF_MI + MI_LEN;
const OFF_AGILITY = OFF_MN + 4;
/** Of the CKN from the first octet of the set. */
export const OFF_CKN: number = OFF_AGILITY + 4;
/** Octets of the body before the CKN. */
const FIXED_LEN = OFF_CKN - SET_HEADER_LEN;

/** Octets from the first of the set at `at` to the first of the next; 0 where it does not lie in `buf[at, end)`, or its CKN has a wrong length. */
export function basicLenAt(buf: Uint8Array, at: number, end: number): number {
  if (end - at < SET_HEADER_LEN) return 0;
  const len = setLenAt(buf, at);
  if (len <= FIXED_LEN || len > FIXED_LEN + MAX_CKN_LEN) return 0;
  const whole = SET_HEADER_LEN + filled(len);
  return whole <= end - at ? whole : 0;
}

// Of a set that `basicLenAt` has found.

/** The CKN, hex. */
export function cknAt(buf: Uint8Array, at: number): string {
  return hexAt(buf, at + OFF_CKN, setLenAt(buf, at) - FIXED_LEN);
}

export function agilityAt(buf: Uint8Array, at: number): number {
  return u32At(buf, at + OFF_AGILITY);
}

export function readBasic(buf: Uint8Array, at: number): BasicSet {
  const flags = buf[at + OFF_SET_FLAGS]!;
  return {
    version: buf[at]!,
    priority: buf[at + OFF_SET_OCTET]!,
    keyServer: (flags & FLAG_KEY_SERVER) !== 0,
    macsecDesired: (flags & FLAG_DESIRED) !== 0,
    capability: (flags >> CAPABILITY_SHIFT) & MASK_CAPABILITY,
    sci: hexAt(buf, at + OFF_SCI, SCI_LEN),
    mi: hexAt(buf, at + OFF_MI, MI_LEN),
    mn: u32At(buf, at + OFF_MN),
    ckn: cknAt(buf, at),
  };
}

/** Octets that `writeBasic` will write. */
export function basicLen({ ckn }: BasicSet): number {
  return OFF_CKN + filled(ckn.length / 2);
}

export function writeBasic(buf: Buffer, at: number, basic: BasicSet): void {
  const flags =
    (basic.keyServer ? FLAG_KEY_SERVER : 0) |
    (basic.macsecDesired ? FLAG_DESIRED : 0) |
    (basic.capability << CAPABILITY_SHIFT);
  const len = FIXED_LEN + basic.ckn.length / 2;
  writeSetHeader(buf, at, basic.version, basic.priority, flags, len);
  buf.write(basic.sci, at + OFF_SCI, 'hex');
  buf.write(basic.mi, at + OFF_MI, 'hex');
  buf.writeUInt32BE(basic.mn, at + OFF_MN);
  buf.writeUInt32BE(ALGORITHM_AGILITY, at + OFF_AGILITY);
  buf.write(basic.ckn, at + OFF_CKN, 'hex');
}

const VERSION_NOTES: Readonly<Record<number, string>> = {
  1: '802.1X-2010',
  2: '802.1Xbx-2014',
  3: '802.1Xck-2018, 802.1X-2020',
};
const CAPABILITY_NOTES: readonly string[] = [
  'no MACsec',
  'integrity only',
  'confidentiality without offset',
  'confidentiality with any offset',
];
const NEVER_KEY_SERVER = 255;

/** A set that `basicLenAt` has found, for people. */
export function describeBasic(buf: Uint8Array, at: number): Field[] {
  const { version, priority, keyServer, macsecDesired, capability, sci, mi, mn, ckn } = readBasic(buf, at);
  const sciOctets = buf.subarray(at + OFF_SCI);
  const agility = agilityAt(buf, at);
  return [
    { name: 'MKA version', value: String(version), note: VERSION_NOTES[version] ?? 'unknown' },
    { name: 'priority', value: String(priority), note: priorityNote(priority) },
    { name: 'key server', value: yesOrNo(keyServer) },
    { name: 'MACsec desired', value: yesOrNo(macsecDesired) },
    { name: 'capability', value: String(capability), note: CAPABILITY_NOTES[capability]! },
    { name: 'SCI', value: sci, note: `MAC ${formatMac(sciOctets)}, port ${u16At(sciOctets, OFF_SCI_PORT)}` },
    { name: 'member (MI)', value: mi },
    { name: 'message (MN)', value: String(mn) },
    {
      ...{ name: 'algorithms', value: hex(agility, 8) },
      note: agility === ALGORITHM_AGILITY ? 'AES-CMAC, AES key wrap' : 'unknown',
    },
    { name: 'CKN', value: ckn, note: `${ckn.length / 2} octets` },
  ];
}

function priorityNote(priority: number): string {
  return priority === NEVER_KEY_SERVER ? 'key server only if nobody else is' : 'the lowest is elected';
}
