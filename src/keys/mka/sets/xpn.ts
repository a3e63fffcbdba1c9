/**
 * The XPN set (IEEE 802.1X-2020 11.11.1), of MKA version 2 and later: the high halves of what SAK Use has no room for.
 *
 *      4               8               12
 *      | latest LPN    | old LPN       |
 *
 *     octet 1: the MKA suspension time in seconds
 */
import type { Field } from '../../../wire/field.ts';
import { u32At } from '../../../wire/octets.ts';
import type { XpnSet } from '../mkpdu.ts';
import { type FoundSet, OFF_SET_OCTET, SET_HEADER_LEN, SetType, writeSetHeader } from './header.ts';

const BODY_LEN = 8;
export const XPN_SET_LEN: number = SET_HEADER_LEN + BODY_LEN;
const OFF_LATEST = SET_HEADER_LEN;
const OFF_OLD = OFF_LATEST + 4;

/** null: a length that it cannot have. */
export function readXpn(buf: Uint8Array, { at, len }: FoundSet): XpnSet | null {
  if (len !== BODY_LEN) return null;
  return {
    suspensionTime: buf[at + OFF_SET_OCTET]!,
    latestLowestPnHigh: u32At(buf, at + OFF_LATEST),
    oldLowestPnHigh: u32At(buf, at + OFF_OLD),
  };
}

export function writeXpn(buf: Buffer, at: number, xpn: XpnSet): void {
  writeSetHeader(buf, at, SetType.Xpn, xpn.suspensionTime, 0, BODY_LEN);
  buf.writeUInt32BE(xpn.latestLowestPnHigh, at + OFF_LATEST);
  buf.writeUInt32BE(xpn.oldLowestPnHigh, at + OFF_OLD);
}

export function describeXpn({ suspensionTime, latestLowestPnHigh, oldLowestPnHigh }: XpnSet): Field[] {
  return [
    { name: 'suspension', value: `${suspensionTime} s` },
    { name: 'latest PN, high', value: String(latestLowestPnHigh), note: 'upper 32 bits of the lowest PN' },
    { name: 'old PN, high', value: String(oldLowestPnHigh) },
  ];
}
