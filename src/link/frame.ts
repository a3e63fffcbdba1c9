/**
 * The control frame of two l2vpnd (docs/protocol.md), as a whole Ethernet frame:
 *
 *      0                       6                       12      14
 *      | destination           | source                | 88B5  |
 *     14              18      19      20              22
 *      | "l2vp"        |version| kind  | body length   | SCI of the sender 8
 *     30                      38
 *      | key name 8            | member identifier 12  | message number 4
 *     54                                              70
 *      | the peer's member identifier 12, its number 4 | frame length 4
 *     74
 *      | body, filled up to a multiple of 4 | ICV 16 | padding …
 *
 * The frame length counts from the destination to the end of the padding. ICV: AES-CMAC over all before it. Padding has
 * none: nobody reads it, and its length is covered, so that who receives a frame of any length has to keep no more of
 * it than MAX_CONTROL_LEN octets, and how long it was.
 *
 * Octets only: whose key it is and what follows is told by `link-control.ts`. Nothing here throws for what came, reads
 * beyond it, or keeps any of it.
 */
import { type KeyObject, timingSafeEqual } from 'node:crypto';
import { CMAC_LEN, Cmac } from '../crypto/cmac.ts';
import {
  ETHERNET_LEN,
  ETHERTYPE_LINK_CONTROL,
  etherTypeAt,
  OFF_ETHERTYPE,
  OFF_SRC_MAC,
} from '../wire/ethernet.ts';
import { type Field, hex } from '../wire/field.ts';
import { u16At, u32At } from '../wire/octets.ts';
import { formatSci, SCI_LEN } from '../wire/sci.ts';
import type { LinkRefusal } from './refusal.ts';

/** "l2vp": others may use the EtherType too. */
export const PROTOCOL = 0x6c327670;
export const LINK_VERSION = 1;
const OFF_PROTOCOL: number = ETHERNET_LEN;
const OFF_VERSION: number = OFF_PROTOCOL + 4;
const OFF_KIND: number = OFF_VERSION + 1;
const OFF_BODY_LEN: number = OFF_KIND + 1;
export const OFF_LINK_SCI: number = OFF_BODY_LEN + 2;
/** Where the key name is: what tells the peer's frames from others, as long as nobody has seen one. */
export const OFF_KEY_NAME: number = OFF_LINK_SCI + SCI_LEN;
export const KEY_NAME_LEN = 8;
const OFF_MI: number = OFF_KEY_NAME + KEY_NAME_LEN;
export const MI_LEN = 12;
const OFF_MN: number = OFF_MI + MI_LEN;
const OFF_PEER_MI: number = OFF_MN + 4;
const OFF_PEER_MN: number = OFF_PEER_MI + MI_LEN;
const OFF_FRAME_LEN: number = OFF_PEER_MN + 4;
const OFF_BODY: number = OFF_FRAME_LEN + 4;
/** The shortest control frame. */
export const LEAST_CONTROL_LEN: number = OFF_BODY + CMAC_LEN;
/** From here on a control frame is padding: what of it a receiver keeps. */
export const MAX_CONTROL_LEN = 1024;

/** A group address that no bridge hands on (802.1Q table 8-1): of the stations at the two ends of a link. */
const NEAREST_BRIDGE_MAC = Uint8Array.of(0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e);
const NOBODY: string = '00'.repeat(MI_LEN);

/** What a control frame is for. Others may follow: an authentic one of another kind is a sign of life and no more. */
export const LinkKind = { Hello: 1, Probe: 2, ProbeAnswer: 3, Leave: 4 } as const;
const KIND_NAMES: readonly string[] = ['', 'hello', 'probe', 'probe answer', 'leave'];

/** What ICVs of control frames are made with, and how both ends call it: 16 hex digits. */
export interface LinkKey {
  readonly name: string;
  readonly icvKey: KeyObject;
}

/** A message of a member. */
export interface Message {
  /** 24 hex digits: random, of one run of a daemon. */
  readonly mi: string;
  /** 1 – 2^32−1. */
  readonly mn: number;
}

/** A control frame, without its ICV. */
export interface ControlFrame extends Message {
  readonly kind: number;
  /** Of the sender, 16 hex digits. */
  readonly sci: string;
  /** The last message that the sender has had from its peer; null: none. */
  readonly heard: Message | null;
  readonly body: Uint8Array;
}

/** A control frame whose ICV nobody has checked. */
export interface UncheckedFrame {
  /** 16 hex digits. */
  readonly keyName: string;
  readonly icvAt: number;
  /** As sent, and as it came. */
  readonly sentLen: number;
  readonly cameLen: number;
}

/** Finds the control frame that `frame` begins with; it came `cameLen` octets long, of which `frame` may be the first ones. */
export function peekControlFrame(frame: Uint8Array, cameLen: number): UncheckedFrame | LinkRefusal {
  if (frame.length < LEAST_CONTROL_LEN) return 'TooShort';
  if (etherTypeAt(frame, 0) !== ETHERTYPE_LINK_CONTROL) return 'NotOurs';
  if (u32At(frame, OFF_PROTOCOL) !== PROTOCOL) return 'NotOurs';
  if (frame[OFF_VERSION] !== LINK_VERSION) return 'Version';
  const icvAt = OFF_BODY + filled(u16At(frame, OFF_BODY_LEN));
  if (icvAt + CMAC_LEN > frame.length) return 'TooShort';
  const keyName = hexOf(frame, OFF_KEY_NAME, KEY_NAME_LEN);
  return { keyName, icvAt, sentLen: u32At(frame, OFF_FRAME_LEN), cameLen };
}

