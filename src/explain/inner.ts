/** Decodes for people what a tunnel carries: GRE, the Ethernet header, and on to the SecTAG. Never throws. */
import { ETHERNET_LEN, ETHERTYPE_MACSEC, etherTypeAt, formatMac, OFF_SRC_MAC } from '../wire/ethernet.ts';
import { GRE_LEN, GRE_PROTO_TEB, greHeaderLenAt } from '../wire/gre.ts';
import { add, type Decoded, type Field, hex } from './layers.ts';
import { decodeSecTag } from './tag.ts';

export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_IPV6 = 0x86dd;
/** 802.1Q and 802.1ad. */
export const VLAN_TYPES: readonly number[] = [0x8100, 0x88a8];

/** EtherTypes by name, for people. */
export function etherTypeName(type: number): string {
  const names: Record<number, string> = {
    [ETHERTYPE_IPV4]: 'IPv4',
    [ETHERTYPE_IPV6]: 'IPv6',
    [ETHERTYPE_MACSEC]: 'MACsec',
    2054: 'ARP',
    33024: '802.1Q',
    34984: '802.1ad',
    34958: 'EAPOL',
    35020: 'LLDP',
  };
  return names[type] ?? (type < 0x600 ? 'length' : 'unknown');
}

export function decodeGre(packet: Buffer, at: number, decoded: Decoded): void {
  const len = at + 1 < decoded.end ? greHeaderLenAt(packet, at) : GRE_LEN;
  decoded.greAt = at;
  if (!add(decoded, 'GRE', at, len, () => greFields(packet, at))) return;
  if (packet.readUInt16BE(at + 2) !== GRE_PROTO_TEB) return;
  decodeFrame(packet, at + len, decoded);
}

function greFields(packet: Buffer, at: number): Field[] {
  const flags = packet.readUInt16BE(at);
  const protocol = packet.readUInt16BE(at + 2);
  const set = [
    [0x8000, 'checksum'],
    [0x4000, 'routing'],
    [0x2000, 'key'],
    [0x1000, 'sequence number'],
  ].filter(([bit]) => (flags & (bit as number)) !== 0);
  const note = set.length === 0 ? 'no options' : set.map(([, name]) => name).join(', ');
  const fields: Field[] = [
    { name: 'flags', value: hex(flags, 4), note: (flags & 7) === 0 ? note : `${note}; version ${flags & 7}` },
    {
      name: 'protocol',
      value: hex(protocol, 4),
      note: protocol === GRE_PROTO_TEB ? 'transparent Ethernet bridging' : 'not a gretap',
    },
  ];
  let next = at + GRE_LEN;
  const option = (bit: number, name: string, read: () => string): void => {
    if ((flags & bit) === 0) return;
    fields.push({ name, value: read() });
    next += 4;
  };
  option(0x8000, 'checksum', () => hex(packet.readUInt16BE(next), 4));
  option(0x2000, 'key', () => String(packet.readUInt32BE(next)));
  option(0x1000, 'sequence number', () => String(packet.readUInt32BE(next)));
  return fields;
}

/** The frame that the tunnel carries: addresses, then a SecTAG or an EtherType. */
export function decodeFrame(packet: Buffer, at: number, decoded: Decoded): void {
  if (
    !add(decoded, decoded.greAt < 0 ? 'Ethernet' : 'inner Ethernet', at, ETHERNET_LEN, () =>
      addressFields(packet, at),
    )
  )
    return;
  decoded.frameAt = at;
  if (etherTypeAt(packet, at) === ETHERTYPE_MACSEC)
    decoded.layers.push(...decodeSecTag(packet, at, decoded.end));
}

export function addressFields(packet: Buffer, at: number): Field[] {
  const type = etherTypeAt(packet, at);
  return [
    { name: 'destination', value: formatMac(packet.subarray(at, at + 6)) },
    { name: 'source', value: formatMac(packet.subarray(at + OFF_SRC_MAC, at + OFF_SRC_MAC + 6)) },
    { name: 'EtherType', value: hex(type, 4), note: etherTypeName(type) },
  ];
}
