/** The key server's part of a participant (IEEE 802.1X-2020 9.8): when it makes a SAK, and to whom it distributes it. */
import { isXpn, sakLen } from '../../crypto/cipher-suite.ts';
import type { InstalledSak } from './installed-sak.ts';
import { anOf, receivesWith, transmitsWith } from './key-use.ts';
import { type MkaKeys, makeSak, ssciOf, wrapSak } from './keys.ts';
import type { DistributedSak } from './mkpdu.ts';
import type { Peer } from './peers.ts';
import type { PortKeys } from './port-keys.ts';
import type { Sak } from './sak.ts';
import type { MkaSettings } from './settings.ts';

/** A live peer that can do what this end asks for; others take no part in any SAK, and nothing is sent in clear for them. */
export function isAble({ basic }: Peer, encrypt: boolean): boolean {
  return basic.macsecDesired && basic.capability >= (encrypt ? 2 : 1);
}

/** The AN of the next SAK: the one after the last that anybody uses, if nobody uses it. */
export function nextAn(keys: PortKeys, live: readonly Peer[]): number {
  const last = keys.lastAn >= 0 ? keys.lastAn : Math.max(-1, ...live.map(anOf));
  const ans = [1, 2, 3, 4].map((step) => (last + step) % 4);
  return ans.find((an) => !isAnInUse(keys, live, an)) ?? ans[0]!;
}

/** Whether somebody transmits with it. */
export function isAnInUse(keys: PortKeys, live: readonly Peer[], an: number): boolean {
  const { encoding, latest } = keys;
  if (encoding?.an === an || (latest?.an === an && latest.isTxWanted)) return true;
  return live.some(
    ({ sakUse }) => sakUse !== null && [sakUse.latest, sakUse.old].some((h) => h.tx && h.an === an),
  );
}

export interface SakOrder {
  readonly cak: MkaSettings['cak'];
  readonly random: Parameters<typeof makeSak>[1];
  readonly settings: Pick<MkaSettings, 'cipher' | 'encrypt' | 'sci'>;
  readonly mi: string;
  readonly kn: number;
  readonly an: number;
  readonly members: readonly Peer[];
}

/** A fresh SAK for this end and `members`. */
export function newSak({ cak, random, settings, mi, kn, an, members }: SakOrder): Sak {
  const { cipher, encrypt, sci } = settings;
  const mis = [...members.map((peer) => peer.mi), mi];
  const scis = [sci, ...members.map((peer) => peer.sci)];
  const sscis = isXpn(cipher) ? new Map(scis.map((one) => [one, ssciOf(one, scis)])) : null;
  return { ki: { mi, kn }, an, key: makeSak(cak, random, sakLen(cipher), mis, kn), cipher, encrypt, sscis };
}

/** A SAK that members are still to get. */
export class Distribution {
  readonly installed: InstalledSak;
  readonly set: DistributedSak;

  constructor(installed: InstalledSak, { kek }: MkaKeys, encrypt: boolean) {
    const { ki, an, key, cipher } = installed.sak;
    const confidentialityOffset = encrypt ? 1 : 0;
    this.installed = installed;
    this.set = { an, confidentialityOffset, kn: ki.kn, cipher, wrapped: wrapSak(kek, key) };
  }

  /** Not before this end receives with it: members may transmit at once. */
  get isOut(): boolean {
    return this.installed.receives;
  }

  /** All of them have it. */
  isDone(members: readonly Peer[]): boolean {
    const { ki } = this.installed.sak;
    return members.every((peer) => receivesWith(peer, ki) || transmitsWith(peer, ki));
  }
}
