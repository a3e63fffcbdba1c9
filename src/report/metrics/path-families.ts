/** What paths carry, and what they do to frames. */
import type { PathCountsSnapshot, TunnelSnapshot } from '../../api/tunnel.ts';
import { byName, counters, gauge, gauges, type Sample, type TunnelFamily } from './family.ts';

const LIMITS = ['link', 'route', 'icmp', 'probes'] as const;

export const PATH_FAMILIES: readonly TunnelFamily[] = [
  gauge('mtu_bytes', 'The longest inner IP packet that the tunnel carries', ({ mtu }) => mtu),
  gauge(
    'path_mtu_bytes',
    'The longest outer packet that the path is believed to carry',
    ({ path_mtu }) => path_mtu,
  ),
  gauges(
    'path_mtu_limit',
    '1: what limits the path MTU: the own link or route, a router (icmp), or the path itself (probes)',
    ['limit'],
    ({ path }) => LIMITS.map((limit): Sample => [path.limit === limit ? 1 : 0, limit]),
  ),
  counters(
    'icmp_too_big',
    'ICMP messages that a packet was too big, by what their quotes prove',
    ['verdict'],
    ({ path }) => byName(path.icmp_too_big),
  ),
  counters(
    'path_frames_expected',
    'Frames that were sent on the path, by their packet numbers; tx: as the peer says',
    ['direction'],
    (tunnel) => perDirection(tunnel, ({ expected }) => expected),
  ),
  counters(
    'path_frames_lost',
    'Of those, frames that did not come, or too late; tx: as the peer says',
    ['direction'],
    (tunnel) => perDirection(tunnel, ({ lost }) => lost),
  ),
  counters(
    'path_frames_reordered',
    'Frames that came behind one that was sent after them; tx: as the peer says',
    ['direction'],
    (tunnel) => perDirection(tunnel, ({ reordered }) => reordered),
  ),
  gauge(
    'path_round_trip_seconds',
    'From daemon to daemon and back, the shortest of the last minute; none: the peer is no l2vpnd with control frames',
    ({ path_quality }) => path_quality.rtt_min_seconds,
  ),
];

function perDirection(
  { path_quality }: TunnelSnapshot,
  of: (counts: PathCountsSnapshot) => number,
): Sample[] {
  const { in: to, out } = path_quality;
  return [
    ...(out === null ? [] : [[of(out.total), 'tx'] as const]),
    ...(to === null ? [] : [[of(to.total), 'rx'] as const]),
  ];
}
