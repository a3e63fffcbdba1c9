/** Makes what `show`, the metrics and the control socket tell of a tunnel (`api/tunnel.ts`) of its lanes' counters. */

import { macsecSettings } from '../api/macsec-settings.ts';
import type {
  Counters,
  MacsecSnapshot,
  RxScSnapshot,
  SaSnapshot,
  TrafficSnapshot,
  TunnelSnapshot,
} from '../api/tunnel.ts';
import { isXpn } from '../crypto/cipher-suite.ts';
import { DROP_TEXTS } from '../frame/drop.ts';
import { Traffic } from '../frame/lane-counters.ts';
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
import { type PnJson, pnToJson } from '../macsec/pn-json.ts';
import { endpointText } from '../ports/udp-socket-port.ts';
import { totalsOf } from '../tunnel/totals.ts';
import type { Tunnel } from '../tunnel/tunnel.ts';

export function snapshotOf(tunnel: Tunnel, aead: string): TunnelSnapshot {
  const totals = totalsOf(tunnel);
  const { config } = tunnel;
  return {
    name: config.name,
    ifindex: tunnel.ifindex,
    ifname: config.tap.ifname,
    mtu: tunnel.mtu,
    path_mtu: tunnel.pathMtu,
    local: config.gre.local,
    remote: config.gre.remote,
    endpoint: endpointOf(tunnel),
    encap: config.gre.encap,
    aead: config.macsec === null ? null : aead,
    rotation: null,
    pn_left: pnLeft(tunnel),
    tx: trafficSnapshot(totals.tx),
    rx: trafficSnapshot(totals.rx),
    drops: named(
      DROP_TEXTS.slice(1).map(({ name }) => name),
      totals.drops,
      1,
    ),
    macsec: config.macsec === null ? null : macsecSnapshot(tunnel, config.macsec, totals.secy),
  };
}

function endpointOf(tunnel: Tunnel): string | null {
  const { endpoint } = tunnel.lanes[0]!;
  return endpoint === null ? null : endpointText(endpoint);
}

function pnLeft(tunnel: Tunnel): PnJson | null {
  const tx = tunnel.numbers?.txOf(tunnel.config.macsec?.encodingSa ?? 0);
  return tx === undefined ? null : pnToJson(tx.end - tx.taken);
}

function trafficSnapshot(traffic: Float64Array): TrafficSnapshot {
  const lastMs = traffic[Traffic.lastMs]!;
  return {
    frames_in: traffic[Traffic.inFrames]!,
    octets_in: traffic[Traffic.inOctets]!,
    frames_out: traffic[Traffic.outFrames]!,
    octets_out: traffic[Traffic.outOctets]!,
    batches: traffic[Traffic.batches]!,
    last: lastMs === 0 ? null : new Date(lastMs).toISOString(),
  };
}

function macsecSnapshot(tunnel: Tunnel, config: MacsecConfig, counters: Float64Array): MacsecSnapshot {
  return {
    ...macsecSettings(config),
    cipher_suite: config.cipher.toUpperCase(),
    icv_length: config.icvLen,
    sci: tunnel.sci,
    encoding_sa: config.encodingSa,
    stats: named(SECY_COUNTERS, counters, countersAt.secy),
    tx_stats: named(TX_SC_COUNTERS, counters, countersAt.txSc),
    sa_list: config.txSa.map((sa) => txSaSnapshot(tunnel, config, sa, counters)),
    rx_sc: config.rxSc.map((sc) => rxScSnapshot(config, sc, tunnel.numbers!.indexOf(sc.sci), counters)),
  };
}

/** An SA whose numbers are used up is what Linux makes of it: switched off, its next PN back at 0. */
function txSaSnapshot(
  tunnel: Tunnel,
  config: MacsecConfig,
  sa: SaConfig,
  counters: Float64Array,
): SaSnapshot {
  const { start, end } = tunnel.numbers!.txOf(sa.an)!;
  const published = readNextPn(counters, countersAt.txSa(sa.an) + TxSaCounter.nextPn);
  const next = published > start ? published : start;
  return {
    ...saSnapshot(config, sa),
    active: sa.active && next < end,
    pn: next < end ? pnToJson(next) : 0,
    stats: named(TX_SA_COUNTERS, counters, countersAt.txSa(sa.an)),
  };
}

function rxScSnapshot(
  config: MacsecConfig,
  sc: RxScConfig,
  index: number,
  counters: Float64Array,
): RxScSnapshot {
  return {
    sci: sc.sci,
    active: sc.active,
    stats: named(RX_SC_COUNTERS, counters, countersAt.rxSc(index)),
    sa_list: sc.sa.map((sa) => ({
      ...saSnapshot(config, sa),
      pn: pnToJson(readNextPn(counters, countersAt.rxSa(index, sa.an) + RxSaCounter.nextPn)),
      stats: named(RX_SA_COUNTERS, counters, countersAt.rxSa(index, sa.an)),
    })),
  };
}

function saSnapshot(config: MacsecConfig, sa: SaConfig): Omit<SaSnapshot, 'pn' | 'stats'> {
  const ssci =
    isXpn(config.cipher) && sa.ssci !== null ? { ssci: sa.ssci.toString(16).padStart(8, '0') } : {};
  return { an: sa.an, active: sa.active, key: sa.keyId.padEnd(32, '0'), ...ssci };
}

function named(names: readonly string[], values: Float64Array, at: number): Counters {
  return Object.fromEntries(names.map((name, i) => [name, values[at + i]!]));
}
