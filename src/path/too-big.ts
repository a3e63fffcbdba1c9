/**
 * What an ICMP error says that a packet of ours was too big: the MTU that it names, and the packet that it quotes, as far as
 * that is there. Routers quote 8 octets behind the IP header at least (RFC 792), most of them up to 576 octets in all (RFC
 * 1812 §4.3.2.3), with IPv6 up to 1280 (RFC 4443 §2.4 c).
 *
 * Nothing here is authentic: quote.ts judges it. Reads nothing past `end`, never throws.
 */
import { checksum } from '../wire/checksum.ts';
import { isTooBig, quotedEnd, TOO_BIG_LEN, tooBigMtuAt } from '../wire/icmp.ts';
import { IPPROTO_GRE, IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_UDP, ipVersionAt } from '../wire/ip.ts';
import {
  formatIpv4Dst,
  formatIpv4Src,
  ipv4HasDf,
  ipv4HeaderLen,
  ipv4ProtocolAt,
  ipv4TotalLenAt,
  isIpv4Fragment,
} from '../wire/ipv4.ts';
import {
  formatIpv6Dst,
  formatIpv6Src,
  IPV6_LEN,
  ipv6NextHeaderAt,
  ipv6TotalLenAt,
  ipv6UpperAt,
} from '../wire/ipv6.ts';

/** The packet that is quoted. */
export interface QuotedPacket {
  readonly src: string;
  readonly dst: string;
  readonly protocol: typeof IPPROTO_GRE | typeof IPPROTO_UDP;
  /** Octets that it had in all, as its header counts them. */
  readonly totalLen: number;
  /** It may not be fragmented. */
  readonly df: boolean;
  /** What is there of it from its transport header on: `octets[at, end)`. */
  readonly octets: Uint8Array;
  readonly at: number;
  readonly end: number;
}

export interface TooBig {
  /** Of the next link; 0: an old router, which names none. */
  readonly mtu: number;
  readonly packet: QuotedPacket;
}

/** The ICMP message in `buf[0, end)`, with its IPv4 header; null: it is damaged, something else, or about no GRE or UDP. */
export function readTooBigV4(buf: Uint8Array, end: number): TooBig | null {
  const at = ipv4HeaderLen(buf, 0, end);
  if (at === 0 || ipv4ProtocolAt(buf, 0) !== IPPROTO_ICMP || checksum(buf, at, end) !== 0) return null;
  return read(buf, at, end, IPPROTO_ICMP);
}

/** The ICMPv6 message in `buf[0, end)`, whose checksum the kernel has checked. */
export function readTooBigV6(buf: Uint8Array, end: number): TooBig | null {
  return read(buf, 0, end, IPPROTO_ICMPV6);
}

function read(buf: Uint8Array, at: number, end: number, protocol: number): TooBig | null {
  if (!isTooBig(buf, at, end, protocol)) return null;
  const ipAt = at + TOO_BIG_LEN;
  const quoteEnd = quotedEnd(buf, at, end);
  const version = ipVersionAt(buf, ipAt, quoteEnd);
  if ((protocol === IPPROTO_ICMP) !== (version === 4)) return null;
  const packet = version === 4 ? readV4(buf, ipAt, quoteEnd) : readV6(buf, ipAt, quoteEnd);
  return packet && { mtu: tooBigMtuAt(buf, at), packet };
}

function readV4(octets: Uint8Array, ipAt: number, end: number): QuotedPacket | null {
  const headerLen = ipv4HeaderLen(octets, ipAt, end - ipAt);
  if (headerLen === 0 || isIpv4Fragment(octets, ipAt)) return null;
  const protocol = ipv4ProtocolAt(octets, ipAt);
  if (protocol !== IPPROTO_GRE && protocol !== IPPROTO_UDP) return null;
  return {
    src: formatIpv4Src(octets, ipAt),
    dst: formatIpv4Dst(octets, ipAt),
    protocol,
    totalLen: ipv4TotalLenAt(octets, ipAt),
    df: ipv4HasDf(octets, ipAt),
    octets,
    at: ipAt + headerLen,
    end,
  };
}

function readV6(octets: Uint8Array, ipAt: number, end: number): QuotedPacket | null {
  if (end - ipAt < IPV6_LEN || ipVersionAt(octets, ipAt, end) !== 6) return null;
  const protocol = ipv6ProtocolAt(octets, ipAt, end);
  if (protocol === null) return null;
  return {
    src: formatIpv6Src(octets, ipAt),
    dst: formatIpv6Dst(octets, ipAt),
    protocol,
    totalLen: ipv6TotalLenAt(octets, ipAt),
    df: true,
    octets,
    at: ipv6UpperAt(octets, ipAt, end, protocol),
    end,
  };
}

/** Null: neither GRE nor UDP is behind the extension headers. */
function ipv6ProtocolAt(octets: Uint8Array, ipAt: number, end: number): QuotedPacket['protocol'] | null {
  const first = ipv6NextHeaderAt(octets, ipAt);
  const known = [IPPROTO_GRE, IPPROTO_UDP] as const;
  return known.find((one) => one === first || ipv6UpperAt(octets, ipAt, end, one) >= 0) ?? null;
}
