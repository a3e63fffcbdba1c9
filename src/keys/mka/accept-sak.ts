/**
 * A member's judgement of a distributed SAK (IEEE 802.1X-2020 9.8, 9.10). Whatever a key server sends, no packet number
 * is used twice: a SAK is taken once in the life of this process, and one that the server had before it listed us is not
 * taken, since the process before this one may have used it.
 */
import type { KeyObject } from 'node:crypto';
import { type CipherName, isXpn, sakLen } from '../../crypto/cipher-suite.ts';
import type { KayRefusal } from './kay-refusal.ts';
import { ssciOf, ssciOfListed, unwrapSak } from './keys.ts';
import type { DistributedSak, MemberId, Mkpdu, PeerList } from './mkpdu.ts';
import type { Peer, Peers } from './peers.ts';
import type { PortKeys } from './port-keys.ts';
import type { Sak } from './sak.ts';

export interface Member {
  readonly mi: MemberId;
  readonly sci: string;
  readonly cipher: CipherName;
  readonly encrypt: boolean;
  readonly kek: KeyObject;
  readonly peers: Peers;
  readonly keys: PortKeys;
}

/** More SAKs than this, those on their way out included, are not taken: lanes have to follow. */
const MAX_SAKS = 8;

/** The SAK that `server`, the elected one, distributes in `mkpdu`; null: it is here already. */
export function acceptSak(
  member: Member,
  server: Peer,
  mkpdu: Mkpdu,
  distributed: DistributedSak,
): Sak | KayRefusal | null {
  const { cipher, wrapped, kn, an, confidentialityOffset } = distributed;
  const ki = { mi: server.mi, kn };
  if (cipher === null) return 'SakNoMacsec';
  if (member.keys.find(ki) !== null) return null;
  if (!lists(mkpdu.livePeers, member.mi)) return 'SakNotForUs';
  if (kn <= server.knFloor) return 'SakOfBefore';
  if (cipher !== member.cipher) return 'SakCipher';
  if (confidentialityOffset > 1) return 'SakOffset';
  if (member.keys.all.length >= MAX_SAKS) return 'SakTooMany';
  const key = unwrapSak(member.kek, wrapped);
  if (key === null || key.symmetricKeySize !== sakLen(cipher)) return 'SakWrongKek';
  const sscis = isXpn(cipher) ? sscisFor(member, server, mkpdu.livePeers!) : null;
  if (sscis === 'unknown') return 'SakMembers';
  const encrypt = member.encrypt || confidentialityOffset === 1;
  const sak = { ki, an, key, cipher, encrypt, sscis };
  return member.keys.wasHere(sak) ? 'SakUsedBefore' : sak;
}

function lists(list: PeerList | null, mi: MemberId): boolean {
  return list?.peers.some((peer) => peer.mi === mi) ?? false;
}

/**
 * SSCIs by SCI (802.1AE-2018 10.7.8). Where a member is not known to us yet, the server's own SSCI and the order of its
 * list tell those of the others.
 */
function sscisFor(
  { mi, sci, peers }: Member,
  server: Peer,
  { peers: listed, keyServerSsci }: PeerList,
): ReadonlyMap<string, number> | 'unknown' {
  const scis = listed.map((one) => (one.mi === mi ? sci : (peers.find(one.mi)?.sci ?? null)));
  const known = [server.sci, ...scis.filter((one) => one !== null)];
  if (!scis.includes(null)) return new Map(known.map((one) => [one, ssciOf(one, known)]));
  if (keyServerSsci === 0) return 'unknown';
  const sscis = new Map([[server.sci, keyServerSsci]]);
  for (const [i, one] of scis.entries()) if (one !== null) sscis.set(one, ssciOfListed(i, keyServerSsci));
  return sscis;
}
