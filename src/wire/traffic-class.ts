/**
 * The octet that IPv4 calls type of service and IPv6 traffic class: the Differentiated Services codepoint (RFC 2474) and the
 * Explicit Congestion Notification field (RFC 3168 §5):
 *
 *     0           6     8
 *     | DSCP      | ECN |      ECN: 00 Not-ECT   01 ECT(1)   10 ECT(0)   11 CE, congestion experienced
 *
 * It lies in the first 16 bits of either header: behind version and length in IPv4's, behind the version in IPv6's. And what
 * becomes of the ECN field where a tunnel ends (RFC 6040 §4.2).
 */
import { adjustedChecksum } from './checksum.ts';
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from './ethernet.ts';
import { IPV4_LEN } from './ipv4.ts';
import { IPV6_LEN } from './ipv6.ts';
import { putU16, u16At } from './octets.ts';
import { payloadAt, payloadTypeAt } from './vlan.ts';

const ECN_MASK = 0x03;
const OFF_IPV4_CHECKSUM = 10;
/** Where the octet ends in the first 16 bits of an IPv6 header. */
const IPV6_SHIFT = 4;

/** The table's word for a packet that must be dropped. */
const REFUSED = 4;

/**
 * RFC 6040 figure 4: the ECN field that the inner packet leaves with, by 4 × the one that it came with + the outer one. Only
 * a packet whose sender understands no mark, and that the path has marked all the same, is refused.
 */
const DECAPSULATED: Uint8Array = Uint8Array.from([
  // outer: Not-ECT, ECT(1), ECT(0), CE
  ...[0, 0, 0, REFUSED], // inner Not-ECT
  ...[1, 1, 1, 3], // inner ECT(1)
  ...[2, 1, 2, 3], // inner ECT(0)
  ...[3, 3, 3, 3], // inner CE
]);

/** Where a whole IP header begins in the frame in `buf[at, end)`, behind two VLAN tags at most; −1: it carries none. */
function ipHeaderAt(buf: Uint8Array, at: number, end: number): number {
  const ipAt = payloadAt(buf, at, end);
  if (ipAt < 0) return -1;
  const type = payloadTypeAt(buf, ipAt);
  if (type === ETHERTYPE_IPV4) return ipAt + IPV4_LEN <= end && buf[ipAt]! >> 4 === 4 ? ipAt : -1;
  if (type === ETHERTYPE_IPV6) return ipAt + IPV6_LEN <= end && buf[ipAt]! >> 4 === 6 ? ipAt : -1;
  return -1;
}

/** The octet of the IP packet that the frame in `buf[at, end)` carries; 0: it carries none. HOT PATH: allocates nothing. */
export function trafficClassAt(buf: Uint8Array, at: number, end: number): number {
  const ipAt = ipHeaderAt(buf, at, end);
  if (ipAt < 0) return 0;
  return buf[ipAt]! >> 4 === 4 ? buf[ipAt + 1]! : (u16At(buf, ipAt) >> IPV6_SHIFT) & 0xff;
}

/**
 * The packet in the frame in `buf[at, end)` came out of one whose octet was `outer`: it gets the ECN field that it leaves
 * with, and its IPv4 checksum is corrected. Its DSCP stays as it is (RFC 2983, the pipe model). False: it must be dropped. A
 * frame without IP packet stays as it is. HOT PATH: allocates nothing.
 */
export function decapsulateEcn(buf: Uint8Array, at: number, end: number, outer: number): boolean {
  const outerEcn = outer & ECN_MASK;
  // Nothing to tell: nearly all packets.
  if (outerEcn === 0) return true;
  const ipAt = ipHeaderAt(buf, at, end);
  if (ipAt < 0) return true;
  const isV4 = buf[ipAt]! >> 4 === 4;
  const was = u16At(buf, ipAt);
  const shift = isV4 ? 0 : IPV6_SHIFT;
  const ecn = DECAPSULATED[((was >> shift) & ECN_MASK) * 4 + outerEcn]!;
  if (ecn === REFUSED) return false;
  const is = (was & ~(ECN_MASK << shift)) | (ecn << shift);
  if (is === was) return true;
  putU16(buf, ipAt, is);
  if (isV4)
    putU16(buf, ipAt + OFF_IPV4_CHECKSUM, adjustedChecksum(u16At(buf, ipAt + OFF_IPV4_CHECKSUM), was, is));
  return true;
}
