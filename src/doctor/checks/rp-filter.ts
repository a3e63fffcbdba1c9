/** The kernel's own check of where packets come from. */
import type { TunnelCheck } from '../context.ts';
import { finder } from '../finding.ts';
import { endsOf } from '../tunnel-seen.ts';

const CASES = {
  strict: {
    level: 'warning',
    says: 'packets of {remote} that come in by {link} are dropped by this host (rp_filter 1)',
    cause:
      '{link} has gre.local, and the route to the peer leaves by {out}: a strict reverse path filter takes the rest for forged',
    remedy:
      'sysctl -w net.ipv4.conf.{link}.rp_filter=2 and net.ipv4.conf.all.rp_filter=2, or a route to {remote} by {link}',
  },
} as const;
const found = finder(CASES);
const STRICT = 1;

export const rpFilter: TunnelCheck = {
  name: 'rp-filter',
  about: 'whether a strict reverse path filter drops what the peer sends',
  cases: CASES,
  async look(tunnel, { host }) {
    const { local, remote, family } = endsOf(tunnel);
    if (family !== 4 || local === null || remote === null) return [];
    const link = host.linkOf(local);
    const out = host.links().find(({ index }) => index === host.linkTo(local, remote))?.ifname ?? null;
    // Packets for an address on lo come in by any link.
    if (link === null || out === null || link === out || link === 'lo') return [];
    const [all, own] = await Promise.all([
      host.read('/proc/sys/net/ipv4/conf/all/rp_filter'),
      host.read(`/proc/sys/net/ipv4/conf/${link}/rp_filter`),
    ]);
    const mode = Math.max(Number(all ?? 0), Number(own ?? 0));
    return mode === STRICT ? [found('strict', { remote, link, out })] : [];
  },
};
