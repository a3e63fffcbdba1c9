/**
 * An MKPDU read from the octets of an Ethernet frame (IEEE 802.1X-2020 11.11, 9.4.1), in two steps:
 *
 *   1. `peekMkpdu`: is it an MKPDU, and of which CKN? Nothing else is looked at, since anybody can send it.
 *   2. `decodeMkpdu`, with the ICK of that CKN: the ICV over the frame as it came, then the parameter sets.
 *
 * Sets are taken in any order, unknown ones are skipped, of two of a type the first counts, and behind the ICV
 * indicator nothing does. Never throws, never reads beyond the frame, keeps none of its octets. Bounded: no list has
 * more than MAX_LISTED_PEERS entries, nor more than the frame has room for.
 */
import { type KeyObject, timingSafeEqual } from 'node:crypto';
import { CMAC_LEN } from '../../crypto/cmac.ts';
import {
  EAPOL_LEN,
  EAPOL_TYPE_MKA,
  EAPOL_VERSION_MKA,
  eapolBodyLenAt,
  eapolTypeAt,
  eapolVersionAt,
} from '../../wire/eapol.ts';
import { ETHERNET_LEN, ETHERTYPE_EAPOL, etherTypeAt, MACS_LEN } from '../../wire/ethernet.ts';
import { isVlan, VLAN_LEN } from '../../wire/vlan.ts';
import { icvOf } from './icv.ts';
import type { BasicSet, Mkpdu } from './mkpdu.ts';
import type { Refusal } from './refusal.ts';
import { ALGORITHM_AGILITY, agilityAt, basicLenAt, cknAt, readBasic } from './sets/basic.ts';
import { readDistributedSak } from './sets/distributed-sak.ts';
import { type FoundSet, findSets, SetType } from './sets/header.ts';
import { readLinkControl } from './sets/link-control.ts';
import { readPeerList } from './sets/peer-list.ts';
import { readSakUse } from './sets/sak-use.ts';
import { readXpn } from './sets/xpn.ts';

export const ICV_LEN: number = CMAC_LEN;
/** Octets of the shortest MKPDU that there can be (11.11.2). */
const LEAST_BODY_LEN = 32;
const GROUP_BIT = 0x01;

/** An MKPDU whose ICV nobody has checked. */
export interface UncheckedMkpdu {
  /** The name of the CAK that it claims to be of: 1–32 octets, hex. */
  readonly ckn: string;
  /** Where the EAPOL EtherType begins: behind VLAN tags, which the ICV does not cover. */
  readonly etherTypeAt: number;
  readonly basicAt: number;
  readonly icvAt: number;
}

/**
 * Finds the MKPDU in `frame`, a whole Ethernet frame from its destination address; octets behind the MKPDU are
 * Ethernet's padding. `ownMac`: an individual destination that is ours too.
 */
export function peekMkpdu(frame: Uint8Array, ownMac: Uint8Array): UncheckedMkpdu | Refusal {
  if (frame.length < ETHERNET_LEN) return 'TooShort';
  const typeAt = etherTypeBehindVlans(frame);
  const eapolAt = typeAt + 2;
  if (typeAt + 2 > frame.length) return 'TooShort';
  if (etherTypeAt(frame, typeAt - MACS_LEN) !== ETHERTYPE_EAPOL) return 'NotEapol';
  if (eapolAt + EAPOL_LEN > frame.length) return 'TooShort';
  if (eapolTypeAt(frame, eapolAt) !== EAPOL_TYPE_MKA) return 'EapolType';
  if (eapolVersionAt(frame, eapolAt) < EAPOL_VERSION_MKA) return 'EapolVersion';
  if (!isForUs(frame, ownMac)) return 'NotForUs';
  const [len, basicAt] = [eapolBodyLenAt(frame, eapolAt), eapolAt + EAPOL_LEN];
  if (len < LEAST_BODY_LEN || len % 4 !== 0 || basicAt + len > frame.length) return 'BodyLength';
  const icvAt = basicAt + len - ICV_LEN;
  if (basicLenAt(frame, basicAt, icvAt) === 0) return 'BasicMalformed';
  return { ckn: cknAt(frame, basicAt), etherTypeAt: typeAt, basicAt, icvAt };
}

