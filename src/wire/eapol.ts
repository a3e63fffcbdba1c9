/**
 * The header of an EAPOL PDU (IEEE 802.1X-2020 11.3), behind EtherType 0x888E:
 *
 *      0       1       2               4
 *      |version| type  | body length   |
 *
 * Header only: the body is the matter of the protocol that its type names.
 */
import { type Field, hex } from './field.ts';
import { u16At } from './octets.ts';

export const EAPOL_LEN = 4;
const OFF_TYPE = 1;
const OFF_BODY_LEN = 2;

/** The version since 802.1X-2010, which brought MKA. A later one is to be read like the last that is known (11.3.1). */
export const EAPOL_VERSION_MKA = 3;
export const EAPOL_TYPE_MKA = 5;

/** Packet types (802.1X-2020 table 11-3). */
const TYPE_NAMES: readonly string[] = [
  'EAP packet',
  'start',
  'logoff',
  'key',
  'encapsulated ASF alert',
  'MKA',
  'announcement (generic)',
  'announcement (specific)',
  'announcement request',
];

export function eapolVersionAt(buf: Uint8Array, at: number): number {
  return buf[at]!;
}

export function eapolTypeAt(buf: Uint8Array, at: number): number {
  return buf[at + OFF_TYPE]!;
}

/** Octets of the body of the PDU whose header is at `at`. */
export function eapolBodyLenAt(buf: Uint8Array, at: number): number {
  return u16At(buf, at + OFF_BODY_LEN);
}

/** Writes the header of an MKPDU whose body has `bodyLen` octets. */
export function writeMkaEapol(buf: Buffer, at: number, bodyLen: number): void {
  buf[at] = EAPOL_VERSION_MKA;
  buf[at + OFF_TYPE] = EAPOL_TYPE_MKA;
  buf.writeUInt16BE(bodyLen, at + OFF_BODY_LEN);
}

/** The header at `at` for people; its 4 octets are there. */
export function describeEapol(buf: Uint8Array, at: number): Field[] {
  const type = eapolTypeAt(buf, at);
  return [
    { name: 'version', value: String(eapolVersionAt(buf, at)) },
    { name: 'type', value: hex(type, 2), note: TYPE_NAMES[type] ?? 'unknown' },
    { name: 'body length', value: String(eapolBodyLenAt(buf, at)) },
  ];
}