/** What the frame that `peekControlFrame` found says; `icvKey` is that of its key name. */
export function readControlFrame(
  frame: Uint8Array,
  found: UncheckedFrame,
  icvKey: KeyObject,
): ControlFrame | LinkRefusal {
  const { icvAt, sentLen, cameLen } = found;
  const icv = icvOf(icvKey, frame.subarray(0, icvAt));
  if (!timingSafeEqual(icv, frame.subarray(icvAt, icvAt + CMAC_LEN))) return 'WrongIcv';
  if (sentLen !== cameLen) return 'FrameLength';
  return readUnauthenticated(frame);
}

/** The same for people who have no key at hand: what it says may be anybody's invention. */
export function readUnauthenticated(frame: Uint8Array): ControlFrame | LinkRefusal {
  const mn = u32At(frame, OFF_MN);
  if (mn === 0) return 'MessageNumber';
  const peerMi = hexOf(frame, OFF_PEER_MI, MI_LEN);
  return {
    kind: frame[OFF_KIND]!,
    sci: formatSci(frame.subarray(OFF_LINK_SCI)),
    mi: hexOf(frame, OFF_MI, MI_LEN),
    mn,
    heard: peerMi === NOBODY ? null : { mi: peerMi, mn: u32At(frame, OFF_PEER_MN) },
    body: Uint8Array.from(frame.subarray(OFF_BODY, OFF_BODY + u16At(frame, OFF_BODY_LEN))),
  };
}

/**
 * `said` as an Ethernet frame of `frameLen` octets, or as short as it can be, with an ICV by `key`. Trusts its caller:
 * the body has 256 octets at most.
 */
export function writeControlFrame(said: ControlFrame, key: LinkKey, frameLen = 0): Buffer {
  const icvAt = OFF_BODY + filled(said.body.length);
  const frame = Buffer.alloc(Math.max(frameLen, icvAt + CMAC_LEN));
  frame.set(NEAREST_BRIDGE_MAC, 0);
  frame.set(Buffer.from(said.sci, 'hex').subarray(0, 6), OFF_SRC_MAC);
  frame.writeUInt16BE(ETHERTYPE_LINK_CONTROL, OFF_ETHERTYPE);
  frame.writeUInt32BE(PROTOCOL, OFF_PROTOCOL);
  frame[OFF_VERSION] = LINK_VERSION;
  frame[OFF_KIND] = said.kind;
  frame.writeUInt16BE(said.body.length, OFF_BODY_LEN);
  frame.write(said.sci, OFF_LINK_SCI, 'hex');
  frame.write(key.name, OFF_KEY_NAME, 'hex');
  frame.write(said.mi, OFF_MI, 'hex');
  frame.writeUInt32BE(said.mn, OFF_MN);
  frame.write(said.heard?.mi ?? NOBODY, OFF_PEER_MI, 'hex');
  frame.writeUInt32BE(said.heard?.mn ?? 0, OFF_PEER_MN);
  frame.writeUInt32BE(frame.length, OFF_FRAME_LEN);
  frame.set(said.body, OFF_BODY);
  frame.set(icvOf(key.icvKey, frame.subarray(0, icvAt)), icvAt);
  return frame;
}

/** The control frame `found` at the start of `frame`, behind its Ethernet header, for people. */
export function describeControlFrame(frame: Uint8Array, found: UncheckedFrame): Field[] {
  const said = readUnauthenticated(frame);
  if (typeof said === 'string') return [];
  const { kind, sci, mi, mn, heard } = said;
  return [
    { name: 'protocol', value: 'l2vp', note: `version ${LINK_VERSION}` },
    { name: 'kind', value: String(kind), note: KIND_NAMES[kind] ?? 'unknown' },
    { name: 'SCI', value: sci },
    { name: 'key name', value: found.keyName },
    { name: 'member identifier', value: mi },
    { name: 'message number', value: String(mn) },
    { name: 'heard', value: heard === null ? 'nobody' : `${heard.mi} ${heard.mn}` },
    { name: 'frame length', value: String(found.sentLen) },
    { name: 'ICV', value: hexOf(frame, found.icvAt, CMAC_LEN), note: hex(found.icvAt, 2) },
  ];
}

const kept = new WeakMap<KeyObject, Cmac>();

/** A key makes many ICVs: its cipher is kept as long as the key is. */
function icvOf(icvKey: KeyObject, octets: Uint8Array): Buffer {
  let cmac = kept.get(icvKey);
  if (cmac === undefined) {
    cmac = new Cmac(icvKey);
    kept.set(icvKey, cmac);
  }
  return cmac.of(octets);
}

function filled(len: number): number {
  return (len + 3) & ~3;
}

function hexOf(octets: Uint8Array, at: number, len: number): string {
  return Buffer.from(octets.buffer, octets.byteOffset + at, len).toString('hex');
}
