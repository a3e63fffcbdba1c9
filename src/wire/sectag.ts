/**
 * The SecTAG (IEEE 802.1AE-2018 clause 9), between the MAC addresses and the user data:
 *
 *      0       1       2       3       4               8                       16
 *      | 88    | E5    | TCI|AN| 0|SL  | PN            | SCI (if SC)           |
 *
 *     TCI|AN:  0x80 V   0x40 ES   0x20 SC   0x10 SCB   0x08 E   0x04 C   0x03 AN
 *
 * Codec only: which SCI, PN or SA is right is the SecY's matter.
 */
import { ETHERNET_LEN, ETHERTYPE_MACSEC, formatMac, MACS_LEN, OFF_ETHERTYPE } from './ethernet.ts';
import { type Field, hex } from './field.ts';
import { u16At, u32At } from './octets.ts';
import { formatSci, OFF_SCI_PORT, SCI_LEN } from './sci.ts';

export const TCI_V = 0x80;
export const TCI_ES = 0x40;
export const TCI_SC = 0x20;
export const TCI_SCB = 0x10;
export const TCI_E = 0x08;
export const TCI_C = 0x04;
export const AN_MASK = 0x03;

/** Octets that a frame with a SecTAG has at least (802.1AE 9.12 a). */
const LEAST_LEN = 17;
const SL_MASK = 0x3f;
/** User data shorter than this is announced in SL; 0 announces the rest (802.1AE 9.7). */
export const SL_LIMIT = 48;

// From the frame's first octet.
const OFF_TCI = MACS_LEN + 2;
const OFF_SL = MACS_LEN + 3;
export const OFF_PN: number = MACS_LEN + 4;
export const OFF_SCI: number = MACS_LEN + 8;

/** Octets of the SecTAG with its EtherType. */
export const SECTAG_LEN_NO_SCI = 8;
export const SECTAG_LEN_SCI: number = SECTAG_LEN_NO_SCI + SCI_LEN;

export function secTagLen(tci: number): number {
  return (tci & TCI_SC) !== 0 ? SECTAG_LEN_SCI : SECTAG_LEN_NO_SCI;
}

/** Why `checkSecTag` refused a frame; `None`: it did not. The letters are those of 802.1AE 9.12. */
export const SecTagFault = {
  None: 0,
  Short: 1,
  Version: 2,
  Sci: 3,
  ShortLength: 4,
  PacketNumber: 5,
  Length: 6,
} as const;
export type SecTagFault = (typeof SecTagFault)[keyof typeof SecTagFault];

/** What all SecTAGs of a transmit SA have in common. */
export interface SecTagTemplate {
  /** EtherType, TCI and AN, with an SL of 0. */
  readonly head: number;
  readonly withSci: boolean;
  readonly sciHigh: number;
  readonly sciLow: number;
}

/** `tci` with its AN; the halves of the SCI are sent where `tci` has SC. */
export function secTagTemplate(tci: number, sciHigh: number, sciLow: number): SecTagTemplate {
  const head = ((ETHERTYPE_MACSEC << 16) | (tci << 8)) >>> 0;
  return { head, withSci: (tci & TCI_SC) !== 0, sciHigh, sciLow };
}

/**
 * Writes the SecTAG of the frame that begins at `at`, right behind its addresses. `userDataLen` is what follows the
 * SecTAG before the ICV, `pnLow` the lower 32 bits of the PN. HOT PATH: allocates nothing.
 */
export function writeSecTag(
  view: DataView,
  at: number,
  template: SecTagTemplate,
  userDataLen: number,
  pnLow: number,
): void {
  view.setUint32(at + OFF_ETHERTYPE, userDataLen < SL_LIMIT ? template.head | userDataLen : template.head);
  view.setUint32(at + OFF_PN, pnLow);
  if (!template.withSci) return;
  view.setUint32(at + OFF_SCI, template.sciHigh);
  view.setUint32(at + OFF_SCI + 4, template.sciLow);
}

/** The TCI and AN octet, the first that a frame with our EtherType may lack: `hasSecTag` is asked before. */
export function tciAt(buf: Uint8Array, at: number): number {
  return buf[at + OFF_TCI]!;
}

