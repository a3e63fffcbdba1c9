/**
 * A VLAN tag (IEEE 802.1Q-2018 9.3) without the EtherType in front of it, which names it; so a tag begins where the
 * header before it ends:
 *
 *      0               2               4
 *      | PCP DEI VID   | EtherType     |
 *
 *     0xe000 PCP   0x1000 DEI   0x0fff VID
 */
import { ETHERTYPE_CVLAN, ETHERTYPE_SVLAN, etherTypeName, OFF_ETHERTYPE } from './ethernet.ts';
import { type Field, hex } from './field.ts';
import { u16At } from './octets.ts';

export const VLAN_LEN = 4;
const OFF_TYPE = 2;
const PCP_SHIFT = 13;
const FLAG_DEI = 0x1000;
const MASK_VID = 0x0fff;

/** Does `etherType` say that a VLAN tag follows? */
export function isVlan(etherType: number): boolean {
  return etherType === ETHERTYPE_CVLAN || etherType === ETHERTYPE_SVLAN;
}

/** Tags that are looked behind: a customer's in a provider's (QinQ). */
const TAGS_MAX = 2;
const ETHERTYPE_LEN = 2;

/**
 * Where what the frame in `buf[at, end)` carries begins, behind its EtherType and that of two tags at most; −1: the frame
 * ends before. HOT PATH: allocates nothing, reads nothing past `end`.
 */
export function payloadAt(buf: Uint8Array, at: number, end: number): number {
  let next = at + OFF_ETHERTYPE + ETHERTYPE_LEN;
  for (let tags = 0; next <= end; tags++, next += VLAN_LEN) {
    if (tags === TAGS_MAX || !isVlan(u16At(buf, next - ETHERTYPE_LEN))) return next;
  }
  return -1;
}

/** The EtherType of what begins at `payload`, which `payloadAt` has found. */
export function payloadTypeAt(buf: Uint8Array, payload: number): number {
  return u16At(buf, payload - ETHERTYPE_LEN);
}

/** The EtherType behind the tag at `at`. */
export function vlanEtherTypeAt(buf: Uint8Array, at: number): number {
  return u16At(buf, at + OFF_TYPE);
}

/** The tag at `at` for people; its 4 octets are there. */
export function describeVlan(buf: Uint8Array, at: number): Field[] {
  const [tci, type] = [u16At(buf, at), vlanEtherTypeAt(buf, at)];
  return [
    { name: 'VLAN', value: String(tci & MASK_VID) },
    { name: 'priority', value: String(tci >> PCP_SHIFT) },
    { name: 'drop eligible', value: (tci & FLAG_DEI) !== 0 ? 'yes' : 'no' },
    { name: 'EtherType', value: hex(type, 4), note: etherTypeName(type) },
  ];
}
