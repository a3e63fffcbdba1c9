/**
 * Messages of rtnetlink (man 7 rtnetlink, man 7 netlink) about a link, in the byte order of this host:
 *
 *      0       4       6       8       12      16
 *      | length| type  | flags | seq   | pid   |                          nlmsghdr
 *      16      18      20      24      28      32
 *      |fam|pad| type  | index | flags | change|                          ifinfomsg
 *      32 …    each on a border of 4:
 *      | length| type  | payload …                                        attributes, which may hold attributes
 */
import { endianness } from 'node:os';
import { loadAddon } from '../native/load.ts';

/** What is asked of a link. */
export const LinkRequest = { Delete: 17, Get: 18, Set: 19 } as const;
export type LinkRequest = (typeof LinkRequest)[keyof typeof LinkRequest];

export const AF_UNSPEC = 0;
export const AF_BRIDGE = 7;

/** Octets before the attributes of an answer about the counters of a link: nlmsghdr, if_stats_msg. */
export const STATS_HEAD_LEN = 28;
const RTM_GETSTATS = 94;
const LINK_LEN = 32;
const ATTRIBUTE_LEN = 4;
const NLM_F_REQUEST = 1;
const NLM_F_ACK = 4;
const NESTED = 0x8000;
/** The two uppermost bits of an attribute's type say how it is written. */
const TYPE_MASK = 0x3fff;
const LITTLE: boolean = endianness() === 'LE';

export interface Attribute {
  readonly type: number;
  readonly payload: Buffer;
}

export function u8(type: number, value: number): Attribute {
  return { type, payload: Buffer.of(value) };
}

export function u16s(type: number, ...values: number[]): Attribute {
  const payload = Buffer.alloc(values.length * 2);
  values.forEach((value, i) => {
    if (LITTLE) payload.writeUInt16LE(value, i * 2);
    else payload.writeUInt16BE(value, i * 2);
  });
  return { type, payload };
}

export function u32(type: number, value: number): Attribute {
  const payload = Buffer.alloc(4);
  if (LITTLE) payload.writeUInt32LE(value);
  else payload.writeUInt32BE(value);
  return { type, payload };
}

export function nested(type: number, attributes: readonly Attribute[]): Attribute {
  return { type: type | NESTED, payload: Buffer.concat(attributes.map(octetsOf)) };
}

/** A request about the link `index`. */
export function linkRequest(
  kind: LinkRequest,
  family: number,
  index: number,
  attributes: readonly Attribute[],
): Buffer {
  const head = Buffer.alloc(LINK_LEN);
  const body = Buffer.concat(attributes.map(octetsOf));
  const flags = NLM_F_REQUEST | (kind === LinkRequest.Get ? 0 : NLM_F_ACK);
  u32(0, LINK_LEN + body.length).payload.copy(head, 0);
  u16s(0, kind, flags).payload.copy(head, 4);
  head[16] = family;
  u32(0, index).payload.copy(head, 20);
  return Buffer.concat([head, body]);
}

/** Asks for those counters of the link `index` whose IFLA_STATS_… is `kind`. */
export function linkStatsRequest(index: number, kind: number): Buffer {
  const request = Buffer.alloc(STATS_HEAD_LEN);
  u32(0, STATS_HEAD_LEN).payload.copy(request, 0);
  u16s(0, RTM_GETSTATS, NLM_F_REQUEST).payload.copy(request, 4);
  u32(0, index).payload.copy(request, 20);
  u32(0, 1 << (kind - 1)).payload.copy(request, 24);
  return request;
}

/** The attributes of an answer about a link. What does not fit is left out. */
export function linkAttributes(answer: Buffer): Map<number, Buffer> {
  return attributesIn(answer.subarray(LINK_LEN));
}

export function attributesIn(octets: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = 0; at + ATTRIBUTE_LEN <= octets.length; ) {
    const len = u16In(octets, at);
    if (len < ATTRIBUTE_LEN || at + len > octets.length) break;
    found.set(u16In(octets, at + 2) & TYPE_MASK, octets.subarray(at + ATTRIBUTE_LEN, at + len));
    at += padded(len);
  }
  return found;
}

/** 0 where it has not 2 octets. */
export function u16In(octets: Buffer | undefined, at = 0): number {
  if (octets === undefined || octets.length < at + 2) return 0;
  return LITTLE ? octets.readUInt16LE(at) : octets.readUInt16BE(at);
}

/** 0 where it has not 4 octets. */
export function u32In(octets: Buffer | undefined): number {
  if (octets === undefined || octets.length < 4) return 0;
  return LITTLE ? octets.readUInt32LE() : octets.readUInt32BE();
}

/** Null where it has not 8 octets there. */
export function u64In(octets: Buffer | undefined, at: number): number | null {
  if (octets === undefined || octets.length < at + 8) return null;
  return Number(LITTLE ? octets.readBigUInt64LE(at) : octets.readBigUInt64BE(at));
}

/** Asks the kernel; `what` is said in the error. Throws SystemError where it refuses. */
export function askLink(request: Buffer, what: string): Buffer {
  return loadAddon().rtnetlink(request, what);
}

function octetsOf({ type, payload }: Attribute): Buffer {
  const octets = Buffer.alloc(padded(ATTRIBUTE_LEN + payload.length));
  u16s(0, ATTRIBUTE_LEN + payload.length, type).payload.copy(octets);
  payload.copy(octets, ATTRIBUTE_LEN);
  return octets;
}

function padded(len: number): number {
  return (len + 3) & ~3;
}
