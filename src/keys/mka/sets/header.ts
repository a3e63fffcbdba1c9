/**
 * What every parameter set of an MKPDU begins with (IEEE 802.1X-2020 11.11.1), and in which order sets lie:
 *
 *      0       1       2       3       4
 *      | type  |  set  |flags|  length | body, filled up to a multiple of 4
 *
 *     octet 1 and the upper half of octet 2 are the set's own; the length, without the filling, has 12 bits.
 */
import type { Field } from '../../../wire/field.ts';
import { u16At } from '../../../wire/octets.ts';

export const SET_HEADER_LEN = 4;
export const OFF_SET_OCTET = 1;
export const OFF_SET_FLAGS = 2;
const MASK_LEN = 0x0fff;
/** Octets that the body of a set has at most. */
export const MAX_SET_BODY_LEN: number = MASK_LEN;

/** Table 11-6. Basic has no type: it comes first, and its version is where others have the type. */
export const SetType = {
  LivePeers: 1,
  PotentialPeers: 2,
  SakUse: 3,
  DistributedSak: 4,
  DistributedCak: 5,
  Kmd: 6,
  Announcement: 7,
  Xpn: 8,
  /** Our own: no standard has it. */
  LinkControl: 240,
  IcvIndicator: 255,
} as const;

/** A set that lies whole in the MKPDU. */
export interface FoundSet {
  readonly type: number;
  /** Where its header begins. */
  readonly at: number;
  /** Octets of its body, without the filling. */
  readonly len: number;
}

/** The body length of the set whose header is at `at`. */
export function setLenAt(buf: Uint8Array, at: number): number {
  return u16At(buf, at + OFF_SET_FLAGS) & MASK_LEN;
}

/** Octets that a body of `len` has with its filling. */
export function filled(len: number): number {
  return (len + 3) & ~3;
}

/**
 * The sets in `buf[from, end)`, where the ICV begins at `end`: up to the ICV indicator, whose body is the ICV, or to
 * `end`. `overrun` is where a set begins that does not end before the ICV; null: none does.
 */
export function findSets(
  buf: Uint8Array,
  from: number,
  end: number,
): { sets: FoundSet[]; overrun: number | null } {
  const sets: FoundSet[] = [];
  let at = from;
  while (at + SET_HEADER_LEN <= end) {
    const set = { type: buf[at]!, at, len: setLenAt(buf, at) };
    const next = at + SET_HEADER_LEN + filled(set.len);
    if (set.type !== SetType.IcvIndicator && next > end) return { sets, overrun: at };
    sets.push(set);
    if (set.type === SetType.IcvIndicator) break;
    at = next;
  }
  return { sets, overrun: null };
}

/** Writes the header of a set; `octet` and `flags` (upper half) are its own. */
export function writeSetHeader(
  buf: Buffer,
  at: number,
  type: number,
  octet: number,
  flags: number,
  len: number,
): void {
  buf[at] = type;
  buf[at + OFF_SET_OCTET] = octet;
  buf.writeUInt16BE((flags << 8) | len, at + OFF_SET_FLAGS);
}

/** A set, or what lies beside them, for people. */
export interface DescribedSet {
  name: string;
  /** Where it begins in the frame, and octets with its header and filling. */
  at: number;
  len: number;
  fields: Field[];
  fault?: string;
}

export function yesOrNo(bit: boolean): string {
  return bit ? 'yes' : 'no';
}
