/** Tunnels with key agreement (MKA). */
import type { AgreementSnapshot } from '../../api/agreement.ts';
import { byName, counters, type Family, gauge, gauges, type Sample, type TunnelFamily } from './family.ts';

const OF_AGREEMENT: readonly Family<AgreementSnapshot>[] = [
  gauge('mka_live_peers', 'Peers that are live', ({ live_peers }) => live_peers),
  gauges(
    'mka_key_server',
    '1: this end is the key server, 0: another is, or nobody; sci: of the key server',
    ['sci'],
    ({ role, key_server_sci }) => [[role === 'key server' ? 1 : 0, key_server_sci ?? '']],
  ),
  gauge('mka_sak_in_use', '1: frames are sent with an agreed key, 0: there is none', ({ encoding_an }) =>
    encoding_an === null ? 0 : 1,
  ),
  gauge('mka_sak_age_seconds', 'Age of the latest SAK; none: there is none', ({ latest }) =>
    latest === null ? null : latest.age_seconds,
  ),
  gauge(
    'mka_next_rekey_seconds',
    'Until this end replaces the SAK by time; none: it does not',
    ({ next_rekey_seconds }) => next_rekey_seconds,
  ),
  counters('mka_saks', 'SAKs, by where they were made: one each rekey', ['origin'], (agreement): Sample[] => [
    [agreement.saks_made, 'made'],
    [agreement.saks_received, 'received'],
  ]),
  counters(
    'mka_mkpdus',
    'MKPDUs sent, and received with a right ICV',
    ['direction'],
    (agreement): Sample[] => [
      [agreement.mkpdus_out, 'tx'],
      [agreement.mkpdus_in, 'rx'],
    ],
  ),
  counters(
    'mka_refused',
    'MKPDUs, and what they said, that were refused, by reason',
    ['reason'],
    ({ refused }) => byName(refused),
  ),
];

export const MKA_FAMILIES: readonly TunnelFamily[] = OF_AGREEMENT.map(ofTunnel);

/** Nothing of a tunnel with static keys. */
function ofTunnel(family: Family<AgreementSnapshot>): TunnelFamily {
  if (family.type === 'histogram') {
    return { ...family, samples: ({ agreement }) => (agreement === null ? [] : family.samples(agreement)) };
  }
  return { ...family, samples: ({ agreement }) => (agreement === null ? [] : family.samples(agreement)) };
}
