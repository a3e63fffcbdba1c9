/**
 * Decodes a packet for people, beginning with what its link puts in front; ip.ts goes on with the outer headers,
 * inner.ts with what the tunnel carries. Never throws for what a packet holds, reads nothing past its end: a header
 * that is cut off becomes a layer with a fault, and decoding stops there.
 */
import { checksum } from '../wire/checksum.ts';
import {
  describeEthernet,
  ETHERNET_LEN,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  etherTypeAt,
} from '../wire/ethernet.ts';
import { looksLikeGretap } from '../wire/gre.ts';
import { isTooBig } from '../wire/icmp.ts';
import { IPPROTO_GRE, IPPROTO_UDP, ipVersionAt } from '../wire/ip.ts';
import { ipv4HeaderLen, ipv4ProtocolAt, ipv4TotalLenAt } from '../wire/ipv4.ts';
import { IPV6_LEN, ipv6TotalLenAt } from '../wire/ipv6.ts';
import { isVlan, VLAN_LEN, vlanEtherTypeAt } from '../wire/vlan.ts';
import { decodeFrame, decodeGre } from './inner.ts';
import { decodeIp } from './ip.ts';
import { add, type Decoded, type FirstLayer, undecoded } from './layers.ts';

/** Decodes `packet`, which begins with `first`. `udpPorts`: those that GRE-in-UDP may come to. */
export function decode(packet: Buffer, first: FirstLayer, udpPorts: readonly number[]): Decoded {
  const decoded = undecoded(packet.length);
  if (first === 'ethernet') decodeLink(packet, decoded, udpPorts);
  else if (first === 'ip') decodeIp(packet, 0, decoded, udpPorts);
  else decodeGre(packet, 0, decoded);
  return decoded;
}

/** What the octets most likely begin with, for hex without a link type. */
export function guessFirst(packet: Buffer): FirstLayer {
  const len = packet.length;
  if (looksLikeIpv4(packet)) return 'ip';
  const isIpv6 = ipVersionAt(packet, 0, len) === 6 && len >= IPV6_LEN && ipv6TotalLenAt(packet, 0) <= len;
  if (isIpv6) return 'ip';
  return looksLikeGretap(packet, 0, len) ? 'gre' : 'ethernet';
}

/** A whole packet, or at least a right checksum, and what explain can read behind it. */
function looksLikeIpv4(packet: Buffer): boolean {
  const headerLen = ipv4HeaderLen(packet, 0, packet.length);
  if (headerLen === 0) return false;
  if (ipv4TotalLenAt(packet, 0) > packet.length && checksum(packet, 0, headerLen) !== 0) return false;
  const protocol = ipv4ProtocolAt(packet, 0);
  if (protocol === IPPROTO_GRE || protocol === IPPROTO_UDP) return true;
  return isTooBig(packet, headerLen, packet.length, protocol);
}

/** The Ethernet header of the link that was captured; a SecTAG right behind it is the tunnel's own frame. */
function decodeLink(packet: Buffer, decoded: Decoded, udpPorts: readonly number[]): void {
  const ip = ipBehindVlans(packet);
  if (ip < 0 || !carriesTunnel(packet, ip, udpPorts)) {
    decodeFrame(packet, 0, decoded);
    return;
  }
  add(decoded, 'Ethernet', 0, ip, () => describeEthernet(packet, 0));
  decodeIp(packet, ip, decoded, udpPorts);
}

/** Where the IP header begins behind the Ethernet header and its VLAN tags, or −1. */
function ipBehindVlans(packet: Buffer): number {
  if (packet.length < ETHERNET_LEN) return -1;
  let [at, type] = [ETHERNET_LEN, etherTypeAt(packet, 0)];
  while (isVlan(type) && at + VLAN_LEN <= packet.length) {
    type = vlanEtherTypeAt(packet, at);
    at += VLAN_LEN;
  }
  return type === ETHERTYPE_IPV4 || type === ETHERTYPE_IPV6 ? at : -1;
}

/** True for GRE, UDP to or from a tunnel's port, an ICMP error about either, and for what is cut off before. */
function carriesTunnel(packet: Buffer, at: number, udpPorts: readonly number[]): boolean {
  const probe = undecoded(packet.length);
  decodeIp(packet, at, probe, udpPorts);
  if (probe.greAt >= 0 || probe.quoted !== null) return true;
  return probe.layers.some(({ fault }) => fault !== undefined);
}
