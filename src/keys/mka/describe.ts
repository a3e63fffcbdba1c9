/** The body of an MKPDU for people, set by set, whoever sent it: nothing of it is authentic here. Never throws. */
import type { Field } from '../../wire/field.ts';
import { ICV_LEN } from './decode.ts';
import { REFUSAL_TEXTS, type Refusal } from './refusal.ts';
import { basicLenAt, describeBasic } from './sets/basic.ts';
import { describeDistributedSak, readDistributedSak } from './sets/distributed-sak.ts';
import {
  type DescribedSet,
  type FoundSet,
  filled,
  findSets,
  SET_HEADER_LEN,
  SetType,
} from './sets/header.ts';
import { describeLinkControl, readLinkControl } from './sets/link-control.ts';
import { hexShown } from './sets/octets.ts';
import { describePeerList, readPeerList } from './sets/peer-list.ts';
import { describeSakUse, readSakUse } from './sets/sak-use.ts';
import { describeXpn, readXpn } from './sets/xpn.ts';

/**
 * The MKPDU whose EAPOL body is `buf[at, at + bodyLen)`, of which only what lies before `end` is there. A set that is
 * not whole has a fault, and is the last; of a Basic set that is cut off nothing is told.
 */
export function describeMkpdu(buf: Uint8Array, at: number, bodyLen: number, end: number): DescribedSet[] {
  const isWhole = at + bodyLen <= end && bodyLen >= ICV_LEN;
  const icvAt = isWhole ? at + bodyLen - ICV_LEN : end;
  const basicLen = basicLenAt(buf, at, icvAt);
  if (basicLen === 0) return isWhole ? [faulty('MKA basic', at, icvAt - at, 'BasicMalformed')] : [];
  const { sets, overrun } = findSets(buf, at + basicLen, icvAt);
  const seen = new Set<number>();
  const described: DescribedSet[] = [
    { name: 'MKA basic', at, len: basicLen, fields: describeBasic(buf, at) },
    ...sets.filter(({ type }) => type !== SetType.IcvIndicator).map((set) => describeSet(buf, set, seen)),
  ];
  if (overrun !== null) described.push(faulty('MKA parameter set', overrun, icvAt - overrun, 'SetOverrun'));
  if (isWhole) described.push(describeIcv(buf, icvAt, sets.at(-1)?.type === SetType.IcvIndicator));
  return described;
}

function faulty(name: string, at: number, len: number, refusal: Refusal): DescribedSet {
  return { name, at, len, fields: [], fault: REFUSAL_TEXTS[refusal] };
}

function describeIcv(buf: Uint8Array, at: number, isIndicated: boolean): DescribedSet {
  const icv: Field = { name: 'ICV', value: hexShown(buf, at, ICV_LEN) };
  const note = isIndicated ? 'in an ICV indicator set' : 'without an ICV indicator set';
  return { name: 'MKA ICV', at, len: ICV_LEN, fields: [{ ...icv, note }] };
}

/** `seen`: the types of the sets before. */
function describeSet(buf: Uint8Array, set: FoundSet, seen: Set<number>): DescribedSet {
  const { type, at, len } = set;
  const name = SET_NAMES[type] ?? `MKA parameter set ${type}`;
  const said = readers[type]?.(buf, set) ?? [
    { name: 'octets', value: hexShown(buf, at + SET_HEADER_LEN, len) },
  ];
  const isSecond = seen.has(type);
  seen.add(type);
  const whole = { name, at, len: SET_HEADER_LEN + filled(len) };
  if (isSecond)
    return { ...whole, fields: [{ name: 'ignored', value: 'yes', note: 'the second of its type' }] };
  if (typeof said === 'string') return { ...whole, fields: [], fault: REFUSAL_TEXTS[said] };
  return { ...whole, fields: said };
}

const SET_NAMES: Readonly<Record<number, string>> = {
  [SetType.LivePeers]: 'MKA live peers',
  [SetType.PotentialPeers]: 'MKA potential peers',
  [SetType.SakUse]: 'MKA SAK use',
  [SetType.DistributedSak]: 'MKA distributed SAK',
  [SetType.DistributedCak]: 'MKA distributed CAK',
  [SetType.Kmd]: 'MKA key management domain',
  [SetType.Announcement]: 'MKA announcement',
  [SetType.Xpn]: 'MKA XPN',
  [SetType.LinkControl]: 'MKA set 240',
};

type Reader = (buf: Uint8Array, set: FoundSet) => Field[] | Refusal;

const describePeers: Reader = (buf, set) => {
  const list = readPeerList(buf, set);
  return list === null ? 'PeerListMalformed' : describePeerList(list);
};

const readers: Readonly<Record<number, Reader>> = {
  [SetType.LivePeers]: describePeers,
  [SetType.PotentialPeers]: describePeers,
  [SetType.SakUse]: (buf, set) => {
    const use = readSakUse(buf, set);
    return use === null ? 'SakUseMalformed' : describeSakUse(use);
  },
  [SetType.DistributedSak]: (buf, set) => {
    const sak = readDistributedSak(buf, set);
    return typeof sak === 'string' ? sak : describeDistributedSak(sak);
  },
  [SetType.Xpn]: (buf, set) => {
    const xpn = readXpn(buf, set);
    return xpn === null ? 'XpnMalformed' : describeXpn(xpn);
  },
  [SetType.LinkControl]: (buf, set) => {
    const linkControl = readLinkControl(buf, set);
    if (linkControl !== null) return describeLinkControl(linkControl);
    return [{ name: 'octets', value: hexShown(buf, set.at + SET_HEADER_LEN, set.len) }];
  },
};
