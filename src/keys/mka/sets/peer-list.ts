/**
 * The Live Peer List and Potential Peer List sets (IEEE 802.1X-2020 11.11.1, figure 11-9): so many entries of
 *
 *      0                       12      16
 *      | MI                    | MN    |
 *
 *     octet 1 of a live list: the low octet of the key server's SSCI (MKA version 3, beside a distributed XPN SAK)
 */
import type { Field } from '../../../wire/field.ts';
import { u32At } from '../../../wire/octets.ts';
import type { ListedPeer, PeerList } from '../mkpdu.ts';
import { MI_LEN } from './basic.ts';
import {
  type FoundSet,
  MAX_SET_BODY_LEN,
  OFF_SET_OCTET,
  SET_HEADER_LEN,
  type SetType,
  writeSetHeader,
} from './header.ts';
import { hexAt } from './octets.ts';

const ENTRY_LEN: number = MI_LEN + 4;
/** Entries that a list has at most, by its length of 12 bits: the bound of what a peer makes us hold. */
export const MAX_LISTED_PEERS: number = Math.floor(MAX_SET_BODY_LEN / ENTRY_LEN);

/** null: not whole entries. */
export function readPeerList(buf: Uint8Array, { at, len }: FoundSet): PeerList | null {
  if (len % ENTRY_LEN !== 0) return null;
  const peers: ListedPeer[] = [];
  const from = at + SET_HEADER_LEN;
  for (let entry = from; entry < from + len; entry += ENTRY_LEN) {
    peers.push({ mi: hexAt(buf, entry, MI_LEN), mn: u32At(buf, entry + MI_LEN) });
  }
  return { peers, keyServerSsci: buf[at + OFF_SET_OCTET]! };
}

/** Octets that `writePeerList` will write. */
export function peerListLen({ peers }: PeerList): number {
  return SET_HEADER_LEN + peers.length * ENTRY_LEN;
}

/** Throws a RangeError for more peers than a set can count. */
export function writePeerList(
  buf: Buffer,
  at: number,
  type: typeof SetType.LivePeers | typeof SetType.PotentialPeers,
  { peers, keyServerSsci }: PeerList,
): void {
  if (peers.length > MAX_LISTED_PEERS)
    throw new RangeError(`"peers" expected at most ${MAX_LISTED_PEERS}, got ${peers.length}`);
  writeSetHeader(buf, at, type, keyServerSsci & 0xff, 0, peers.length * ENTRY_LEN);
  for (const [i, { mi, mn }] of peers.entries()) {
    const entry = at + SET_HEADER_LEN + i * ENTRY_LEN;
    buf.write(mi, entry, 'hex');
    buf.writeUInt32BE(mn, entry + MI_LEN);
  }
}

/** Entries that people are shown. */
const MAX_SHOWN = 32;

export function describePeerList({ peers, keyServerSsci }: PeerList): Field[] {
  const shown = peers
    .slice(0, MAX_SHOWN)
    .map(({ mi, mn }) => ({ name: 'peer', value: mi, note: `MN ${mn}` }));
  const more = peers.length - shown.length;
  return [
    ...(keyServerSsci === 0 ? [] : [{ name: "server's SSCI", value: String(keyServerSsci) }]),
    ...(peers.length === 0 ? [{ name: 'peers', value: 'none' }] : shown),
    ...(more > 0 ? [{ name: 'peers', value: `${more} more` }] : []),
  ];
}
