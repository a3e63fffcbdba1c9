/** Makes what `show`, the metrics and the control socket tell of key agreement (`api/agreement.ts`) of what a KaY says. */
import type {
  AgreementSnapshot,
  MkaPeerSnapshot,
  ParticipantSnapshot,
  SakSnapshot,
} from '../api/agreement.ts';
import type { Counters } from '../api/counters.ts';
import { KAY_REFUSAL_TEXTS, type KayRefusal } from '../keys/mka/kay-refusal.ts';
import { REFUSAL_TEXTS, type Refusal } from '../keys/mka/refusal.ts';
import type * as Mka from '../keys/mka/snapshot.ts';

/** What was refused longer ago is no trouble any more: every peer sends more often. */
const RECENT_MS = 10_000;

/** What keeps a peer from becoming live, and a live one from getting a SAK to us. */
const NO_PEER: readonly Refusal[] = ['WrongIcv', 'UnknownCkn', 'UnknownAlgorithm', 'EapolVersion'];
const NO_SAK: readonly (Refusal | KayRefusal)[] = [
  ...(['SakCipher', 'SakOffset', 'SakNoMacsec', 'SakWrongKek', 'SakMembers'] as const),
  ...(['UnknownCipher', 'DistributedSakMalformed'] as const),
];

export function agreementSnapshot(mka: Mka.MkaSnapshot): AgreementSnapshot {
  const { role, ckn, keyServerSci, latest, old, encodingAn, nextRekeyMs, participants } = mka;
  const sum = (of: (one: Mka.ParticipantSnapshot) => number): number =>
    participants.reduce((total, one) => total + of(one), 0);
  return {
    ...{ role, ckn, key_server_sci: keyServerSci, live_peers: sum(({ livePeers }) => livePeers.length) },
    ...{ latest: sakSnapshot(latest), old: sakSnapshot(old), encoding_an: encodingAn },
    next_rekey_seconds: nextRekeyMs === null ? null : seconds(nextRekeyMs),
    trouble: troubleOf(mka),
    mkpdus_in: sum(({ received }) => received),
    mkpdus_out: sum(({ sent }) => sent),
    refused: refusedOf(mka),
    saks_made: sum(({ saksMade }) => saksMade),
    saks_received: sum(({ saksReceived }) => saksReceived),
    participants: participants.map(participantSnapshot),
  };
}

function troubleOf(mka: Mka.MkaSnapshot): string[] {
  const isAlone = mka.participants.every(({ livePeers }) => livePeers.length === 0);
  const reasons = isAlone ? NO_PEER : mka.latest === null ? NO_SAK : [];
  const texts = { ...REFUSAL_TEXTS, ...KAY_REFUSAL_TEXTS };
  return reasons.filter((reason) => wasLately(mka, reason)).map((reason) => texts[reason]);
}

function wasLately(mka: Mka.MkaSnapshot, reason: Refusal | KayRefusal): boolean {
  return allRefused(mka).some((refused) => (refused[reason]?.ageMs ?? Infinity) <= RECENT_MS);
}

function refusedOf(mka: Mka.MkaSnapshot): Counters {
  const counts: Counters = {};
  for (const refused of allRefused(mka)) {
    for (const [reason, { count }] of Object.entries(refused)) counts[reason] = (counts[reason] ?? 0) + count;
  }
  return counts;
}

function allRefused({ refused, participants }: Mka.MkaSnapshot): Mka.Refusals[] {
  return [refused, ...participants.map((one) => one.refused)];
}

function sakSnapshot(sak: Mka.SakSnapshot | null): SakSnapshot | null {
  if (sak === null) return null;
  const { ki, an, ageMs, receives, transmits } = sak;
  return { ki, an, age_seconds: seconds(ageMs), receives, transmits };
}

function participantSnapshot(one: Mka.ParticipantSnapshot): ParticipantSnapshot {
  const { ckn, isPrincipal, mi, mn, livePeers, potentialPeers } = one;
  return {
    ...{ ckn, in_charge: isPrincipal, mi, mn },
    live: livePeers.map(peerSnapshot),
    potential: potentialPeers.map(peerSnapshot),
  };
}

function peerSnapshot({ sci, mi, mn, priority, isKeyServer, ageMs }: Mka.PeerSnapshot): MkaPeerSnapshot {
  return { sci, mi, mn, priority, key_server: isKeyServer, age_seconds: seconds(ageMs) };
}

/** To the tenth. */
function seconds(ms: number): number {
  return Math.round(ms / 100) / 10;
}
