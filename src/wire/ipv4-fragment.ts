/**
 * Fragmentation of IPv4 (RFC 791 §2.3, §3.2), as a router does it: each fragment has the packet's header with an offset of
 * its own, all but the last a multiple of 8 octets of data. Options that are not copied (RFC 791 §3.1) are overwritten with
 * "no operation" in all fragments but the first, so that all headers have one length. What is divided may be a fragment.
 */
import { checksum } from './checksum.ts';
import {
  IPV4_LEN,
  ipv4FragmentAt,
  ipv4HasDf,
  ipv4HeaderLen,
  ipv4HeaderLenAt,
  ipv4TotalLenAt,
  setIpv4Fragment,
  setIpv4TotalLen,
} from './ipv4.ts';

const UNIT = 8;
const UNIT_SHIFT = 3;
const FLAG_MF = 0x2000;
const MASK_OFFSET = 0x1fff;
const LARGEST_PACKET = 0xffff;

const OPTION_END = 0;
const OPTION_NOTHING = 1;
const OPTION_COPIED = 0x80;

/**
 * Octets of data in each fragment but the last of the packet in `buf[at, end)`, none of which shall have more than `mtu`
 * octets; 0: it may not be divided, or need not, or is not whole. HOT PATH: allocates nothing, reads nothing past `end`.
 */
export function fragmentDataLen(buf: Uint8Array, at: number, end: number, mtu: number): number {
  const headerLen = ipv4HeaderLen(buf, at, end - at);
  if (headerLen === 0 || ipv4HasDf(buf, at)) return 0;
  const totalLen = ipv4TotalLenAt(buf, at);
  if (totalLen <= mtu || totalLen > end - at) return 0;
  // A router does not repair what was broken on its way.
  if (checksum(buf, at, at + headerLen) !== 0) return 0;
  const offset = (ipv4FragmentAt(buf, at) & MASK_OFFSET) << UNIT_SHIFT;
  if (offset + totalLen > LARGEST_PACKET) return 0;
  return Math.max((mtu - headerLen) & ~(UNIT - 1), 0);
}

/**
 * Writes the fragment with up to `dataLen` octets from octet `from` of the data of the packet at `at` to `to[toAt …)`; returns
 * its length. The packet is one that `fragmentDataLen` has looked at. Allocates nothing.
 */
export function writeFragment(
  to: Buffer,
  toAt: number,
  buf: Buffer,
  at: number,
  from: number,
  dataLen: number,
): number {
  const headerLen = ipv4HeaderLenAt(buf, at);
  const left = ipv4TotalLenAt(buf, at) - headerLen - from;
  const len = Math.min(dataLen, left);
  buf.copy(to, toAt, at, at + headerLen);
  buf.copy(to, toAt + headerLen, at + headerLen + from, at + headerLen + from + len);
  if (from > 0) dropUncopiedOptions(to, toAt + IPV4_LEN, toAt + headerLen);
  const whole = ipv4FragmentAt(buf, at);
  const more = len < left ? FLAG_MF : whole & FLAG_MF;
  setIpv4Fragment(to, toAt, more | ((whole & MASK_OFFSET) + (from >> UNIT_SHIFT)));
  setIpv4TotalLen(to, toAt, headerLen + len);
  return headerLen + len;
}

/** Octets of data of the packet at `at`. */
export function ipv4DataLenAt(buf: Uint8Array, at: number): number {
  return ipv4TotalLenAt(buf, at) - ipv4HeaderLenAt(buf, at);
}

function dropUncopiedOptions(buf: Uint8Array, at: number, end: number): void {
  for (let option = at; option < end; ) {
    const kind = buf[option]!;
    if (kind === OPTION_END) return;
    const len = kind === OPTION_NOTHING ? 1 : option + 1 < end ? buf[option + 1]! : 0;
    if (len === 0 || option + len > end) return;
    if ((kind & OPTION_COPIED) === 0) buf.fill(OPTION_NOTHING, option, option + len);
    option += len;
  }
}