/** Where the EtherType is that is no VLAN tag's; the frame may end before it. */
function etherTypeBehindVlans(frame: Uint8Array): number {
  let at = MACS_LEN;
  while (at + 2 <= frame.length && isVlan(etherTypeAt(frame, at - MACS_LEN))) at += VLAN_LEN;
  return at;
}

/** A group address, whichever it is, or our own. */
function isForUs(frame: Uint8Array, ownMac: Uint8Array): boolean {
  if ((frame[0]! & GROUP_BIT) !== 0) return true;
  return ownMac.every((octet, i) => octet === frame[i]);
}

/** What the MKPDU that `peekMkpdu` found in `frame` says; `ick` is that of its CKN. */
export function decodeMkpdu(frame: Uint8Array, found: UncheckedMkpdu, ick: KeyObject): Mkpdu | Refusal {
  if (agilityAt(frame, found.basicAt) !== ALGORITHM_AGILITY) return 'UnknownAlgorithm';
  if (!isIcvRight(frame, found, ick)) return 'WrongIcv';
  return readUnauthenticated(frame, found);
}

/** The ICV is over destination, source, and all from the EtherType on, as it came (9.4.1). */
function isIcvRight(frame: Uint8Array, found: UncheckedMkpdu, ick: KeyObject): boolean {
  const icv = icvOf(ick, frame.subarray(0, MACS_LEN), frame.subarray(found.etherTypeAt, found.icvAt));
  return timingSafeEqual(icv, frame.subarray(found.icvAt, found.icvAt + ICV_LEN));
}

/** The same for people who have no CAK at hand: what it says may be anybody's invention. */
export function readUnauthenticated(frame: Uint8Array, found: UncheckedMkpdu): Mkpdu | Refusal {
  const basic = readBasic(frame, found.basicAt);
  if (basic.mn === 0) return 'MessageNumber';
  const from = found.basicAt + basicLenAt(frame, found.basicAt, found.icvAt);
  const { sets, overrun } = findSets(frame, from, found.icvAt);
  return overrun === null ? readSets(frame, basic, sets) : 'SetOverrun';
}

function readSets(frame: Uint8Array, basic: BasicSet, sets: readonly FoundSet[]): Mkpdu | Refusal {
  const first = (type: number): FoundSet | null => sets.find((set) => set.type === type) ?? null;
  const livePeers = readSet(frame, first(SetType.LivePeers), readPeerList, 'PeerListMalformed');
  if (typeof livePeers === 'string') return livePeers;
  const potentialPeers = readSet(frame, first(SetType.PotentialPeers), readPeerList, 'PeerListMalformed');
  if (typeof potentialPeers === 'string') return potentialPeers;
  const sakUse = readSet(frame, first(SetType.SakUse), readSakUse, 'SakUseMalformed');
  if (typeof sakUse === 'string') return sakUse;
  const sak = first(SetType.DistributedSak);
  const distributedSak = sak === null ? null : readDistributedSak(frame, sak);
  if (typeof distributedSak === 'string') return distributedSak;
  const xpn = readSet(frame, first(SetType.Xpn), readXpn, 'XpnMalformed');
  if (typeof xpn === 'string') return xpn;
  const linkControlSet = first(SetType.LinkControl);
  const linkControl = linkControlSet === null ? null : readLinkControl(frame, linkControlSet);
  const icvIndicator = first(SetType.IcvIndicator) !== null;
  return { basic, livePeers, potentialPeers, sakUse, distributedSak, xpn, linkControl, icvIndicator };
}

/** null: the set is absent; `fault`: it is there and `read` could not read it. */
function readSet<T>(
  frame: Uint8Array,
  set: FoundSet | null,
  read: (frame: Uint8Array, set: FoundSet) => T | null,
  fault: Refusal,
): T | null | Refusal {
  return set === null ? null : (read(frame, set) ?? fault);
}
