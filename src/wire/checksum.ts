/** The Internet checksum (RFC 1071): the ones' complement of the ones' complement sum of 16-bit words. */

/** Over `buf[at, end)`; an odd last octet is padded with 0. HOT PATH: allocates nothing. */
export function checksum(buf: Uint8Array, at: number, end: number): number {
  // 64 KiB of 0xffff words sum to less than 2^31: the carries can wait until the end.
  let sum = 0;
  let i = at;
  for (; i + 1 < end; i += 2) sum += (buf[i]! << 8) | buf[i + 1]!;
  if (i < end) sum += buf[i]! << 8;
  sum = (sum >>> 16) + (sum & 0xffff);
  sum = (sum >>> 16) + (sum & 0xffff);
  return ~sum & 0xffff;
}