/** Is the SecTAG there (the SCI too, where SC says so), and the two octets behind it that Linux wants to see? */
export function hasSecTag(buf: Uint8Array, at: number, len: number): boolean {
  return len >= ETHERNET_LEN + SECTAG_LEN_NO_SCI && len >= ETHERNET_LEN + secTagLen(tciAt(buf, at));
}

/** The PN on the wire: 32 bits, unsigned. */
export function pnAt(buf: Uint8Array, at: number): number {
  return u32At(buf, at + OFF_PN);
}

/**
 * Checks the SecTAG of the frame in `buf[at, at + len)` (802.1AE 9.12, as Linux reads it: an SL of 48 to 63 is not
 * refused as such). b), the EtherType, is the caller's.
 * `xpn`: a PN of 0 is legal on the wire. HOT PATH: allocates nothing, never throws, reads nothing past the frame.
 */
export function checkSecTag(
  buf: Uint8Array,
  at: number,
  len: number,
  icvLen: number,
  xpn: boolean,
): SecTagFault {
  // a) at least 17 octets, and the whole SecTAG.
  if (len < LEAST_LEN || !hasSecTag(buf, at, len)) return SecTagFault.Short;
  const tci = tciAt(buf, at);
  // c) V is clear.
  if ((tci & TCI_V) !== 0) return SecTagFault.Version;
  // d) SC excludes ES and SCB.
  if ((tci & TCI_SC) !== 0 && (tci & (TCI_ES | TCI_SCB)) !== 0) return SecTagFault.Sci;
  // e) bits 7 and 8 of octet 4 are clear.
  const sl = buf[at + OFF_SL]!;
  if ((sl & ~SL_MASK) !== 0) return SecTagFault.ShortLength;
  // The PN is not 0 (figure 10-5).
  if (!xpn && pnAt(buf, at) === 0) return SecTagFault.PacketNumber;
  // f) to i) the length is what SL says: exactly that, or at least 48.
  const secureDataLen = len - MACS_LEN - secTagLen(tci) - icvLen;
  if (sl !== 0 ? secureDataLen !== sl : secureDataLen < SL_LIMIT) return SecTagFault.Length;
  return SecTagFault.None;
}

// For people, of the frame that begins at `at`; `hasSecTag` has found its SecTAG.

const TCI_BITS: readonly [bit: number, text: string][] = [
  [TCI_V, 'V (version, must be 0)'],
  [TCI_ES, 'ES (end station)'],
  [TCI_SC, 'SC (SCI follows)'],
  [TCI_SCB, 'SCB (single copy broadcast)'],
  [TCI_E, 'E (encrypted)'],
  [TCI_C, 'C (changed text)'],
];

/** The SCI in the SecTAG as 16 hex digits; null: it has none. */
export function formatSciAt(buf: Uint8Array, at: number): string | null {
  return (tciAt(buf, at) & TCI_SC) === 0 ? null : formatSci(buf.subarray(at + OFF_SCI));
}

/** Its fields. */
export function describeSecTag(buf: Uint8Array, at: number): Field[] {
  const [tci, sl] = [tciAt(buf, at), buf[at + OFF_SL]!];
  const set = TCI_BITS.filter(([bit]) => (tci & bit) !== 0).map(([, text]) => text);
  const fields: Field[] = [
    { name: 'TCI', value: hex(tci & ~AN_MASK, 2), note: `${set.join(', ') || 'no bit'}: ${tciNote(tci)}` },
    { name: 'AN', value: String(tci & AN_MASK) },
    { name: 'SL', value: String(sl), note: slNote(sl) },
    { name: 'PN', value: String(pnAt(buf, at)) },
  ];
  const value = formatSciAt(buf, at);
  if (value === null) return fields;
  const sci = buf.subarray(at + OFF_SCI);
  return [...fields, { name: 'SCI', value, note: `MAC ${formatMac(sci)}, port ${u16At(sci, OFF_SCI_PORT)}` }];
}

/** What E and C mean together (802.1AE 9.5). */
function tciNote(tci: number): string {
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
  return sl > SL_MASK ? 'bits 7 and 8 must be 0' : `not below ${SL_LIMIT}`;
}
