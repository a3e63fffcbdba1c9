/**
 * The IPv4 header (RFC 791 §3.1):
 *
 *      0       1       2               4               6               8       9       10      12    16    20
 *      |4 |IHL | TOS   | total length  | identification| flags, offset | TTL   | proto | sum   | src | dst | options
 *
 *     flags, offset:  0x4000 DF   0x2000 MF   0x1fff offset in units of 8 octets
 *
 * On the way in the kernel has judged it before a raw socket sees it: the daemon reads only how long it is. Written
 * for sockets with IP_HDRINCL, where the kernel fills in the header checksum (`man 7 raw`).
 */
import { checksum } from './checksum.ts';
import { type Field, hex } from './field.ts';
import { IPPROTO_GRE, ipProtocolName } from './ip.ts';
import { putU16, u16At } from './octets.ts';

/** Without options. */
export const IPV4_LEN = 20;
/** With all the options that IHL can count. */
export const IPV4_LEN_MAX = 60;
const OFF_TOS = 1;
const OFF_TOTAL_LEN = 2;
const OFF_ID = 4;
const OFF_FRAGMENT = 6;
const OFF_TTL = 8;
const OFF_PROTOCOL = 9;
const OFF_CHECKSUM = 10;
const OFF_SRC = 12;
const OFF_DST = 16;

const FLAG_DF = 0x4000;
const FLAG_MF = 0x2000;
const MASK_OFFSET = 0x1fff;
const FLAGS_SHIFT = 13;

/** Octets of the IPv4 header of the packet in `buf[at, at + len)`, 0 where there is no whole one. HOT PATH. */
export function ipv4HeaderLen(buf: Uint8Array, at: number, len: number): number {
  if (len < IPV4_LEN || buf[at]! >> 4 !== 4) return 0;
  const headerLen = (buf[at]! & 0x0f) * 4;
  return headerLen >= IPV4_LEN && headerLen <= len ? headerLen : 0;
}

/** Octets that the header at `at` counts for itself, and 20 where it counts less; they need not be there. */
export function ipv4HeaderLenAt(buf: Uint8Array, at: number): number {
  return Math.max((buf[at]! & 0x0f) * 4, IPV4_LEN);
}

// Of the header at `at`, whose first 20 octets are there.

/** Octets of header and payload. */
export function ipv4TotalLenAt(buf: Uint8Array, at: number): number {
  return u16At(buf, at + OFF_TOTAL_LEN);
}

export function ipv4TosAt(buf: Uint8Array, at: number): number {
  return buf[at + OFF_TOS]!;
}

export function ipv4ProtocolAt(buf: Uint8Array, at: number): number {
  return buf[at + OFF_PROTOCOL]!;
}

export function ipv4HasDf(buf: Uint8Array, at: number): boolean {
  return (u16At(buf, at + OFF_FRAGMENT) & FLAG_DF) !== 0;
}

/** Is it a part of a packet: not its first octets, or not its last? */
export function isIpv4Fragment(buf: Uint8Array, at: number): boolean {
  return (u16At(buf, at + OFF_FRAGMENT) & (FLAG_MF | MASK_OFFSET)) !== 0;
}

/** Flags and offset. */
export function ipv4FragmentAt(buf: Uint8Array, at: number): number {
  return u16At(buf, at + OFF_FRAGMENT);
}

/** Is it a part of a packet that does not begin with the packet's first octets? */
export function isIpv4LaterFragment(buf: Uint8Array, at: number): boolean {
  return (ipv4FragmentAt(buf, at) & MASK_OFFSET) !== 0;
}

/** Sets flags and offset; the checksum is wrong until `setIpv4TotalLen`. */
export function setIpv4Fragment(buf: Uint8Array, at: number, fragment: number): void {
  putU16(buf, at + OFF_FRAGMENT, fragment);
}

/** Sets the length, and then the checksum; the header is there as far as it says. */
export function setIpv4TotalLen(buf: Uint8Array, at: number, totalLen: number): void {
  putU16(buf, at + OFF_TOTAL_LEN, totalLen);
  putU16(buf, at + OFF_CHECKSUM, 0);
  putU16(buf, at + OFF_CHECKSUM, checksum(buf, at, at + ipv4HeaderLenAt(buf, at)));
}

export function formatIpv4Src(buf: Uint8Array, at: number): string {
  return formatIpv4(buf, at + OFF_SRC);
}

export function formatIpv4Dst(buf: Uint8Array, at: number): string {
  return formatIpv4(buf, at + OFF_DST);
}

/** The header at `at` for people; its first 20 octets are there. */
export function describeIpv4(buf: Uint8Array, at: number): Field[] {
  const protocol = ipv4ProtocolAt(buf, at);
  return [
    { name: 'source', value: formatIpv4Src(buf, at) },
    { name: 'destination', value: formatIpv4Dst(buf, at) },
    { name: 'protocol', value: String(protocol), note: ipProtocolName(protocol) },
    { name: 'total length', value: String(ipv4TotalLenAt(buf, at)) },
    { name: 'TTL', value: String(buf[at + OFF_TTL]) },
    { name: 'TOS', value: hex(buf[at + OFF_TOS]!, 2) },
    { name: 'identification', value: hex(u16At(buf, at + OFF_ID), 4) },
    {
      name: 'flags',
      value: hex(u16At(buf, at + OFF_FRAGMENT) >> FLAGS_SHIFT, 1),
      note: ipv4HasDf(buf, at) ? "don't fragment" : 'may be fragmented',
    },
  ];
}

/** A header to copy from: everything but length and checksum, and the last identification. */
export function ipv4Template(
  src: Uint8Array,
  dst: Uint8Array,
  ttl: number,
  tos: number,
  df: boolean,
): Buffer {
  const header = Buffer.alloc(IPV4_LEN);
  header[0] = 0x45;
  header[OFF_TOS] = tos;
  header[OFF_FRAGMENT] = df ? FLAG_DF >> 8 : 0;
  header[OFF_TTL] = ttl;
  header[OFF_PROTOCOL] = IPPROTO_GRE;
  header.set(src, OFF_SRC);
  header.set(dst, OFF_DST);
  return header;
}

/** The same header with another type of service. */
export function withTos(template: Uint8Array, tos: number): Buffer {
  const header = Buffer.from(template);
  header[OFF_TOS] = tos;
  return header;
}

/**
 * Writes the outer header of a packet of `totalLen` octets at `at`. The identification is the template's plus 1, which
 * the template keeps, and never 0: as for the kernel's own tunnels, also with DF. HOT PATH: allocates nothing.
 */
export function writeIpv4(view: DataView, at: number, totalLen: number, template: DataView): void {
  template.setUint16(OFF_ID, (template.getUint16(OFF_ID) % 0xffff) + 1);
  view.setUint32(at, template.getUint32(0) | totalLen);
  for (let word = 4; word < IPV4_LEN; word += 4) view.setUint32(at + word, template.getUint32(word));
}

/** Sets the type of service of the header at `at`, whose checksum somebody else will make. HOT PATH. */
export function setIpv4Tos(view: DataView, at: number, tos: number): void {
  view.setUint8(at + OFF_TOS, tos);
}

/** Dotted quad to 4 octets; the config has checked the text. */
export function parseIpv4(text: string): Buffer {
  return Buffer.from(text.split('.').map(Number));
}

/** The 4 octets at `at` as a dotted quad. */
export function formatIpv4(buf: Uint8Array, at: number): string {
  return buf.subarray(at, at + 4).join('.');
}
