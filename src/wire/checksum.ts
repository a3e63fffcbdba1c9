/** The Internet checksum (RFC 1071): the ones' complement of the ones' complement sum of 16-bit words. */

/**
 * Over `buf[at, end)`; an odd last octet is padded with 0. `before`: the sum of what is not there, such as a pseudo
 * header. HOT PATH: allocates nothing.
 */
export function checksum(buf: Uint8Array, at: number, end: number, before = 0): number {
  // 64 KiB of 0xffff words sum to less than 2^31: the carries can wait until the end.
  let sum = before;
  let i = at;
  for (; i + 1 < end; i += 2) sum += (buf[i]! << 8) | buf[i + 1]!;
  if (i < end) sum += buf[i]! << 8;
  sum = (sum >>> 16) + (sum & 0xffff);
  sum = (sum >>> 16) + (sum & 0xffff);
  return ~sum & 0xffff;
}

/** What `sum` becomes when one of the 16-bit words that it covers changes from `was` to `is` (RFC 1624 §3, equation 3). */
export function adjustedChecksum(sum: number, was: number, is: number): number {
  let next = (~sum & 0xffff) + (~was & 0xffff) + is;
  next = (next >>> 16) + (next & 0xffff);
  next = (next >>> 16) + (next & 0xffff);
  return ~next & 0xffff;
}
