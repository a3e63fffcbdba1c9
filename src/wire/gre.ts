/**
 * The GRE header (RFC 2784, key and sequence number of RFC 2890), as Linux's `ip_gre` writes and reads it:
 *
 *      0               2               4               8         (each of the following only if its bit is set)
 *      |C|R|K|S|.. Ver | protocol      | checksum | 0  | key | sequence number |
 *
 * A sequence number is skipped, reserved bits are ignored (both as Linux does); routing and versions are refused.
 */
import { checksum } from './checksum.ts';

const FLAG_CHECKSUM = 0x8000;
const FLAG_ROUTING = 0x4000;
const FLAG_KEY = 0x2000;
const FLAG_SEQUENCE = 0x1000;
const MASK_VERSION = 0x0007;

/** Transparent Ethernet bridging: a whole Ethernet frame follows. */
export const GRE_PROTO_TEB = 0x6558;
/** Without options. */
export const GRE_LEN = 4;
/** Octets of each option: checksum, key, sequence number. */
export const GRE_OPTION_LEN = 4;

/** What both ends agreed on; `key` null: none. */
export interface GreOptions {
  readonly key: number | null;
  readonly checksum: boolean;
}

/** Why `checkGre` refused a packet; `None`: it did not. */
export const GreFault = { None: 0, Short: 1, Flags: 2, Proto: 3, Key: 4, Checksum: 5 } as const;
export type GreFault = (typeof GreFault)[keyof typeof GreFault];

/** Octets of the header that `writeGre` writes. */
export function greHeaderLen(options: GreOptions): number {
  return GRE_LEN + (options.checksum ? 4 : 0) + (options.key !== null ? 4 : 0);
}

/** Octets of the header at `at`, which `checkGre` has accepted. */
export function greHeaderLenAt(buf: Uint8Array, at: number): number {
  const flags = buf[at]! << 8;
  return (
    GRE_LEN +
    ((flags & FLAG_CHECKSUM) !== 0 ? 4 : 0) +
    ((flags & FLAG_KEY) !== 0 ? 4 : 0) +
    ((flags & FLAG_SEQUENCE) !== 0 ? 4 : 0)
  );
}

/** Writes the header at `at`; the payload that it covers ends at `end`. HOT PATH: allocates nothing. */
export function writeGre(buf: Uint8Array, at: number, end: number, options: GreOptions): void {
  const { key } = options;
  buf[at] = ((options.checksum ? FLAG_CHECKSUM : 0) | (key !== null ? FLAG_KEY : 0)) >> 8;
  buf[at + 1] = 0;
  buf[at + 2] = GRE_PROTO_TEB >> 8;
  buf[at + 3] = GRE_PROTO_TEB & 0xff;
  let next = at + GRE_LEN;
  if (options.checksum) {
    buf.fill(0, next, next + 4);
    next += 4;
  }
  if (key !== null) {
    buf[next] = key >>> 24;
    buf[next + 1] = key >>> 16;
    buf[next + 2] = key >>> 8;
    buf[next + 3] = key;
  }
  if (!options.checksum) return;
  const sum = checksum(buf, at, end);
  buf[at + GRE_LEN] = sum >> 8;
  buf[at + GRE_LEN + 1] = sum;
}

/**
 * Checks the header of the packet in `buf[at, end)` against what the tunnel expects: key and checksum must both be
 * there or both be absent. HOT PATH: allocates nothing, never throws, reads nothing past `end`.
 */
export function checkGre(buf: Uint8Array, at: number, end: number, options: GreOptions): GreFault {
  if (end - at < GRE_LEN) return GreFault.Short;
  const flags = (buf[at]! << 8) | buf[at + 1]!;
  if ((flags & (FLAG_ROUTING | MASK_VERSION)) !== 0) return GreFault.Flags;
  if (((buf[at + 2]! << 8) | buf[at + 3]!) !== GRE_PROTO_TEB) return GreFault.Proto;
  if (end - at < greHeaderLenAt(buf, at)) return GreFault.Short;
  const { key } = options;
  if (((flags & FLAG_KEY) !== 0) !== (key !== null)) return GreFault.Key;
  if (key !== null && greKeyAt(buf, at + GRE_LEN + ((flags & FLAG_CHECKSUM) !== 0 ? 4 : 0)) !== key)
    return GreFault.Key;
  if (((flags & FLAG_CHECKSUM) !== 0) !== options.checksum) return GreFault.Checksum;
  // A sum over data that holds its own checksum is 0 (RFC 1071).
  if (options.checksum && checksum(buf, at, end) !== 0) return GreFault.Checksum;
  return GreFault.None;
}

function greKeyAt(buf: Uint8Array, at: number): number {
  return ((buf[at]! << 24) | (buf[at + 1]! << 16) | (buf[at + 2]! << 8) | buf[at + 3]!) >>> 0;
}
