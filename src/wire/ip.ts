/** What IPv4 and IPv6 have in common: the version in front, and the numbers of what they carry. */

export const IPPROTO_HOPOPTS = 0;
export const IPPROTO_ICMP = 1;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_ROUTING = 43;
export const IPPROTO_FRAGMENT = 44;
export const IPPROTO_GRE = 47;
export const IPPROTO_ICMPV6 = 58;
export const IPPROTO_DSTOPTS = 60;

const PROTOCOL_NAMES: Readonly<Record<number, string>> = {
  [IPPROTO_HOPOPTS]: 'hop-by-hop options',
  [IPPROTO_ICMP]: 'ICMP',
  [IPPROTO_TCP]: 'TCP',
  [IPPROTO_UDP]: 'UDP',
  [IPPROTO_ROUTING]: 'routing header',
  [IPPROTO_FRAGMENT]: 'fragment',
  [IPPROTO_GRE]: 'GRE',
  [IPPROTO_ICMPV6]: 'ICMPv6',
  [IPPROTO_DSTOPTS]: 'destination options',
};

/** An IANA protocol number, or a type of IPv6 extension header, by name. */
export function ipProtocolName(protocol: number): string {
  return PROTOCOL_NAMES[protocol] ?? `protocol ${protocol}`;
}

/** The version of the packet in `buf[at, end)`; 0 where no octet is there. */
export function ipVersionAt(buf: Uint8Array, at: number, end: number): number {
  return at < end ? buf[at]! >> 4 : 0;
}
