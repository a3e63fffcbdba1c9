/** Whether the tunnel runs at all. */
import { finder } from '../finding.ts';
import type { EvidenceCheck } from '../tunnel-seen.ts';

const CASES = {
  down: {
    level: 'fault',
    says: 'the tunnel is down since {since}',
    cause: '{reason}',
    remedy: 'mend that; the daemon tries again by itself, at the latest in {retry} s',
  },
  waits: {
    level: 'fault',
    says: 'the tunnel is not connected',
    cause: '{reason}',
    remedy: 'mend the name or the route (getent ahosts, ip route); the daemon looks again by itself',
  },
} as const;
const found = finder(CASES);

export const up: EvidenceCheck = {
  name: 'tunnel',
  about: 'whether the daemon runs it and knows both ends',
  cases: CASES,
  evidence({ now, down }) {
    if (down !== null) {
      const { since, reason, retry_seconds: retry } = down;
      return [found('down', { since, reason, retry })];
    }
    const reason = now?.waits_for ?? null;
    return reason === null ? [] : [found('waits', { reason })];
  },
};
