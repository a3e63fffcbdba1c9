/** A KaY as `show` and the metrics see it. No key is in it. */
import type { Agreement } from './agreement.ts';
import type { InstalledSak } from './installed-sak.ts';
import type { KayRefusal } from './kay-refusal.ts';
import type { Participant } from './participant.ts';
import type { Peer } from './peers.ts';
import type { PortKeys } from './port-keys.ts';
import type { Refusal } from './refusal.ts';
import { formatKi } from './sak.ts';
import type { Tally } from './tally.ts';

export interface MkaSnapshot {
  /** `alone`: no peer is live; `undecided`: nobody offers itself as key server. */
  readonly role: 'key server' | 'member' | 'alone' | 'undecided';
  /** CKN of the participant in charge. */
  readonly ckn: string;
  /** 16 hex digits; null: there is none. */
  readonly keyServerSci: string | null;
  readonly latest: SakSnapshot | null;
  readonly old: SakSnapshot | null;
  /** AN of the SAK that is transmitted with; null: nothing is. */
  readonly encodingAn: number | null;
  /** Until the key server replaces the SAK by time, where this end is it. */
  readonly nextRekeyMs: number | null;
  readonly participants: readonly ParticipantSnapshot[];
  /** MKPDUs of no participant. */
  readonly refused: Refusals;
}

export type Refusals = Readonly<Partial<Record<Refusal | KayRefusal, RefusedSnapshot>>>;

export interface RefusedSnapshot {
  readonly count: number;
  /** Since the last of them. */
  readonly ageMs: number;
}

export interface SakSnapshot {
  /** Key identifier: MI and KN, 32 hex digits. */
  readonly ki: string;
  readonly an: number;
  readonly ageMs: number;
  readonly receives: boolean;
  readonly transmits: boolean;
}

export interface ParticipantSnapshot {
  readonly ckn: string;
  readonly isPrincipal: boolean;
  readonly mi: string;
  readonly mn: number;
  readonly livePeers: readonly PeerSnapshot[];
  readonly potentialPeers: readonly PeerSnapshot[];
  readonly received: number;
  readonly sent: number;
  readonly refused: Refusals;
  readonly saksMade: number;
  readonly saksReceived: number;
}

export interface PeerSnapshot {
  readonly mi: string;
  readonly mn: number;
  readonly sci: string;
  readonly priority: number;
  readonly isKeyServer: boolean;
  /** Since its last MKPDU. */
  readonly ageMs: number;
}

export function snapshotOf(agreement: Agreement, tally: Tally, nowMs: number): MkaSnapshot {
  const { keys, principal, participants, settings } = agreement;
  const { keyServer } = principal.members;
  const rekeyInMs = principal.serving.rekeyMs - nowMs;
  return {
    role: roleOf(principal),
    ckn: principal.ckn,
    keyServerSci: keyServer === 'self' ? settings.sci : (keyServer?.sci ?? null),
    latest: sakSnapshot(keys, keys.latest, nowMs),
    old: sakSnapshot(keys, keys.old, nowMs),
    encodingAn: keys.encoding?.an ?? null,
    nextRekeyMs: Number.isFinite(rekeyInMs) ? Math.max(0, rekeyInMs) : null,
    participants: participants.map((one) => participantSnapshot(one, nowMs)),
    refused: refusals(tally, nowMs),
  };
}

function roleOf({ members, peers }: Participant): MkaSnapshot['role'] {
  if (members.keyServer === 'self') return 'key server';
  if (members.keyServer !== null) return 'member';
  return peers.live.length === 0 ? 'alone' : 'undecided';
}

function sakSnapshot(keys: PortKeys, installed: InstalledSak | null, nowMs: number): SakSnapshot | null {
  if (installed === null) return null;
  const { sak, an, sinceMs, receives } = installed;
  return {
    ki: formatKi(sak.ki),
    an,
    ageMs: nowMs - sinceMs,
    receives,
    transmits: keys.encoding === installed,
  };
}

function participantSnapshot(one: Participant, nowMs: number): ParticipantSnapshot {
  const { ckn, serving, members, peers, tally } = one;
  const { received, sent, saksMade, saksReceived } = tally;
  return {
    ...{ ckn, isPrincipal: serving.isPrincipal, mi: members.identity.mi, mn: members.identity.mn },
    livePeers: peers.live.map((peer) => peerSnapshot(peer, nowMs)),
    potentialPeers: peers.potential.map((peer) => peerSnapshot(peer, nowMs)),
    ...{ received, sent, saksMade, saksReceived, refused: refusals(tally, nowMs) },
  };
}

function refusals({ refused }: Tally, nowMs: number): Refusals {
  const entries = [...refused].map(([reason, { count, lastMs }]) => [
    reason,
    { count, ageMs: nowMs - lastMs },
  ]);
  return Object.fromEntries(entries) as Refusals;
}

function peerSnapshot({ mi, sci, basic, heardMs }: Peer, nowMs: number): PeerSnapshot {
  const { mn, priority, keyServer } = basic;
  return { mi, mn, sci, priority, isKeyServer: keyServer, ageMs: nowMs - heardMs };
}
