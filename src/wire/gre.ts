/**
 * The GRE header (RFC 2784, key and sequence number of RFC 2890), as Linux's `ip_gre` writes and reads it:
 *
 *      0               2               4               8         (each of the following only if its bit is set)
 *      |C|R|K|S|.. Ver | protocol      | checksum | 0  | key | sequence number |
 *
 * A sequence number is skipped, reserved bits are ignored (both as Linux does); routing and versions are refused.
 */
import { checksum } from './checksum.ts';
import { type Field, hex } from './field.ts';
import { u16At, u32At } from './octets.ts';

const FLAG_CHECKSUM = 0x8000;
const FLAG_ROUTING = 0x4000;
const FLAG_KEY = 0x2000;
const FLAG_SEQUENCE = 0x1000;
const MASK_VERSION = 0x0007;
/** The reserved bits of the second octet. */
const MASK_RESERVED = 0x0078;

/** In the order of the options in the header. */
const FLAG_NAMES: readonly [bit: number, name: string][] = [
  [FLAG_CHECKSUM, 'checksum'],
  [FLAG_ROUTING, 'routing'],
  [FLAG_KEY, 'key'],
  [FLAG_SEQUENCE, 'sequence number'],
];

/** Transparent Ethernet bridging: a whole Ethernet frame follows. */
export const GRE_PROTO_TEB = 0x6558;
/** Without options. */
export const GRE_LEN = 4;
/** Of checksum (with its reserved half), key and sequence number each. */
export const GRE_OPTION_LEN = 4;
const OFF_PROTOCOL = 2;

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
  return GRE_LEN + (options.checksum ? GRE_OPTION_LEN : 0) + (options.key !== null ? GRE_OPTION_LEN : 0);
}

/** Octets of the header at `at`, which `checkGre` has accepted. */
export function greHeaderLenAt(buf: Uint8Array, at: number): number {
  const flags = buf[at]! << 8;
  return (
    GRE_LEN +
    ((flags & FLAG_CHECKSUM) !== 0 ? GRE_OPTION_LEN : 0) +
    ((flags & FLAG_KEY) !== 0 ? GRE_OPTION_LEN : 0) +
    ((flags & FLAG_SEQUENCE) !== 0 ? GRE_OPTION_LEN : 0)
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
  if (key !== null && u32At(buf, at + GRE_LEN + ((flags & FLAG_CHECKSUM) !== 0 ? GRE_OPTION_LEN : 0)) !== key)
    return GreFault.Key;
  if (((flags & FLAG_CHECKSUM) !== 0) !== options.checksum) return GreFault.Checksum;
  // A sum over data that holds its own checksum is 0 (RFC 1071).
  if (options.checksum && checksum(buf, at, end) !== 0) return GreFault.Checksum;
  return GreFault.None;
}

/**
 * Has the checksum of the header at `at`, which `checkGre` refused for it alone, been left to an offload? Then the field is 0:
 * a kernel on this host (a gretap in a namespace or virtual machine beside us) has a virtual link complete it, which is
 * content to say that it could. HOT PATH: allocates nothing.
 */
export function isGreChecksumLeft(buf: Uint8Array, at: number): boolean {
  return (buf[at]! & (FLAG_CHECKSUM >> 8)) !== 0 && u16At(buf, at + GRE_LEN) === 0;
}

/** The key in the header at `at`, all of which is there; null: it has none. */
export function greKeyAt(buf: Uint8Array, at: number): number | null {
  const flags = buf[at]! << 8;
  if ((flags & FLAG_KEY) === 0) return null;
  return u32At(buf, at + GRE_LEN + ((flags & FLAG_CHECKSUM) !== 0 ? GRE_OPTION_LEN : 0));
}

/**
 * Is what is there in `buf[at, end)` of a header one that `writeGre` writes with these options? For quotes, which may end
 * anywhere behind the first 4 octets; the checksum is not looked at.
 */
export function isGreQuoteOf(buf: Uint8Array, at: number, end: number, options: GreOptions): boolean {
  if (end - at < GRE_LEN || greProtocolAt(buf, at) !== GRE_PROTO_TEB) return false;
  const { key } = options;
  if (u16At(buf, at) !== ((options.checksum ? FLAG_CHECKSUM : 0) | (key !== null ? FLAG_KEY : 0)))
    return false;
  const keyAt = at + GRE_LEN + (options.checksum ? GRE_OPTION_LEN : 0);
  return key === null || end < keyAt + GRE_OPTION_LEN || u32At(buf, keyAt) === key;
}

/** What follows the header at `at`, whose first 4 octets are there: an EtherType. */
export function greProtocolAt(buf: Uint8Array, at: number): number {
  return u16At(buf, at + OFF_PROTOCOL);
}

/** Are the octets in `buf[at, end)` most likely what a gretap sends? For packets of which nothing else is known. */
export function looksLikeGretap(buf: Uint8Array, at: number, end: number): boolean {
  if (end - at < GRE_LEN || greProtocolAt(buf, at) !== GRE_PROTO_TEB) return false;
  return (u16At(buf, at) & (MASK_RESERVED | MASK_VERSION)) === 0;
}

/** The header at `at` for people; all of its `greHeaderLenAt` octets are there. */
export function describeGre(buf: Uint8Array, at: number): Field[] {
  const [flags, protocol] = [u16At(buf, at), greProtocolAt(buf, at)];
  return [
    { name: 'flags', value: hex(flags, 4), note: flagsNote(flags) },
    {
      name: 'protocol',
      value: hex(protocol, 4),
      note: protocol === GRE_PROTO_TEB ? 'transparent Ethernet bridging' : 'not a gretap',
    },
    ...describeOptions(buf, at + GRE_LEN, flags),
  ];
}

function flagsNote(flags: number): string {
  const set = FLAG_NAMES.filter(([bit]) => (flags & bit) !== 0).map(([, name]) => name);
  const note = set.join(', ') || 'no options';
  const version = flags & MASK_VERSION;
  return version === 0 ? note : `${note}; version ${version}`;
}

/** The options that `flags` announces, from `at` on. */
function describeOptions(buf: Uint8Array, at: number, flags: number): Field[] {
  const fields: Field[] = [];
  let next = at;
  for (const [bit, name] of FLAG_NAMES) {
    if (bit === FLAG_ROUTING || (flags & bit) === 0) continue;
    fields.push({ name, value: bit === FLAG_CHECKSUM ? hex(u16At(buf, next), 4) : String(u32At(buf, next)) });
    next += GRE_OPTION_LEN;
  }
  return fields;
}
