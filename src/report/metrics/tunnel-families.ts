/** Tunnels, their peers, what they carry and what they drop. */
import type { PeerSnapshot, TrafficSnapshot, TunnelSnapshot } from '../../api/tunnel.ts';
import { BATCH_BOUNDS, LATENCY_BOUNDS } from '../../frame/histogram.ts';
import {
  type Buckets,
  byName,
  counters,
  epochSeconds,
  gauge,
  gauges,
  info,
  type Sample,
  type TunnelFamily,
} from './family.ts';

const DIRECTIONS = ['tx', 'rx'] as const;
type Direction = (typeof DIRECTIONS)[number];

export const TUNNEL_FAMILIES: readonly TunnelFamily[] = [
  info(
    'tunnel',
    'Interface, encapsulation and peer of a tunnel',
    ['ifname', 'encap', 'remote'],
    ({ ifname, encap, remote }) => [ifname, encap, remote],
  ),
  gauge(
    'tunnel_connected',
    '1: the addresses of both ends are known, 0: one is looked for',
    ({ waits_for }) => (waits_for === null ? 1 : 0),
  ),
  gauge(
    'peer_up',
    '1: authentic frames come, 0: the peer is lost; none: not known, or not watched',
    ({ peer }) => peerUp(peer),
  ),
  gauge(
    'peer_state_since_timestamp_seconds',
    'Since when the peer is up, or when it was last heard before it was lost',
    ({ peer }) => epochSeconds(peer.since),
  ),
  gauge('peer_last_authentic_timestamp_seconds', 'When an authentic frame last came', ({ peer }) =>
    epochSeconds(peer.last_authentic),
  ),
  gauge('carrier_up', '1: the TAP has carrier, 0: it has none; none: it always has', ({ carrier }) =>
    carrier === null ? null : carrier.state === 'up' ? 1 : 0,
  ),
  counters('frames', 'Frames carried all the way, without control frames', ['direction'], (tunnel) =>
    perDirection(tunnel, ({ frames_out }) => frames_out),
  ),
  counters(
    'bytes',
    'Octets of the frames carried all the way, as the bridge sees them',
    ['direction'],
    (tunnel) => perDirection(tunnel, ({ octets_out }) => octets_out),
  ),
  gauges('last_frame_timestamp_seconds', 'When a frame last went all the way', ['direction'], (tunnel) =>
    perDirection(tunnel, ({ last }) => epochSeconds(last)),
  ),
  counters('drops', 'Frames dropped, by reason', ['reason'], ({ drops }) => byName(drops)),
  counters(
    'queue_drops',
    'What the kernel dropped before it could be taken: packets at the socket, frames at the TAP',
    ['queue'],
    ({ queue_drops: { socket, tap } }) => [...known(socket, 'socket'), ...known(tap, 'tap')],
  ),
  counters('icmp_errors', 'ICMP errors that came, by kind', ['kind'], ({ icmp }) => byName(icmp)),
  counters(
    'gre_checksums_left',
    'Packets taken without the GRE checksum, which an offload owed',
    [],
    ({ gre_checksums_left }) => [[gre_checksums_left]],
  ),
  {
    type: 'histogram',
    name: 'batch_frames',
    help: 'Frames that are worked on at once',
    labels: ['direction'],
    samples: (tunnel) => DIRECTIONS.map((direction) => batchSizes(direction, tunnel[direction])),
  },
  {
    type: 'histogram',
    name: 'batch_duration_seconds',
    help: 'From when a batch is read to when its last frame has left, whatever it waits for',
    labels: ['direction'],
    samples: (tunnel) => DIRECTIONS.map((direction) => batchDurations(direction, tunnel[direction])),
  },
  counters(
    'control_frames',
    'Control frames sent, and received with a right ICV and new',
    ['direction'],
    ({ control_frames }) =>
      control_frames === null
        ? []
        : [
            [control_frames.frames_out, 'tx'],
            [control_frames.frames_in, 'rx'],
          ],
  ),
  counters('control_frames_refused', 'Control frames refused, by reason', ['reason'], ({ control_frames }) =>
    byName(control_frames?.refused ?? {}),
  ),
];

function peerUp({ state }: PeerSnapshot): number | null {
  if (state === 'alive') return 1;
  return state === 'lost' ? 0 : null;
}

function perDirection(tunnel: TunnelSnapshot, of: (traffic: TrafficSnapshot) => number | null): Sample[] {
  return DIRECTIONS.flatMap((direction) => known(of(tunnel[direction]), direction));
}

function known(value: number | null, label: string): Sample[] {
  return value === null ? [] : [[value, label]];
}

function batchSizes(direction: Direction, { batch_sizes, frames_in }: TrafficSnapshot): Buckets {
  return { counts: batch_sizes, bounds: BATCH_BOUNDS, sum: frames_in, labels: [direction] };
}

function batchDurations(direction: Direction, { latencies, latency_sum_seconds }: TrafficSnapshot): Buckets {
  return { counts: latencies, bounds: LATENCY_BOUNDS, sum: latency_sum_seconds, labels: [direction] };
}
