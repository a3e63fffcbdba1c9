/** Octets of an MKPDU as hex digits: identifiers are compared and kept as text. */

/** Octets that people are shown. */
const MAX_SHOWN_LEN = 64;

/** The octets of `buf[at, at + len)`, copied. */
export function hexAt(buf: Uint8Array, at: number, len: number): string {
  return Buffer.from(buf.buffer, buf.byteOffset + at, len).toString('hex');
}

/** The same for people, who see the first of many. */
export function hexShown(buf: Uint8Array, at: number, len: number): string {
  const shown = hexAt(buf, at, Math.min(len, MAX_SHOWN_LEN));
  return len > MAX_SHOWN_LEN ? `${shown}…` : shown;
}
