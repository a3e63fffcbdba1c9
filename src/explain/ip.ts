/** Walks the outer headers from IP on: IPv4 or IPv6, UDP, or an ICMP error that quotes a tunnel's packet. Never throws. */
import { describeTooBig, isTooBig, quotedEnd, TOO_BIG_LEN } from '../wire/icmp.ts';
import { IPPROTO_GRE, IPPROTO_UDP, ipProtocolName, ipVersionAt } from '../wire/ip.ts';
import {
  describeIpv4,
  formatIpv4Dst,
  formatIpv4Src,
  ipv4HeaderLenAt,
  ipv4ProtocolAt,
  ipv4TotalLenAt,
  isIpv4Fragment,
} from '../wire/ipv4.ts';
import {
  describeIpv6,
  formatIpv6Dst,
  formatIpv6Src,
  IPV6_LEN,
  ipv6ExtensionLenAt,
  ipv6ExtensionNextAt,
  ipv6NextHeaderAt,
  ipv6TotalLenAt,
  isIpv6Extension,
} from '../wire/ipv6.ts';
import { describeUdp, UDP_LEN, udpDstPortAt, udpSrcPortAt } from '../wire/udp.ts';
import { decodeGre } from './inner.ts';
import { add, type Decoded, undecoded } from './layers.ts';

/** What does not change on the way down. */
interface Walk {
  packet: Buffer;
  udpPorts: readonly number[];
  /** The packet is quoted: it may end anywhere, and what it quotes itself is of no interest. */
  isQuote: boolean;
}

/** The packet at `at`, up to the `end` of `decoded`. */
export function decodeIp(packet: Buffer, at: number, decoded: Decoded, udpPorts: readonly number[]): void {
  walkIp({ packet, udpPorts, isQuote: false }, at, decoded);
}

function walkIp(walk: Walk, at: number, decoded: Decoded): void {
  const version = ipVersionAt(walk.packet, at, decoded.end);
  if (version === 4) walkIpv4(walk, at, decoded);
  else if (version === 6) walkIpv6(walk, at, decoded);
  else {
    const fault = `IP version ${version}; it must be 4 or 6`;
    decoded.layers.push({ name: 'IP', at, len: 0, fields: [], fault });
  }
}

function walkIpv4(walk: Walk, at: number, decoded: Decoded): void {
  const { packet } = walk;
  const headerLen = ipv4HeaderLenAt(packet, at);
  if (!add(decoded, 'IPv4', at, headerLen, () => describeIpv4(packet, at))) return;
  decoded.ends = { src: formatIpv4Src(packet, at), dst: formatIpv4Dst(packet, at) };
  if (!limit(walk, decoded, at, ipv4TotalLenAt(packet, at))) return;
  if (isIpv4Fragment(packet, at)) {
    decoded.layers.at(-1)!.fault = 'a fragment; the kernel reassembles it before a tunnel sees it';
    return;
  }
  walkTransport(walk, ipv4ProtocolAt(packet, at), at + headerLen, decoded);
}

function walkIpv6(walk: Walk, at: number, decoded: Decoded): void {
  const { packet } = walk;
  if (!add(decoded, 'IPv6', at, IPV6_LEN, () => describeIpv6(packet, at))) return;
  decoded.ends = { src: formatIpv6Src(packet, at), dst: formatIpv6Dst(packet, at) };
  if (!limit(walk, decoded, at, ipv6TotalLenAt(packet, at))) return;
  let [next, from] = [ipv6NextHeaderAt(packet, at), at + IPV6_LEN];
  while (isIpv6Extension(next)) {
    const len = ipv6ExtensionLenAt(packet, from, decoded.end);
    if (!add(decoded, `IPv6 ${ipProtocolName(next)}`, from, len, () => [])) return;
    next = ipv6ExtensionNextAt(packet, from);
    from += len;
  }
  walkTransport(walk, next, from, decoded);
}

/** Ends the packet where its IP header says; false where it ends before, unless it is quoted. */
function limit({ isQuote }: Walk, decoded: Decoded, at: number, len: number): boolean {
  const there = decoded.end - at;
  if (len <= there) decoded.end = at + len;
  else if (!isQuote) {
    decoded.layers.at(-1)!.fault = `cut off: the header counts ${len} octets, ${there} are there`;
    return false;
  }
  return true;
}

function walkTransport(walk: Walk, protocol: number, at: number, decoded: Decoded): void {
  if (protocol === IPPROTO_GRE) decodeGre(walk.packet, at, decoded);
  else if (protocol === IPPROTO_UDP) walkUdp(walk, at, decoded);
  else if (!walkTooBig(walk, protocol, at, decoded)) {
    const fault = 'not GRE (47) or UDP (17): no tunnel sees it';
    decoded.layers.push({ name: ipProtocolName(protocol), at, len: decoded.end - at, fields: [], fault });
  }
}

function walkUdp({ packet, udpPorts }: Walk, at: number, decoded: Decoded): void {
  if (!add(decoded, 'UDP', at, UDP_LEN, () => describeUdp(packet, at))) return;
  const [srcPort, dstPort] = [udpSrcPortAt(packet, at), udpDstPortAt(packet, at)];
  decoded.udp = { srcPort, dstPort };
  if (!udpPorts.includes(dstPort) && !udpPorts.includes(srcPort)) {
    decoded.layers.at(-1)!.fault = `not a port of GRE-in-UDP (${udpPorts.join(', ')})`;
    return;
  }
  decodeGre(packet, at + UDP_LEN, decoded);
}

/** An ICMP error about a packet of a tunnel; false, and nothing is added, where it is not one. */
function walkTooBig(walk: Walk, protocol: number, at: number, decoded: Decoded): boolean {
  const { packet, isQuote } = walk;
  if (isQuote || !isTooBig(packet, at, decoded.end, protocol)) return false;
  const quoted = undecoded(quotedEnd(packet, at, decoded.end));
  walkIp({ ...walk, isQuote: true }, at + TOO_BIG_LEN, quoted);
  if (quoted.greAt < 0) return false;
  add(decoded, ipProtocolName(protocol), at, TOO_BIG_LEN, () => describeTooBig(packet, at));
  decoded.layers.push(...quoted.layers.map((layer) => ({ ...layer, name: `quoted ${layer.name}` })));
  decoded.quoted = quoted;
  return true;
}
