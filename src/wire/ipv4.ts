/**
 * The outer IPv4 header (RFC 791). Read: only how long it is, since the kernel has judged the rest before a raw
 * socket sees it. Written for sockets with IP_HDRINCL, where the kernel fills in the header checksum
 * (`man 7 raw`).
 *
 *      0       1       2               4               6               8       9       10      12    16    20
 *      |4 |IHL | TOS   | total length  | identification| DF | offset   | TTL   | proto | sum   | src | dst |
 */

export const IPV4_LEN = 20;
/** With all the options that IHL can count. */
export const IPV4_LEN_MAX = 60;
export const IPPROTO_GRE = 47;
const OFF_ID = 4;
const FLAG_DF = 0x40;

/** Octets of the IPv4 header of the packet in `buf[at, at + len)`, 0 where there is no whole one. HOT PATH. */
export function ipv4HeaderLen(buf: Uint8Array, at: number, len: number): number {
  if (len < IPV4_LEN || buf[at]! >> 4 !== 4) return 0;
  const headerLen = (buf[at]! & 0x0f) * 4;
  return headerLen >= IPV4_LEN && headerLen <= len ? headerLen : 0;
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
  header[1] = tos;
  header[6] = df ? FLAG_DF : 0;
  header[8] = ttl;
  header[9] = IPPROTO_GRE;
  header.set(src, 12);
  header.set(dst, 16);
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

/** Dotted quad to 4 octets; the config has checked the text. */
export function parseIpv4(text: string): Buffer {
  return Buffer.from(text.split('.').map(Number));
}
