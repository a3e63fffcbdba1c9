/**
 * Which packets an ICMP error may answer (RFC 1122 §3.2.2, RFC 1812 §4.3.2.7, RFC 4443 §2.4 e): those of one host to one host,
 * no ICMP error, no fragment but the first. RFC 4443 would allow "packet too big" for multicast; answers to that would come
 * in numbers.
 */
import { isIcmpError } from './icmp.ts';
import { IPPROTO_FRAGMENT, IPPROTO_ICMP, IPPROTO_ICMPV6 } from './ip.ts';
import { ipv4HeaderLen, ipv4ProtocolAt, isIpv4LaterFragment } from './ipv4.ts';
import { IPV6_LEN, ipv6UpperAt } from './ipv6.ts';
import { u16At, u32At } from './octets.ts';

const [V4_SRC, V4_DST] = [12, 16];
const [V6_SRC, V6_DST, V6_ADDRESS_LEN] = [8, 24, 16];
const FIRST_MULTICAST = 224;
const LOOPBACK = 127;
/** An IPv6 fragment header, and its offset. */
const FRAGMENT_LEN = 8;
const MASK_OFFSET = 0xfff8;

/** May the IPv4 packet in `buf[at, end)` be answered? Reads nothing past `end`, allocates nothing. */
export function isIpv4Answerable(buf: Uint8Array, at: number, end: number): boolean {
  const headerLen = ipv4HeaderLen(buf, at, end - at);
  if (headerLen === 0 || isIpv4LaterFragment(buf, at)) return false;
  if (!isIpv4Host(buf, at + V4_SRC) || !isIpv4Host(buf, at + V4_DST)) return false;
  if (ipv4ProtocolAt(buf, at) !== IPPROTO_ICMP) return true;
  return at + headerLen < end && !isIcmpError(buf, at + headerLen, IPPROTO_ICMP);
}

/** The same for IPv6. */
export function isIpv6Answerable(buf: Uint8Array, at: number, end: number): boolean {
  if (end - at < IPV6_LEN || buf[at]! >> 4 !== 6) return false;
  if (!isIpv6Host(buf, at + V6_SRC) || !isIpv6Host(buf, at + V6_DST)) return false;
  const fragment = ipv6UpperAt(buf, at, end, IPPROTO_FRAGMENT);
  if (fragment >= 0) return isFirstFragment(buf, fragment, end);
  const icmp = ipv6UpperAt(buf, at, end, IPPROTO_ICMPV6);
  return icmp < 0 || (icmp < end && !isIcmpError(buf, icmp, IPPROTO_ICMPV6));
}

/** Of the fragment header at `at` (RFC 8200 §4.5): the offset is 0, and no ICMP error is behind it. */
function isFirstFragment(buf: Uint8Array, at: number, end: number): boolean {
  const upper = at + FRAGMENT_LEN;
  if (upper >= end || (u16At(buf, at + 2) & MASK_OFFSET) !== 0) return false;
  return buf[at] !== IPPROTO_ICMPV6 || !isIcmpError(buf, upper, IPPROTO_ICMPV6);
}

/** Not 0.0.0.0/8, loopback, multicast, reserved or broadcast. */
function isIpv4Host(buf: Uint8Array, at: number): boolean {
  const first = buf[at]!;
  return first !== 0 && first !== LOOPBACK && first < FIRST_MULTICAST;
}

/** Not multicast, and neither `::` nor `::1`. */
function isIpv6Host(buf: Uint8Array, at: number): boolean {
  if (buf[at] === 0xff) return false;
  for (let i = at; i < at + V6_ADDRESS_LEN - 4; i++) if (buf[i] !== 0) return true;
  return u32At(buf, at + V6_ADDRESS_LEN - 4) > 1;
}
