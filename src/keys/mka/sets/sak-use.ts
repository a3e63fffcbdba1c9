/**
 * The MACsec SAK Use set (IEEE 802.1X-2020 11.11.1, figure 11-10); its body has 40 octets, or none ("no MACsec"):
 *
 *      4                       16      20      24                      36      40      44
 *      | latest: server's MI   | KN    | LPN   | old: server's MI      | KN    | LPN   |
 *
 *     octet 1:  0xc0 latest AN   0x20 latest TX   0x10 latest RX   0x0c old AN   0x02 old TX   0x01 old RX
 *     octet 2:  0x80 plain TX    0x40 plain RX    0x10 delay protect
 */
import type { Field } from '../../../wire/field.ts';
import { u32At } from '../../../wire/octets.ts';
import type { SakUse, UsedKey } from '../mkpdu.ts';
import { MI_LEN } from './basic.ts';
import {
  type FoundSet,
  OFF_SET_FLAGS,
  OFF_SET_OCTET,
  SET_HEADER_LEN,
  SetType,
  writeSetHeader,
  yesOrNo,
} from './header.ts';
import { hexAt } from './octets.ts';

const FLAG_PLAIN_TX = 0x80;
const FLAG_PLAIN_RX = 0x40;
const FLAG_DELAY_PROTECT = 0x10;

/** A key's half of octet 1, once the latest one's is shifted down. */
const AN_SHIFT = 2;
const FLAG_TX = 0x02;
const FLAG_RX = 0x01;
const LATEST_SHIFT = 4;
const MASK_HALF = 0x0f;

const OFF_KN = MI_LEN;
const OFF_LPN = OFF_KN + 4;
const KEY_LEN = OFF_LPN + 4;
const BODY_LEN = 2 * KEY_LEN;
const OFF_LATEST = SET_HEADER_LEN;
const OFF_OLD = OFF_LATEST + KEY_LEN;

/** null: a length that it cannot have. */
export function readSakUse(buf: Uint8Array, { at, len }: FoundSet): SakUse | null {
  if (len !== BODY_LEN && len !== 0) return null;
  const [halves, flags] = [buf[at + OFF_SET_OCTET]!, buf[at + OFF_SET_FLAGS]!];
  return {
    latest: readKey(halves >> LATEST_SHIFT, buf, len === 0 ? null : at + OFF_LATEST),
    old: readKey(halves & MASK_HALF, buf, len === 0 ? null : at + OFF_OLD),
    plainTx: (flags & FLAG_PLAIN_TX) !== 0,
    plainRx: (flags & FLAG_PLAIN_RX) !== 0,
    delayProtect: (flags & FLAG_DELAY_PROTECT) !== 0,
  };
}

/** `at` null: the set has no body. */
function readKey(half: number, buf: Uint8Array, at: number | null): UsedKey {
  return {
    ki: at === null || isZero(buf.subarray(at, at + OFF_LPN)) ? null : readKi(buf, at),
    an: half >> AN_SHIFT,
    tx: (half & FLAG_TX) !== 0,
    rx: (half & FLAG_RX) !== 0,
    lowestPn: at === null ? 0 : u32At(buf, at + OFF_LPN),
  };
}

function readKi(buf: Uint8Array, at: number): { mi: string; kn: number } {
  return { mi: hexAt(buf, at, MI_LEN), kn: u32At(buf, at + OFF_KN) };
}

const isZero = (octets: Uint8Array): boolean => octets.every((octet) => octet === 0);

/** Octets that `writeSakUse` will write. */
export function sakUseLen(use: SakUse): number {
  return saysNoMacsec(use) ? SET_HEADER_LEN : SET_HEADER_LEN + BODY_LEN;
}

export function writeSakUse(buf: Buffer, at: number, use: SakUse): void {
  const flags =
    (use.plainTx ? FLAG_PLAIN_TX : 0) |
    (use.plainRx ? FLAG_PLAIN_RX : 0) |
    (use.delayProtect ? FLAG_DELAY_PROTECT : 0);
  const halves = (halfOf(use.latest) << LATEST_SHIFT) | halfOf(use.old);
  const len = sakUseLen(use) - SET_HEADER_LEN;
  writeSetHeader(buf, at, SetType.SakUse, halves, flags, len);
  if (len === 0) return;
  writeKey(buf, at + OFF_LATEST, use.latest);
  writeKey(buf, at + OFF_OLD, use.old);
}

/** Both plain, and no key: peers expect no body then. */
function saysNoMacsec({ latest, old, plainTx, plainRx }: SakUse): boolean {
  return plainTx && plainRx && [latest, old].every(({ ki, lowestPn }) => ki === null && lowestPn === 0);
}

function halfOf({ an, tx, rx }: UsedKey): number {
  return (an << AN_SHIFT) | (tx ? FLAG_TX : 0) | (rx ? FLAG_RX : 0);
}

function writeKey(buf: Buffer, at: number, { ki, lowestPn }: UsedKey): void {
  if (ki !== null) {
    buf.write(ki.mi, at, 'hex');
    buf.writeUInt32BE(ki.kn, at + OFF_KN);
  }
  buf.writeUInt32BE(lowestPn, at + OFF_LPN);
}

export function describeSakUse({ latest, old, plainTx, plainRx, delayProtect }: SakUse): Field[] {
  return [
    ...describeKey('latest', latest),
    ...describeKey('old', old),
    { name: 'plain TX', value: yesOrNo(plainTx) },
    { name: 'plain RX', value: yesOrNo(plainRx) },
    { name: 'delay protect', value: yesOrNo(delayProtect) },
  ];
}

function describeKey(which: string, { ki, an, tx, rx, lowestPn }: UsedKey): Field[] {
  const use = [tx ? ['transmits'] : [], rx ? ['receives'] : []].flat().join(' and ') || 'not in use';
  return [
    ki === null
      ? { name: `${which} key`, value: 'none' }
      : { name: `${which} key`, value: ki.mi, note: `KN ${ki.kn}` },
    { name: `${which} AN`, value: String(an), note: use },
    { name: `${which} lowest PN`, value: String(lowestPn) },
  ];
}
