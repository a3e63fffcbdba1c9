/**
 * A DataView over octets, whose words are in network order: what the SecTAG, the IV, the addresses and the outer
 * header are written through. Octet by octet the header took two to three times as long (`npm run bench -- --part micro`,
 * `writeIpv4`).
 */

/** The octets of `buf` as a view. */
export function viewOf(buf: Uint8Array): DataView {
  return new DataView(buf.buffer, buf.byteOffset, buf.byteLength);
}
