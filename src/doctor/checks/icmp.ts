/** ICMP errors that came for our packets: hints, as anybody can forge them. */
import { ICMP_TEXTS } from '../../frame/icmp.ts';
import { finder } from '../finding.ts';
import { type EvidenceCheck, suffers, tally } from '../tunnel-seen.ts';

const CASES = {
  errors: {
    level: 'either',
    says: '{count} ICMP errors came for our packets ({name})',
    cause: '{cause}',
    remedy: 'run l2vpnd doctor at the other end; tcpdump -ni any icmp or icmp6 shows who says so',
  },
} as const;
const found = finder(CASES);

export const icmp: EvidenceCheck = {
  name: 'icmp',
  about: "what the peer's host, or a router, answers to our packets",
  cases: CASES,
  evidence(tunnel) {
    if (tunnel.now === null) return [];
    return ICMP_TEXTS.flatMap(({ name, cause }) => {
      if (cause === null) return [];
      const errors = tally(tunnel, (one) => one.icmp[name] ?? 0);
      const isBad = suffers(tunnel, errors);
      // Before the other end had started; it answers now.
      if (isBad === false && errors.fresh === 0 && tunnel.now!.peer.state === 'alive') return [];
      return isBad === null ? [] : [found('errors', { count: errors.count, name, cause }, isBad)];
    });
  },
};
