/**
 * Decodes a packet for people, beginning with its outer headers: Ethernet and VLAN tags, IPv4 or IPv6, UDP; from
 * GRE on, inner.ts goes on. Never throws for what a packet holds, reads nothing past its end: a header that
 * is cut off becomes a layer with a fault, and decoding stops there.
 */
import { canonicalAddress } from '../config/fields.ts';
import { checksum } from '../wire/checksum.ts';
import { ETHERNET_LEN, etherTypeAt } from '../wire/ethernet.ts';
import { GRE_LEN, GRE_PROTO_TEB } from '../wire/gre.ts';
import { IPPROTO_GRE } from '../wire/ip.ts';
import { IPV4_LEN, ipv4HeaderLen } from '../wire/ipv4.ts';
import {
  addressFields,
  decodeFrame,
  decodeGre,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  VLAN_TYPES,
} from './inner.ts';
import { add, type Decoded, type FirstLayer, hex } from './layers.ts';

const IPPROTO_UDP = 17;
const IPV6_LEN = 40;
const UDP_LEN = 8;
const VLAN_LEN = 4;

/** Decodes `packet`, which begins with `first`. `udpPorts`: those that GRE-in-UDP may come to. */
export function decode(packet: Buffer, first: FirstLayer, udpPorts: readonly number[]): Decoded {
  const decoded: Decoded = { layers: [], ends: null, udp: null, greAt: -1, frameAt: -1, end: packet.length };
  if (first === 'ethernet') decodeLink(packet, decoded, udpPorts);
  else if (first === 'ip') decodeIp(packet, 0, decoded, udpPorts);
  else decodeGre(packet, 0, decoded);
  return decoded;
}

/** What the octets most likely begin with, for hex without a link type. */
export function guessFirst(packet: Buffer): FirstLayer {
  const version = (packet[0] ?? 0) >> 4;
  const headerLen = ipv4HeaderLen(packet, 0, packet.length);
  const isWhole =
    headerLen > 0 && (packet.readUInt16BE(2) <= packet.length || checksum(packet, 0, headerLen) === 0);
  if (isWhole && [IPPROTO_GRE, IPPROTO_UDP].includes(packet[9]!)) return 'ip';
  if (version === 6 && packet.length >= IPV6_LEN && packet.readUInt16BE(4) + IPV6_LEN <= packet.length)
    return 'ip';
  const isGre =
    packet.length >= GRE_LEN && packet.readUInt16BE(2) === GRE_PROTO_TEB && (packet[1]! & 0x7f) === 0;
  return isGre ? 'gre' : 'ethernet';
}

/** The Ethernet header of the link that was captured; a SecTAG right behind it is the tunnel's own frame. */
function decodeLink(packet: Buffer, decoded: Decoded, udpPorts: readonly number[]): void {
  const type = packet.length >= ETHERNET_LEN ? etherTypeAt(packet, 0) : -1;
  const isOuter = [ETHERTYPE_IPV4, ETHERTYPE_IPV6, ...VLAN_TYPES].includes(type);
  const ip = isOuter ? skipVlans(packet) : -1;
  const carries = ip >= 0 && carriesTunnel(packet, ip, udpPorts);
  if (!carries) {
    decodeFrame(packet, 0, decoded);
    return;
  }
  add(decoded, 'Ethernet', 0, ip, () => addressFields(packet, 0));
  decodeIp(packet, ip, decoded, udpPorts);
}

/** Where the IP header begins behind up to two VLAN tags, or −1. */
function skipVlans(packet: Buffer): number {
  let at = ETHERNET_LEN;
  while (at + VLAN_LEN <= packet.length && VLAN_TYPES.includes(packet.readUInt16BE(at - 2))) at += VLAN_LEN;
  return [ETHERTYPE_IPV4, ETHERTYPE_IPV6].includes(packet.readUInt16BE(at - 2)) ? at : -1;
}

/** True for GRE, and for UDP to or from a tunnel's port. */
function carriesTunnel(packet: Buffer, at: number, udpPorts: readonly number[]): boolean {
  const probe: Decoded = { layers: [], ends: null, udp: null, greAt: -1, frameAt: -1, end: packet.length };
  decodeIp(packet, at, probe, udpPorts);
  return probe.greAt >= 0 || probe.layers.some(({ fault }) => fault !== undefined);
}

function decodeIp(packet: Buffer, at: number, decoded: Decoded, udpPorts: readonly number[]): void {
  const version = (packet[at] ?? 0) >> 4;
  if (version === 4) decodeIpv4(packet, at, decoded, udpPorts);
  else if (version === 6) decodeIpv6(packet, at, decoded, udpPorts);
  else {
    const fault = `IP version ${version}; it must be 4 or 6`;
    decoded.layers.push({ name: 'IP', at, len: 0, fields: [], fault });
  }
}

