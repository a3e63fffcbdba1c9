/** SecYs: their counters under the kernel's names, and packet numbers. */
import type { Counters } from '../../api/counters.ts';
import type { MacsecSnapshot, SaSnapshot, TunnelSnapshot } from '../../api/tunnel.ts';
import { counters, gauge, gauges, type Sample, type TunnelFamily } from './family.ts';

const PLACE = ['part', 'sci', 'an'] as const;

export const MACSEC_FAMILIES: readonly TunnelFamily[] = [
  counters(
    'macsec_packets',
    'The packet counters of ip -s macsec show; part: secy, txsc, txsa, rxsc, rxsa',
    [...PLACE, 'counter'],
    (tunnel) => counted(tunnel, (name) => !isOctets(name)),
  ),
  counters('macsec_bytes', 'The octet counters of ip -s macsec show', [...PLACE, 'counter'], (tunnel) =>
    counted(tunnel, isOctets),
  ),
  gauges('macsec_next_pn', 'Next packet number of each SA', PLACE, ({ macsec }) =>
    macsec === null ? [] : sasOf(macsec).map(([place, { pn }]): Sample => [Number(pn), ...place]),
  ),
  gauge('macsec_pn_left', 'Packet numbers that are left to the SA that is transmitted with', ({ pn_left }) =>
    pn_left === null ? null : Number(pn_left),
  ),
  gauge(
    'macsec_pn_used_ratio',
    'How much of its packet numbers the SA that is transmitted with has used, 0 to 1',
    ({ pn_usage }) => pn_usage?.used_ratio ?? null,
  ),
  gauge(
    'macsec_pn_exhaustion_seconds',
    'Until they are used up at the rate of the last minute; none: nothing was sent',
    ({ pn_usage }) => pn_usage?.exhaustion_seconds ?? null,
  ),
  gauges(
    'macsec_peer_began_again',
    'Late frames since the last accepted, of a peer that began again at packet number 1',
    ['sci', 'an'],
    ({ seen }) => (seen?.began_again ?? []).map(({ sci, an, frames }): Sample => [frames, sci, String(an)]),
  ),
];

type Place = readonly [part: string, sci: string, an: string];

function isOctets(counter: string): boolean {
  return counter.includes('Octets');
}

function counted({ macsec }: TunnelSnapshot, isWanted: (counter: string) => boolean): Sample[] {
  if (macsec === null) return [];
  return statsOf(macsec).flatMap(([place, stats]) =>
    Object.entries(stats).flatMap(([counter, value]): Sample[] =>
      isWanted(counter) ? [[value, ...place, counter]] : [],
    ),
  );
}

function statsOf(macsec: MacsecSnapshot): [Place, Counters][] {
  const { sci, stats, tx_stats, rx_sc } = macsec;
  return [
    [['secy', sci, ''], stats],
    [['txsc', sci, ''], tx_stats],
    ...rx_sc.map((sc): [Place, Counters] => [['rxsc', sc.sci, ''], sc.stats]),
    ...sasOf(macsec).map(([place, sa]): [Place, Counters] => [place, sa.stats]),
  ];
}

function sasOf({ sci, sa_list, rx_sc }: MacsecSnapshot): [Place, SaSnapshot][] {
  const placed = (part: string, owner: string, list: readonly SaSnapshot[]): [Place, SaSnapshot][] =>
    list.map((sa) => [[part, owner, String(sa.an)], sa]);
  return [...placed('txsa', sci, sa_list), ...rx_sc.flatMap((sc) => placed('rxsa', sc.sci, sc.sa_list))];
}
