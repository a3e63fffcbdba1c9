/**
 * The IP header of an answer to a packet that did not go on: from the address that the packet was sent to, to the one it came
 * from, without options. RFC 791 §3.1, RFC 8200 §3.
 */
import { IPPROTO_ICMP, IPPROTO_ICMPV6 } from './ip.ts';
import { IPV4_LEN, setIpv4TotalLen } from './ipv4.ts';
import { IPV6_LEN } from './ipv6.ts';
import { putU16 } from './octets.ts';

/** Internetwork control (RFC 1812 §4.3.2.5). */
const TOS_CONTROL = 0xc0;
const HOPS = 64;
const DF = 0x40;
const [V4_SRC, V4_DST, V4_ADDRESS_LEN] = [12, 16, 4];
const [V6_SRC, V6_DST, V6_ADDRESS_LEN] = [8, 24, 16];

/** Writes at `to[at …)` the header of an ICMP message of `messageLen` octets about the packet at `packet[packetAt …)`. Allocates nothing. */
export function writeIpv4Answer(
  to: Buffer,
  at: number,
  messageLen: number,
  packet: Buffer,
  packetAt: number,
): void {
  to.fill(0, at, at + IPV4_LEN);
  to[at] = 0x45;
  to[at + 1] = TOS_CONTROL;
  to[at + 6] = DF;
  to[at + 8] = HOPS;
  to[at + 9] = IPPROTO_ICMP;
  packet.copy(to, at + V4_SRC, packetAt + V4_DST, packetAt + V4_DST + V4_ADDRESS_LEN);
  packet.copy(to, at + V4_DST, packetAt + V4_SRC, packetAt + V4_SRC + V4_ADDRESS_LEN);
  setIpv4TotalLen(to, at, IPV4_LEN + messageLen);
}

/** The same for IPv6. */
export function writeIpv6Answer(
  to: Buffer,
  at: number,
  messageLen: number,
  packet: Buffer,
  packetAt: number,
): void {
  to.fill(0, at, at + IPV6_LEN);
  to[at] = 0x60;
  putU16(to, at + 4, messageLen);
  to[at + 6] = IPPROTO_ICMPV6;
  to[at + 7] = HOPS;
  packet.copy(to, at + V6_SRC, packetAt + V6_DST, packetAt + V6_DST + V6_ADDRESS_LEN);
  packet.copy(to, at + V6_DST, packetAt + V6_SRC, packetAt + V6_SRC + V6_ADDRESS_LEN);
}