function decodeIpv4(packet: Buffer, at: number, decoded: Decoded, udpPorts: readonly number[]): void {
  const headerLen = Math.max(((packet[at] ?? 0) & 0x0f) * 4, IPV4_LEN);
  const whole = add(decoded, 'IPv4', at, headerLen, () => {
    const flags = packet.readUInt16BE(at + 6);
    return [
      { name: 'source', value: [...packet.subarray(at + 12, at + 16)].join('.') },
      { name: 'destination', value: [...packet.subarray(at + 16, at + 20)].join('.') },
      { name: 'protocol', value: String(packet[at + 9]), note: protocolName(packet[at + 9]!) },
      { name: 'total length', value: String(packet.readUInt16BE(at + 2)) },
      { name: 'TTL', value: String(packet[at + 8]) },
      { name: 'TOS', value: hex(packet[at + 1]!, 2) },
      { name: 'identification', value: hex(packet.readUInt16BE(at + 4), 4) },
      {
        name: 'flags',
        value: hex(flags >> 13, 1),
        note: (flags & 0x4000) !== 0 ? "don't fragment" : 'may be fragmented',
      },
    ];
  });
  if (!whole) return;
  const [src, dst] = [12, 16].map((off) => [...packet.subarray(at + off, at + off + 4)].join('.'));
  decoded.ends = { src: src!, dst: dst! };
  if (!limit(decoded, at, packet.readUInt16BE(at + 2))) return;
  if ((packet.readUInt16BE(at + 6) & 0x3fff) !== 0) {
    decoded.layers.at(-1)!.fault = 'a fragment; the kernel reassembles it before a tunnel sees it';
    return;
  }
  decodeTransport(packet, packet[at + 9]!, at + headerLen, decoded, udpPorts);
}

function decodeIpv6(packet: Buffer, at: number, decoded: Decoded, udpPorts: readonly number[]): void {
  const whole = add(decoded, 'IPv6', at, IPV6_LEN, () => [
    { name: 'source', value: ipv6Text(packet, at + 8) },
    { name: 'destination', value: ipv6Text(packet, at + 24) },
    { name: 'next header', value: String(packet[at + 6]), note: protocolName(packet[at + 6]!) },
    { name: 'payload length', value: String(packet.readUInt16BE(at + 4)) },
    { name: 'hop limit', value: String(packet[at + 7]) },
    { name: 'traffic class', value: hex((packet.readUInt16BE(at) >> 4) & 0xff, 2) },
  ]);
  if (!whole) return;
  decoded.ends = { src: ipv6Text(packet, at + 8), dst: ipv6Text(packet, at + 24) };
  if (!limit(decoded, at, IPV6_LEN + packet.readUInt16BE(at + 4))) return;
  let [next, from] = [packet[at + 6]!, at + IPV6_LEN];
  // Hop-by-hop, routing, destination options (ip6gretap sends an encapsulation limit in one): RFC 8200 §4.
  while ([0, 43, 60].includes(next)) {
    const len = from + 1 < decoded.end ? (packet[from + 1]! + 1) * 8 : 8;
    const header = from;
    if (!add(decoded, `IPv6 ${protocolName(next)}`, header, len, () => [])) return;
    next = packet[header]!;
    from += len;
  }
  decodeTransport(packet, next, from, decoded, udpPorts);
}

/** Ends the packet where its IP header says. */
function limit(decoded: Decoded, at: number, len: number): boolean {
  const there = decoded.end - at;
  if (len > there) {
    decoded.layers.at(-1)!.fault = `cut off: the header counts ${len} octets, ${there} are there`;
    return false;
  }
  decoded.end = at + len;
  return true;
}

function decodeTransport(
  packet: Buffer,
  protocol: number,
  at: number,
  decoded: Decoded,
  udpPorts: readonly number[],
): void {
  if (protocol === IPPROTO_GRE) decodeGre(packet, at, decoded);
  else if (protocol === IPPROTO_UDP) decodeUdp(packet, at, decoded, udpPorts);
  else {
    const fault = 'not GRE (47) or UDP (17): no tunnel sees it';
    decoded.layers.push({ name: protocolName(protocol), at, len: decoded.end - at, fields: [], fault });
  }
}

function decodeUdp(packet: Buffer, at: number, decoded: Decoded, udpPorts: readonly number[]): void {
  const whole = add(decoded, 'UDP', at, UDP_LEN, () => [
    { name: 'source port', value: String(packet.readUInt16BE(at)) },
    { name: 'destination port', value: String(packet.readUInt16BE(at + 2)) },
    { name: 'length', value: String(packet.readUInt16BE(at + 4)) },
    { name: 'checksum', value: hex(packet.readUInt16BE(at + 6), 4) },
  ]);
  if (!whole) return;
  const [srcPort, dstPort] = [packet.readUInt16BE(at), packet.readUInt16BE(at + 2)];
  decoded.udp = { srcPort, dstPort };
  if (!udpPorts.includes(dstPort) && !udpPorts.includes(srcPort)) {
    decoded.layers.at(-1)!.fault = `not a port of GRE-in-UDP (${udpPorts.join(', ')})`;
    return;
  }
  decodeGre(packet, at + UDP_LEN, decoded);
}

function protocolName(protocol: number): string {
  const names: Record<number, string> = {
    0: 'hop-by-hop options',
    1: 'ICMP',
    6: 'TCP',
    17: 'UDP',
    43: 'routing header',
    44: 'fragment',
    47: 'GRE',
    58: 'ICMPv6',
    60: 'destination options',
  };
  return names[protocol] ?? `protocol ${protocol}`;
}

function ipv6Text(packet: Buffer, at: number): string {
  const groups = Array.from({ length: 8 }, (_, i) => packet.readUInt16BE(at + 2 * i).toString(16));
  return canonicalAddress(groups.join(':'));
}
