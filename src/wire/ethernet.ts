/**
 * The Ethernet II header (IEEE 802.3 3.2), MAC addresses and EtherTypes (IEEE 802-2014 8.2, 9.2):
 *
 *      0                       6                       12              14
 *      | destination           | source                | EtherType     |
 */
import { type Field, hex } from './field.ts';

/** Destination, source, EtherType. */
export const ETHERNET_LEN = 14;
/** Octets of both addresses: the MACsec SecTAG comes right behind them. */
export const MACS_LEN = 12;
export const OFF_SRC_MAC = 6;
export const OFF_ETHERTYPE = 12;

export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_ARP = 0x0806;
/** The customer's VLAN tag, 802.1Q. */
export const ETHERTYPE_CVLAN = 0x8100;
export const ETHERTYPE_IPV6 = 0x86dd;
/** EAP over LAN, 802.1X: MKA is spoken in it. */
export const ETHERTYPE_EAPOL = 0x888e;
/** The service VLAN tag, 802.1ad. */
export const ETHERTYPE_SVLAN = 0x88a8;
/** Local Experimental EtherType 1 (IEEE 802-2014 9.2.3): control frames between two l2vpnd (`link/frame.ts`). */
export const ETHERTYPE_LINK_CONTROL = 0x88b5;
export const ETHERTYPE_LLDP = 0x88cc;
export const ETHERTYPE_MACSEC = 0x88e5;

const ETHERTYPE_NAMES: Readonly<Record<number, string>> = {
  [ETHERTYPE_IPV4]: 'IPv4',
  [ETHERTYPE_ARP]: 'ARP',
  [ETHERTYPE_CVLAN]: '802.1Q',
  [ETHERTYPE_IPV6]: 'IPv6',
  [ETHERTYPE_EAPOL]: 'EAPOL',
  [ETHERTYPE_SVLAN]: '802.1ad',
  [ETHERTYPE_LINK_CONTROL]: 'local experiment',
  [ETHERTYPE_LLDP]: 'LLDP',
  [ETHERTYPE_MACSEC]: 'MACsec',
};
/** Below this the field is the length of an 802.3 frame. */
const LEAST_ETHERTYPE = 0x0600;

export function etherTypeName(type: number): string {
  return ETHERTYPE_NAMES[type] ?? (type < LEAST_ETHERTYPE ? 'length' : 'unknown');
}

/** The EtherType of the frame that begins at `at`. The caller has checked that 14 octets are there. */
export function etherTypeAt(buf: Uint8Array, at: number): number {
  return (buf[at + OFF_ETHERTYPE]! << 8) | buf[at + OFF_ETHERTYPE + 1]!;
}

/** Is the address at `at` that of a group: multicast or broadcast? */
export function isGroupMac(buf: Uint8Array, at: number): boolean {
  return (buf[at]! & 0x01) !== 0;
}

/** `aa:bb:cc:dd:ee:ff` to 6 octets. Throws a RangeError for anything else. */
export function parseMac(text: string): Buffer {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)) throw new RangeError(`"${text}" is not a MAC address`);
  return Buffer.from(text.replaceAll(':', ''), 'hex');
}

export function formatMac(octets: Uint8Array): string {
  return Array.from(octets.subarray(0, 6), (octet) => octet.toString(16).padStart(2, '0')).join(':');
}

/** The destination of the frame that begins at `at`, as text. */
export function formatDstMac(buf: Uint8Array, at: number): string {
  return formatMac(buf.subarray(at));
}

/** The source of the frame that begins at `at`, as text. */
export function formatSrcMac(buf: Uint8Array, at: number): string {
  return formatMac(buf.subarray(at + OFF_SRC_MAC));
}

/** The header at `at` for people; its 14 octets are there. */
export function describeEthernet(buf: Uint8Array, at: number): Field[] {
  const type = etherTypeAt(buf, at);
  return [
    { name: 'destination', value: formatDstMac(buf, at) },
    { name: 'source', value: formatSrcMac(buf, at) },
    { name: 'EtherType', value: hex(type, 4), note: etherTypeName(type) },
  ];
}
