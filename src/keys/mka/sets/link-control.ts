/**
 * A set of our own: its sender is an l2vpnd and takes control frames (`link/`). The standard has no set of this type, and
 * peers skip what they do not know; the first four octets say whose it is, should a later standard use the type.
 *
 *      0       1       2       4                       8       9      10
 *      | type  |   0   |  length 8 | "l2vp"            |version|   0   | calm hello, ms |
 */
import type { Field } from '../../../wire/field.ts';
import { u16At, u32At } from '../../../wire/octets.ts';
import type { LinkControl } from '../mkpdu.ts';
import { type FoundSet, SET_HEADER_LEN, SetType, writeSetHeader } from './header.ts';

const BODY_LEN = 8;
export const LINK_CONTROL_SET_LEN: number = SET_HEADER_LEN + BODY_LEN;
/** "l2vp". */
const OWNER = 0x6c327670;

/** null: the set is somebody else's. */
export function readLinkControl(buf: Uint8Array, { at, len }: FoundSet): LinkControl | null {
  const body = at + SET_HEADER_LEN;
  if (len < BODY_LEN || u32At(buf, body) !== OWNER) return null;
  return { version: buf[body + 4]!, calmHelloMs: u16At(buf, body + 6) };
}

export function writeLinkControl(buf: Buffer, at: number, { version, calmHelloMs }: LinkControl): void {
  writeSetHeader(buf, at, SetType.LinkControl, 0, 0, BODY_LEN);
  buf.writeUInt32BE(OWNER, at + SET_HEADER_LEN);
  buf[at + SET_HEADER_LEN + 4] = version;
  buf[at + SET_HEADER_LEN + 5] = 0;
  buf.writeUInt16BE(calmHelloMs, at + SET_HEADER_LEN + 6);
}

export function describeLinkControl({ version, calmHelloMs }: LinkControl): Field[] {
  return [
    { name: 'control frames', value: `version ${version}`, note: 'the sender is an l2vpnd' },
    { name: 'calm hello', value: calmHelloMs === 0 ? 'not said' : `${calmHelloMs} ms` },
  ];
}
