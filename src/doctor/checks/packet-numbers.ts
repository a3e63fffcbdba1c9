/** Packet numbers that are used up, or soon will be. */
import { finder } from '../finding.ts';
import type { EvidenceCheck } from '../tunnel-seen.ts';

const CASES = {
  exhausted: {
    level: 'fault',
    says: 'every packet number of the transmit SA is used: nothing is sent any more',
    cause: 'a packet number is never used twice with a key',
    remedy:
      'new keys now: l2vpnd rotate NAME --tx-key-file F --rx-key-file F (keys by l2vpnd genkey --sak), at both ends',
  },
  low: {
    level: 'warning',
    says: '{percent} % of the packet numbers of the transmit SA are used',
    cause: 'a key carries 2^32 − 1 frames (2^64 − 1 with an XPN cipher)',
    remedy: 'new keys (l2vpnd rotate); an XPN cipher or macsec.mka spares the work',
  },
} as const;
const found = finder(CASES);
/** Where the log warns too. */
const WARN_PERCENT = 75;
/** Key agreement makes the next key at 75 % by itself. */
const WARN_PERCENT_AGREED = 95;

export const packetNumbers: EvidenceCheck = {
  name: 'packet-numbers',
  about: 'packet numbers that are used up, or nearly',
  cases: CASES,
  evidence({ now }) {
    if (now?.macsec == null || now.pn_left === null) return [];
    const left = Number(now.pn_left);
    if (left === 0) return [found('exhausted', {})];
    const all = /XPN/.test(now.macsec.cipher_suite) ? 2 ** 64 : 2 ** 32;
    const percent = Math.floor(100 * (1 - left / all));
    return percent >= (now.agreement === null ? WARN_PERCENT : WARN_PERCENT_AGREED)
      ? [found('low', { percent })]
      : [];
  },
  well({ pn_left }) {
    return pn_left === null ? null : `${pn_left} are left`;
  },
};
