/** Octets of an MKPDU as hex digits, and back: identifiers are compared and kept as text. */

/** The octets of `buf[at, at + len)`, copied. */
export function hexAt(buf: Uint8Array, at: number, len: number): string {
  return Buffer.from(buf.buffer, buf.byteOffset + at, len).toString('hex');
}
