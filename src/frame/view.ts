/**
 * Words in network order: read from octets, and a DataView to write the SecTAG, the IV, the addresses and the outer
 * header through. Octet by octet the header took two to three times as long (`npm run bench -- --part micro`,
 * `writeIpv4`).
 */

/** The word of 32 bits at `at`, unsigned. HOT PATH: allocates nothing. */
export function u32At(buf: Uint8Array, at: number): number {
  return ((buf[at]! << 24) | (buf[at + 1]! << 16) | (buf[at + 2]! << 8) | buf[at + 3]!) >>> 0;
}

/** The octets of `buf` as a view. */
export function viewOf(buf: Uint8Array): DataView {
  return new DataView(buf.buffer, buf.byteOffset, buf.byteLength);
}
