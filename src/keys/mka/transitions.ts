/**
 * When the port's keys move on (IEEE 802.1X-2020 12.4, the CP state machine): transmit after everybody receives, the old
 * SAKs go after everybody has moved.
 */
import type { InstalledSak } from './installed-sak.ts';
import { receivesWith, transmitsWith } from './key-use.ts';
import type { Peer } from './peers.ts';
import type { PortKeys } from './port-keys.ts';
import { RETIRE_LATEST_MS, RETIRE_MS, TRANSMIT_DELAY_MS } from './settings.ts';

/** Whose words count for a SAK: the live peers of its participant. */
export type MembersOf = (installed: InstalledSak) => readonly Peer[];

/**
 * The latest SAK, if transmit is to move to it now. A port that has had nothing to transmit with loses nothing by doing
 * it at once, once the SAK is on its way to those who shall open what is sent. The key server waits for all members, but
 * not for ever; a member waits for the key server.
 */
export function dueForTransmit(keys: PortKeys, membersOf: MembersOf, nowMs: number): InstalledSak | null {
  const { latest, encoding } = keys;
  if (latest === null || !latest.receives || latest.isTxWanted) return null;
  const isKnown = !latest.isOwn || latest.isDistributed;
  if ((encoding === null || encoding.isGoing) && isKnown) return latest;
  const { ki } = latest.sak;
  const members = membersOf(latest);
  if (!latest.isOwn) return members.some((peer) => isServerOf(latest, peer, ki.mi)) ? latest : null;
  if (nowMs - latest.sinceMs >= TRANSMIT_DELAY_MS) return latest;
  return members.length > 0 && members.every((peer) => receivesWith(peer, ki)) ? latest : null;
}

function isServerOf({ sak }: InstalledSak, peer: Peer, serverMi: string): boolean {
  return peer.mi === serverMi && transmitsWith(peer, sak.ki);
}

/** Whether every member is known to transmit with the latest SAK, as this end does. */
export function isSettled(keys: PortKeys, membersOf: MembersOf): boolean {
  const { latest, encoding } = keys;
  if (latest === null) return true;
  return encoding === latest && membersOf(latest).every((peer) => transmitsWith(peer, latest.sak.ki));
}

/** The SAKs before the one that encodes, once it is their time. */
export function dueForRetirement(keys: PortKeys, membersOf: MembersOf, nowMs: number): InstalledSak[] {
  const former = formerOf(keys);
  const ageMs = nowMs - keys.encodingSinceMs;
  if (ageMs < RETIRE_MS) return [];
  if (ageMs >= RETIRE_LATEST_MS) return former;
  return former.filter((one) => !membersOf(one).some((peer) => transmitsWith(peer, one.sak.ki)));
}

function formerOf({ staying, encoding }: PortKeys): InstalledSak[] {
  return encoding === null ? [] : staying.slice(0, Math.max(0, staying.indexOf(encoding)));
}

/** When one of the above may be due though nobody is heard; infinite: never. */
export function transitionsDueMs(keys: PortKeys, nowMs: number): number {
  const { latest, encodingSinceMs } = keys;
  const times = [Number.POSITIVE_INFINITY];
  if (latest?.isOwn && !latest.isTxWanted) times.push(latest.sinceMs + TRANSMIT_DELAY_MS);
  if (formerOf(keys).length > 0) times.push(encodingSinceMs + RETIRE_MS, encodingSinceMs + RETIRE_LATEST_MS);
  return Math.min(...times.filter((ms) => ms > nowMs));
}
