/** Why no key is agreed on (MKA). */
import { finder } from '../finding.ts';
import type { EvidenceCheck } from '../tunnel-seen.ts';

const CASES = {
  trouble: {
    level: 'fault',
    says: 'no key is agreed on with the peer',
    cause: '{text}',
    remedy: 'compare macsec.mka (ckn, cak or cakFile) and macsec.cipher at both ends, then l2vpnd reload',
  },
  alone: {
    level: 'fault',
    says: 'no peer is live: {sent} hellos were sent, none of the peer came for {life}',
    cause: 'the peer does not run, has other keys, or the way is cut',
    remedy: 'run l2vpnd doctor at the other end; tcpdump -ni any ether proto 0x888e or proto 47 or udp',
  },
  serverless: {
    level: 'fault',
    says: 'no end offers itself as key server',
    cause: 'a peer that is no l2vpnd may be told not to, and the other end is not live',
    remedy: 'give one end a macsec.mka.priority below 255, or let wpa_supplicant be key server',
  },
  keyless: {
    level: 'warning',
    says: 'a peer is live, and no key is there yet',
    cause: 'the key server makes one when all members are heard, which takes some seconds at most',
    remedy: 'look again; if it stays, see "mka" in l2vpnd show -s',
  },
} as const;
const found = finder(CASES);

export const agreement: EvidenceCheck = {
  name: 'key-agreement',
  about: 'whether MKA has a live peer and a key, and what keeps it from having them',
  cases: CASES,
  evidence({ now }) {
    const mka = now?.agreement ?? null;
    if (now === null || mka === null || now.waits_for !== null) return [];
    if (mka.trouble.length > 0) return mka.trouble.map((text) => found('trouble', { text }));
    const potential = mka.participants.some((one) => one.potential.length > 0);
    // A potential peer is one that does not hear us: told by `peer`.
    if (mka.live_peers === 0)
      return potential ? [] : [found('alone', { sent: mka.mkpdus_out, life: 'macsec.mka.lifeMs' })];
    if (mka.role === 'undecided') return [found('serverless', {})];
    return mka.latest === null ? [found('keyless', {})] : [];
  },
  well({ agreement: mka }) {
    if (mka === null) return 'the tunnel has static keys, or none';
    return `${mka.live_peers} live, key of ${Math.floor(mka.latest?.age_seconds ?? 0)} s`;
  },
};
