/** A SecY as `ip -j -s macsec show` tells of one: its configuration as it runs, and its counters under the kernel's names. */
import { macsecSettings } from '../api/macsec-settings.ts';
import type { MacsecSnapshot, RxScSnapshot, SaSnapshot } from '../api/tunnel.ts';
import { isXpn } from '../crypto/cipher-suite.ts';
import type { MacsecConfig, RxScConfig, SaConfig } from '../macsec/config.ts';
import {
  countersAt,
  RX_SA_COUNTERS,
  RX_SC_COUNTERS,
  RxSaCounter,
  readNextPn,
  SECY_COUNTERS,
  TX_SA_COUNTERS,
  TX_SC_COUNTERS,
  TxSaCounter,
} from '../macsec/counters.ts';
import { pnToJson } from '../macsec/pn-json.ts';
import type { SecyView } from '../tunnel/view.ts';
import { named } from './named.ts';

export function macsecSnapshot(secy: SecyView, counters: Float64Array): MacsecSnapshot {
  const { config } = secy;
  return {
    ...macsecSettings(config),
    cipher_suite: config.cipher.toUpperCase(),
    icv_length: config.icvLen,
    sci: secy.sci,
    encoding_sa: config.encodingSa,
    stats: named(SECY_COUNTERS, counters, countersAt.secy),
    tx_stats: named(TX_SC_COUNTERS, counters, countersAt.txSc),
    sa_list: config.txSa.map((sa) => txSaSnapshot(secy, sa, counters)),
    rx_sc: config.rxSc.map((sc) => rxScSnapshot(secy, sc, counters)),
  };
}

/** An SA whose numbers are used up is what Linux makes of it: switched off, its next PN back at 0. */
function txSaSnapshot(secy: SecyView, sa: SaConfig, counters: Float64Array): SaSnapshot {
  const { start, end } = secy.txSa(sa.an);
  const published = readNextPn(counters, countersAt.txSa(sa.an) + TxSaCounter.nextPn);
  const next = published > start ? published : start;
  return {
    ...saSnapshot(secy.config, sa),
    active: sa.active && next < end,
    pn: next < end ? pnToJson(next) : 0,
    stats: named(TX_SA_COUNTERS, counters, countersAt.txSa(sa.an)),
  };
}

function rxScSnapshot(secy: SecyView, sc: RxScConfig, counters: Float64Array): RxScSnapshot {
  const place = secy.rxPlace(sc.sci);
  return {
    sci: sc.sci,
    active: sc.active,
    stats: named(RX_SC_COUNTERS, counters, countersAt.rxSc(place)),
    sa_list: sc.sa.map((sa) => ({
      ...saSnapshot(secy.config, sa),
      pn: pnToJson(readNextPn(counters, countersAt.rxSa(place, sa.an) + RxSaCounter.nextPn)),
      stats: named(RX_SA_COUNTERS, counters, countersAt.rxSa(place, sa.an)),
    })),
  };
}

function saSnapshot(config: MacsecConfig, sa: SaConfig): Omit<SaSnapshot, 'pn' | 'stats'> {
  const ssci =
    isXpn(config.cipher) && sa.ssci !== null ? { ssci: sa.ssci.toString(16).padStart(8, '0') } : {};
  return { an: sa.an, active: sa.active, key: sa.keyId.padEnd(32, '0'), ...ssci };
}
