/** The SecTAG (802.1AE clause 9) and what follows it, field by field. Never throws, reads nothing past `end`. */
import { formatMac, MACS_LEN } from '../wire/ethernet.ts';
import { formatSci, SCI_LEN } from '../wire/sci.ts';
import {
  AN_MASK,
  hasSecTag,
  OFF_SCI,
  pnAt,
  SL_LIMIT,
  secTagLen,
  TCI_C,
  TCI_E,
  TCI_ES,
  TCI_SC,
  TCI_SCB,
  TCI_V,
  tciAt,
} from '../wire/sectag.ts';
import { type Field, hex, type Layer } from './layers.ts';

const TCI_BITS: readonly [bit: number, text: string][] = [
  [TCI_V, 'V (version, must be 0)'],
  [TCI_ES, 'ES (end station)'],
  [TCI_SC, 'SC (SCI follows)'],
  [TCI_SCB, 'SCB (single copy broadcast)'],
  [TCI_E, 'E (encrypted)'],
  [TCI_C, 'C (changed text)'],
];

/** The layers behind the addresses of the frame at `frameAt`: SecTAG, then secure data and ICV together. */
export function decodeSecTag(packet: Buffer, frameAt: number, end: number): Layer[] {
  const at = frameAt + MACS_LEN;
  const there = end - frameAt;
  if (there <= MACS_LEN + 2 || !hasSecTag(packet, frameAt, there)) {
    const fault = `cut off: ${there - MACS_LEN} octets are there, a SecTAG has 8 or 16`;
    return [{ name: 'SecTAG', at, len: there - MACS_LEN, fields: [], fault }];
  }
  const len = secTagLen(tciAt(packet, frameAt));
  const secured = { name: 'secure data and ICV', at: at + len, len: end - at - len, fields: [] };
  return [{ name: 'SecTAG', at, len, fields: tagFields(packet, frameAt) }, secured];
}

function tagFields(packet: Buffer, frameAt: number): Field[] {
  const tci = tciAt(packet, frameAt);
  const sl = packet[frameAt + MACS_LEN + 3]!;
  const set = TCI_BITS.filter(([bit]) => (tci & bit) !== 0).map(([, text]) => text);
  const fields: Field[] = [
    { name: 'TCI', value: hex(tci & ~AN_MASK, 2), note: `${set.join(', ') || 'no bit'}: ${meaningOf(tci)}` },
    { name: 'AN', value: String(tci & AN_MASK) },
    { name: 'SL', value: String(sl), note: slNote(sl) },
    { name: 'PN', value: String(pnAt(packet, frameAt)) },
  ];
  if ((tci & TCI_SC) === 0) return fields;
  const sci = packet.subarray(frameAt + OFF_SCI, frameAt + OFF_SCI + SCI_LEN);
  const note = `MAC ${formatMac(sci)}, port ${sci.readUInt16BE(6)}`;
  return [...fields, { name: 'SCI', value: formatSci(sci), note }];
}

function meaningOf(tci: number): string {
  switch (tci & (TCI_E | TCI_C)) {
    case TCI_E | TCI_C:
      return 'confidentiality and integrity';
    case TCI_C:
      return 'integrity only, ICV not of 16 octets';
    case TCI_E:
      return 'not data for a SecY (E without C)';
    default:
      return 'integrity only';
  }
}

function slNote(sl: number): string {
  if (sl === 0) return `${SL_LIMIT} octets of user data or more`;
  if (sl < SL_LIMIT) return `${sl} octets of user data`;
  return sl > 0x3f ? 'bits 7 and 8 must be 0' : `not below ${SL_LIMIT}`;
}
