/**
 * SAK Use sets (IEEE 802.1X-2020 9.10, 11.11): what a peer says of a key, and what we say of ours.
 *
 * A key is looked for in both halves, by its identifier: some peers move it to the old one when it is in use, some show
 * it in both. We keep it in the latest half until a newer one comes. Only keys that the participant itself made or
 * received are shown; one that has none shows zeros, so that the set is there and its peers keep it alive.
 */
import { isXpn } from '../../crypto/cipher-suite.ts';
import type { InstalledSak } from './installed-sak.ts';
import type { KeyIdentifier, SakUse, UsedKey, XpnSet } from './mkpdu.ts';
import type { Peer } from './peers.ts';
import type { PortKeys } from './port-keys.ts';
import { isSameKey } from './sak.ts';
import { PN_LOW, PN_LOW_XPN } from './settings.ts';

export function receivesWith({ sakUse }: Peer, ki: KeyIdentifier): boolean {
  return halves(sakUse).some((half) => half.rx && isSameKey(half.ki, ki));
}

export function transmitsWith({ sakUse }: Peer, ki: KeyIdentifier): boolean {
  return halves(sakUse).some((half) => half.tx && isSameKey(half.ki, ki));
}

function halves(sakUse: SakUse | null): readonly UsedKey[] {
  return sakUse === null ? [] : [sakUse.latest, sakUse.old];
}

/**
 * The lowest PN that the peer says it still sends with the key; 0: it says none. Under an XPN suite a set without its
 * high half says nothing.
 */
export function lowestPnOf({ sakUse, xpn }: Peer, { ki, cipher }: InstalledSak['sak']): bigint {
  if (sakUse === null || (isXpn(cipher) && xpn === null)) return 0n;
  const { latest, old } = sakUse;
  const [high, oldHigh] = isXpn(cipher) ? [xpn!.latestLowestPnHigh, xpn!.oldLowestPnHigh] : [0, 0];
  const inLatest = isSameKey(latest.ki, ki) ? pnOf(latest, high) : 0n;
  const inOld = isSameKey(old.ki, ki) ? pnOf(old, oldHigh) : 0n;
  return inLatest > inOld ? inLatest : inOld;
}

function pnOf({ lowestPn }: UsedKey, high: number): bigint {
  return (BigInt(high) << 32n) | BigInt(lowestPn);
}

/** Three quarters of the packet numbers of a SAK: from there on it should be replaced. */
export function pnLowOf({ cipher }: InstalledSak['sak']): bigint {
  return isXpn(cipher) ? PN_LOW_XPN : PN_LOW;
}

/** The AN that a peer is at: of the newest key it uses; -1: of none. */
export function anOf({ sakUse }: Peer): number {
  return halves(sakUse).find(({ ki, tx, rx }) => ki !== null && (tx || rx))?.an ?? -1;
}

export interface OwnSakUse {
  readonly sakUse: SakUse;
  readonly xpn: XpnSet;
}

/** What the participant of `ckn` says of the port's keys; `lowestPn` is asked once for each that it shows. */
export function ownSakUse(
  keys: PortKeys,
  ckn: string,
  lowestPn: (installed: InstalledSak) => bigint,
): OwnSakUse {
  const [latest, old] = [keys.latest, keys.old].map((one) => (one?.ckn === ckn ? one : null));
  const [latestPn, oldPn] = [latest, old].map((one) => (one ? lowestPn(one) : 1n));
  const [latestHalf, oldHalf] = [usedKey(keys, latest!, latestPn!), usedKey(keys, old!, oldPn!)];
  return {
    sakUse: { latest: latestHalf, old: oldHalf, plainTx: false, plainRx: false, delayProtect: false },
    xpn: {
      suspensionTime: 0,
      latestLowestPnHigh: Number(latestPn! >> 32n),
      oldLowestPnHigh: Number(oldPn! >> 32n),
    },
  };
}

/** The lowest PN is 1 at least even of no key: 0 is what some peers take offence at. */
function usedKey(keys: PortKeys, installed: InstalledSak | null, lowestPn: bigint): UsedKey {
  const low = Number(lowestPn & 0xffffffffn);
  if (installed === null) return { ki: null, an: 0, tx: false, rx: false, lowestPn: low };
  const { sak, an, receives } = installed;
  return { ki: sak.ki, an, tx: keys.encoding === installed, rx: receives, lowestPn: Math.max(1, low) };
}
