/**
 * The ICMP error that says a packet was too big for the next link: ICMP type 3 code 4 (RFC 792, its MTU RFC 1191 §4)
 * and ICMPv6 type 2 (RFC 4443 §3.2). It quotes the packet, or as much of it as fits:
 *
 *                      0       1       2               4       5       6               8
 *     ICMP             | 3     | 4     | checksum      | 0     | length| MTU           | the packet's first octets …
 *     ICMPv6           | 2     | 0     | checksum      | MTU                           | the packet's first octets …
 *
 * Nothing here is authentic, the quoted packet least of all. Not read: other messages, and what RFC 4884 puts behind
 * the quoted packet.
 */
import { checksum } from './checksum.ts';
import { type Field, hex } from './field.ts';
import { IPPROTO_ICMP, IPPROTO_ICMPV6 } from './ip.ts';
import { putU16, u16At, u32At } from './octets.ts';
import { pseudoSum } from './pseudo-header.ts';

/** In front of the quoted packet. */
export const TOO_BIG_LEN = 8;
const OFF_CODE = 1;
const OFF_CHECKSUM = 2;
const OFF_MTU_V6 = 4;
const OFF_QUOTED_WORDS = 5;
const OFF_MTU_V4 = 6;

const ICMP_UNREACHABLE = 3;
const ICMP_FRAG_NEEDED = 4;
const ICMPV6_TOO_BIG = 2;
const ICMPV6_FIRST_INFORMATIONAL = 128;
const ICMPV6_REDIRECT = 137;
/** Unreachable, source quench, redirect, time exceeded, parameter problem (RFC 1122 §3.2.2). */
const ICMP_ERRORS: readonly number[] = [ICMP_UNREACHABLE, 4, 5, 11, 12];

/** Does the message of `protocol` (ICMP, ICMPv6) in `buf[at, end)` say that a packet was too big? */
export function isTooBig(buf: Uint8Array, at: number, end: number, protocol: number): boolean {
  if (end - at < TOO_BIG_LEN) return false;
  if (protocol === IPPROTO_ICMPV6) return buf[at] === ICMPV6_TOO_BIG;
  return protocol === IPPROTO_ICMP && buf[at] === ICMP_UNREACHABLE && buf[at + OFF_CODE] === ICMP_FRAG_NEEDED;
}

// Of the message at `at` that `isTooBig` has found.

/** The MTU of the next link; 0: an old router, which names none. */
export function tooBigMtuAt(buf: Uint8Array, at: number): number {
  return isV6(buf, at) ? u32At(buf, at + OFF_MTU_V6) : u16At(buf, at + OFF_MTU_V4);
}

/** One past the last octet of the quoted packet, which begins behind the 8 octets; `end` is that of the message. */
export function quotedEnd(buf: Uint8Array, at: number, end: number): number {
  const words = isV6(buf, at) ? 0 : buf[at + OFF_QUOTED_WORDS]!;
  // 0: it fills the message. RFC 4884 §5.1 counts it in words where something follows.
  return words === 0 ? end : Math.min(at + TOO_BIG_LEN + 4 * words, end);
}

/**
 * Writes the message of `protocol` at `at`, about the packet that is quoted behind its 8 octets up to `end`, in the packet
 * whose IP header stands at `ipAt`: the next link has `mtu`. Allocates nothing.
 */
export function writeTooBig(
  buf: Uint8Array,
  ipAt: number,
  at: number,
  end: number,
  protocol: number,
  mtu: number,
): void {
  buf.fill(0, at, at + TOO_BIG_LEN);
  if (protocol === IPPROTO_ICMPV6) {
    buf[at] = ICMPV6_TOO_BIG;
    putU16(buf, at + OFF_MTU_V6 + 2, mtu);
    putU16(buf, at + OFF_CHECKSUM, checksum(buf, at, end, pseudoSum(buf, ipAt, protocol, end - at)));
    return;
  }
  buf[at] = ICMP_UNREACHABLE;
  buf[at + OFF_CODE] = ICMP_FRAG_NEEDED;
  putU16(buf, at + OFF_MTU_V4, mtu);
  putU16(buf, at + OFF_CHECKSUM, checksum(buf, at, end));
}

/**
 * Is the message at `at`, whose first octet is there, an error? No error answers one (RFC 1122 §3.2.2, RFC 4443 §2.4 e). Of
 * ICMPv6 a redirect counts too.
 */
export function isIcmpError(buf: Uint8Array, at: number, protocol: number): boolean {
  const type = buf[at]!;
  if (protocol === IPPROTO_ICMPV6) return type < ICMPV6_FIRST_INFORMATIONAL || type === ICMPV6_REDIRECT;
  return ICMP_ERRORS.includes(type);
}

/** The message at `at` for people. */
export function describeTooBig(buf: Uint8Array, at: number): Field[] {
  const [v6, mtu] = [isV6(buf, at), tooBigMtuAt(buf, at)];
  const note = mtu === 0 ? 'the router does not name it' : 'of the link that the packet is too big for';
  return [
    { name: 'type', value: String(buf[at]), note: v6 ? 'packet too big' : 'destination unreachable' },
    v6
      ? { name: 'code', value: String(buf[at + OFF_CODE]) }
      : { name: 'code', value: String(buf[at + OFF_CODE]), note: 'fragmentation needed' },
    { name: 'checksum', value: hex(u16At(buf, at + OFF_CHECKSUM), 4) },
    { name: 'MTU', value: String(mtu), note },
  ];
}

/** The types of the two differ. */
function isV6(buf: Uint8Array, at: number): boolean {
  return buf[at] === ICMPV6_TOO_BIG;
}
