/** Which tunnels are up: those that run, and those that are to and do not. */
import type { DownSnapshot, TunnelSnapshot } from '../../api/tunnel.ts';
import { epochSeconds, type Family, gauges, type Sample } from './family.ts';

/** What a scrape finds. */
export interface AllTunnels {
  readonly up: readonly TunnelSnapshot[];
  readonly down: readonly DownSnapshot[];
}

export const STATE_FAMILIES: readonly Family<AllTunnels>[] = [
  gauges('tunnel_up', '1: the tunnel runs, 0: it is down', ['tunnel'], ({ up, down }): Sample[] => [
    ...up.map(({ name }): Sample => [1, name]),
    ...down.map(({ name }): Sample => [0, name]),
  ]),
  gauges(
    'tunnel_state_since_timestamp_seconds',
    'When the tunnel came up, or went down',
    ['tunnel'],
    ({ up, down }) => [...up, ...down].map(({ name, since }): Sample => [epochSeconds(since)!, name]),
  ),
];
