/**
 * The MSS clamp, a stage over a batch of clear frames, in either direction: the MSS that TCP's SYN and SYN-ACK announce is
 * lowered to what the tunnel carries, so that no host has to know of it. A segment has 20 octets of IPv4 header, or 40 of
 * IPv6, and 20 of its own; options come off by themselves (RFC 6691 §2). A frame that announces less, or nothing, stays as
 * it is, as do fragments.
 */
import type { Batch } from '../frame/batch.ts';
import { ETHERNET_LEN, ETHERTYPE_IPV4, ETHERTYPE_IPV6, OFF_ETHERTYPE } from '../wire/ethernet.ts';
import { IPPROTO_TCP } from '../wire/ip.ts';
import { IPV4_LEN, ipv4HeaderLen, ipv4ProtocolAt, ipv4TotalLenAt, isIpv4Fragment } from '../wire/ipv4.ts';
import { IPV6_LEN, ipv6NextHeaderAt, ipv6TotalLenAt, ipv6UpperAt, isIpv6Extension } from '../wire/ipv6.ts';
import { isSyn, lowerMss, TCP_LEN } from '../wire/tcp.ts';
import { isVlan, payloadAt, payloadTypeAt } from '../wire/vlan.ts';

/** The configuration's word: what the tunnel carries, nothing, or so many octets whatever it carries. */
export type MssClamp = 'auto' | false | number;

/** Lower would leave no room for data behind options (Linux: TCP_MIN_MSS). */
const LEAST_MSS = 88;
/** A SYN that announces an MSS: Ethernet, IPv4, TCP, the option. */
const LEAST_LEN = ETHERNET_LEN + IPV4_LEN + TCP_LEN + 4;

/** EtherType, version and header length of IPv4 without options: the first 3 of the 4 octets behind the addresses. */
const PLAIN_IPV4 = (ETHERTYPE_IPV4 << 8) | 0x45;

/** Over the living frames of `batch`; `mtu`: octets behind an Ethernet header that the tunnel carries. HOT PATH: allocates nothing. */
export function clampMss(batch: Batch, clamp: MssClamp, mtu: number): void {
  if (clamp === false) return;
  const { count, at, len, verdict, arena, view } = batch;
  for (let i = 0; i < count; i++) {
    if (len[i]! < LEAST_LEN) continue;
    const start = at[i]!;
    const word = view.getUint32(start + OFF_ETHERTYPE);
    // Nearly all frames end here, by one word and one octet; what that octet is where it is not TCP's is seen behind.
    if (word >>> 8 === PLAIN_IPV4) {
      if (!isSyn(arena, start + ETHERNET_LEN + IPV4_LEN)) continue;
    } else if (!mayBeSyn(arena, start, word >>> 16)) continue;
    if (verdict[i] === 0) clampFrame(arena, start, start + len[i]!, clamp, mtu);
  }
}

/** By a few octets of the frame at `at`, which has LEAST_LEN: false for nearly all that are none. HOT PATH. */
function mayBeSyn(buf: Uint8Array, at: number, etherType: number): boolean {
  if (etherType === ETHERTYPE_IPV4) return ipv4ProtocolAt(buf, at + ETHERNET_LEN) === IPPROTO_TCP;
  if (etherType !== ETHERTYPE_IPV6) return isVlan(etherType);
  const next = ipv6NextHeaderAt(buf, at + ETHERNET_LEN);
  return next === IPPROTO_TCP || isIpv6Extension(next);
}

/** The frame in `buf[at, end)`, which has LEAST_LEN octets. HOT PATH. */
function clampFrame(buf: Uint8Array, at: number, end: number, clamp: 'auto' | number, mtu: number): void {
  const ipAt = payloadAt(buf, at, end);
  if (ipAt < 0) return;
  const type = payloadTypeAt(buf, ipAt);
  const tcpAt =
    type === ETHERTYPE_IPV4
      ? tcpOverIpv4At(buf, ipAt, end)
      : type === ETHERTYPE_IPV6
        ? tcpOverIpv6At(buf, ipAt, end)
        : -1;
  if (tcpAt < 0 || tcpAt + TCP_LEN > end || !isSyn(buf, tcpAt)) return;
  const isV4 = type === ETHERTYPE_IPV4;
  // Padding of the frame is not of the segment.
  const segmentEnd = Math.min(end, ipAt + (isV4 ? ipv4TotalLenAt(buf, ipAt) : ipv6TotalLenAt(buf, ipAt)));
  if (tcpAt + TCP_LEN > segmentEnd) return;
  const tags = ipAt - at - ETHERNET_LEN;
  const fits = mtu - tags - TCP_LEN - (isV4 ? IPV4_LEN : IPV6_LEN);
  lowerMss(buf, ipAt, tcpAt, segmentEnd, clamp === 'auto' ? Math.max(fits, LEAST_MSS) : clamp);
}

/** Where TCP begins in the IPv4 packet in `buf[at, end)`, −1: nowhere. */
function tcpOverIpv4At(buf: Uint8Array, at: number, end: number): number {
  const headerLen = ipv4HeaderLen(buf, at, end - at);
  if (headerLen === 0 || ipv4ProtocolAt(buf, at) !== IPPROTO_TCP || isIpv4Fragment(buf, at)) return -1;
  return at + headerLen;
}

/** The same of an IPv6 packet. */
function tcpOverIpv6At(buf: Uint8Array, at: number, end: number): number {
  if (end - at < IPV6_LEN || buf[at]! >> 4 !== 6) return -1;
  return ipv6UpperAt(buf, at, end, IPPROTO_TCP);
}
