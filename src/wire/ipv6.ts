/**
 * The IPv6 header and the extension headers that a tunnel's packet may have (RFC 8200 §3, §4):
 *
 *      0               4               6       7       8               24              40
 *      |6 |class|flow  | payload length| next  | limit | source        | destination   |
 *
 *     an extension header, `length` in units of 8 octets beyond the first 8:
 *      0       1       2               8
 *      | next  | length| what it says  …
 *
 * Not read: what extension headers say. A fragment header is none of those that are passed over.
 */
import { type Field, hex } from './field.ts';
import { IPPROTO_DSTOPTS, IPPROTO_HOPOPTS, IPPROTO_ROUTING, ipProtocolName } from './ip.ts';
import { u16At } from './octets.ts';

export const IPV6_LEN = 40;
const OFF_PAYLOAD_LEN = 4;
const OFF_NEXT_HEADER = 6;
const OFF_HOP_LIMIT = 7;
const OFF_SRC = 8;
const OFF_DST = 24;

/** The least that an extension header has. */
const EXTENSION_UNIT = 8;

// Of the header at `at`, whose 40 octets are there.

/** Octets of header, extension headers and payload. A jumbogram (RFC 2675) says 40. */
export function ipv6TotalLenAt(buf: Uint8Array, at: number): number {
  return IPV6_LEN + u16At(buf, at + OFF_PAYLOAD_LEN);
}

export function ipv6NextHeaderAt(buf: Uint8Array, at: number): number {
  return buf[at + OFF_NEXT_HEADER]!;
}

export function formatIpv6Src(buf: Uint8Array, at: number): string {
  return formatIpv6(buf, at + OFF_SRC);
}

export function formatIpv6Dst(buf: Uint8Array, at: number): string {
  return formatIpv6(buf, at + OFF_DST);
}

/** The header at `at` for people; its 40 octets are there. */
export function describeIpv6(buf: Uint8Array, at: number): Field[] {
  const next = ipv6NextHeaderAt(buf, at);
  return [
    { name: 'source', value: formatIpv6Src(buf, at) },
    { name: 'destination', value: formatIpv6Dst(buf, at) },
    { name: 'next header', value: String(next), note: ipProtocolName(next) },
    { name: 'payload length', value: String(u16At(buf, at + OFF_PAYLOAD_LEN)) },
    { name: 'hop limit', value: String(buf[at + OFF_HOP_LIMIT]) },
    { name: 'traffic class', value: hex((u16At(buf, at) >> 4) & 0xff, 2) },
  ];
}

/** Is `next` an extension header to pass over? ip6gretap sends its encapsulation limit in destination options. */
export function isIpv6Extension(next: number): boolean {
  return next === IPPROTO_HOPOPTS || next === IPPROTO_ROUTING || next === IPPROTO_DSTOPTS;
}

/** Octets that the extension header at `at` counts for itself; 8 where the packet ends at `end` before it says. */
export function ipv6ExtensionLenAt(buf: Uint8Array, at: number, end: number): number {
  return at + 1 < end ? (buf[at + 1]! + 1) * EXTENSION_UNIT : EXTENSION_UNIT;
}

/** Extension headers that are passed over. */
const EXTENSIONS_MAX = 8;

/**
 * Where the header of `protocol` begins in the packet in `buf[at, end)`, whose 40 octets are there; −1: what is behind the
 * extension headers is something else, is not there, or is a fragment. HOT PATH: allocates nothing, reads nothing past `end`.
 */
export function ipv6UpperAt(buf: Uint8Array, at: number, end: number, protocol: number): number {
  let next = ipv6NextHeaderAt(buf, at);
  let header = at + IPV6_LEN;
  for (let passed = 0; next !== protocol; passed++) {
    if (passed === EXTENSIONS_MAX || !isIpv6Extension(next) || header + EXTENSION_UNIT > end) return -1;
    next = ipv6ExtensionNextAt(buf, header);
    header += ipv6ExtensionLenAt(buf, header, end);
  }
  return header <= end ? header : -1;
}

/** What follows the extension header at `at`, whose first octet is there. */
export function ipv6ExtensionNextAt(buf: Uint8Array, at: number): number {
  return buf[at]!;
}

/** The 16 octets at `at` in the spelling of `canonicalIpv6`. */
export function formatIpv6(buf: Uint8Array, at: number): string {
  const groups = Array.from({ length: 8 }, (_, i) => u16At(buf, at + 2 * i).toString(16));
  return canonicalIpv6(groups.join(':'));
}

/**
 * One spelling per address, that of RFC 5952 §4 but for IPv4-mapped ones, which stay in hex: `2001:DB8:0::1` is
 * `2001:db8::1`. The caller knows that `address` is one, without a scope; throws a TypeError for anything else.
 */
export function canonicalIpv6(address: string): string {
  return new URL(`http://[${address}]/`).hostname.slice(1, -1);
}
