/** What the path to the peer carries, as far as the daemon has found out. */
import { finder } from '../finding.ts';
import { drops, type EvidenceCheck, tally } from '../tunnel-seen.ts';

const CASES = {
  blackHole: {
    level: 'warning',
    says: 'the path carries {octets} octets since {since}',
    cause: '{because}: packets that are longer vanish, and no ICMP says so',
    remedy:
      'the tunnel has followed; let ICMP "fragmentation needed" and "packet too big" through on the way, or set tap.mtu at both ends',
  },
  narrow: {
    level: 'warning',
    says: 'the path carries {octets} octets, so the tunnel {mtu}: less than the 1280 that IPv6 needs',
    cause: 'a link of the path is narrow, or an ICMP message or route says so',
    remedy:
      'raise the MTU of the path; or set gre.df false and tap.mtu 1500 at both ends, which sends fragments',
  },
  tooLong: {
    level: 'either',
    says: '{frames} packets were too long for the first link (EMSGSIZE)',
    cause: 'tap.mtu is a number and more than the link carries',
    remedy: 'set tap.mtu to "auto" or lower it, at both ends',
  },
  disbelieved: {
    level: 'warning',
    says: '{count} ICMP messages that packets were too big were not believed',
    cause: 'they quote no packet of ours: forged, or a NAT changes the packets on the way',
    remedy:
      'if large frames vanish, set tap.mtu at both ends; else somebody tries to make the tunnel narrow, in vain',
  },
} as const;
const found = finder(CASES);
/** RFC 8200 §5. */
const LEAST_IPV6 = 1280;

export const pathMtu: EvidenceCheck = {
  name: 'path-mtu',
  about: 'what the path to the peer carries; for the way back run it at the other end',
  cases: CASES,
  evidence(tunnel) {
    const { now } = tunnel;
    if (now === null) return [];
    const { limit, since, because } = now.path;
    const octets = now.path_mtu;
    const refused = tally(tunnel, ({ path }) => path.icmp_too_big.refused ?? 0);
    const tooLong = drops(tunnel, 'WireTooLong');
    return [
      ...(limit === 'probes' ? [found('blackHole', { octets, since, because })] : []),
      ...(now.mtu < LEAST_IPV6 ? [found('narrow', { octets, mtu: now.mtu })] : []),
      ...(tooLong.count > 0 ? [found('tooLong', { frames: tooLong.count }, tooLong.fresh > 0)] : []),
      ...(refused.count > 0 ? [found('disbelieved', { count: refused.count })] : []),
    ];
  },
  well({ path_mtu, path }) {
    return `the path carries ${path_mtu} octets (${path.because})`;
  },
};
