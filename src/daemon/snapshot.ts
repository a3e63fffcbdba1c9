/**
 * What `show`, the metrics and the control socket tell of a tunnel: the lanes' counters added up, with the keys of
 * `ip -j -s macsec show`, and beside them what the kernel does not have.
 */
import { isXpn, type MacsecConfig, type RxScConfig, type SaConfig } from '../config/types.ts';
import { DROP_TEXTS } from '../datapath/drop.ts';
import { laneCounters, Traffic } from '../datapath/lane-counters.ts';
import {
  countersAt,
  RX_SA_COUNTERS,
  RX_SC_COUNTERS,
  RxSaCounter,
  SECY_COUNTERS,
  secyCountersLen,
  TX_SA_COUNTERS,
  TX_SC_COUNTERS,
} from '../macsec/counters.ts';
import type { Tunnel } from './tunnel.ts';

export type Counters = Record<string, number>;

export interface SaSnapshot {
  an: number;
  pn: number;
  active: boolean;
  /** The key's identifier as the kernel prints it: 32 hex digits. */
  key: string;
  ssci?: string;
  stats: Counters;
}

export interface RxScSnapshot {
  sci: string;
  active: boolean;
  stats: Counters;
  sa_list: SaSnapshot[];
}

/** The keys of `ip -j -s macsec show`. */
export interface MacsecSnapshot {
  protect: boolean;
  validate: string;
  encrypt: boolean;
  send_sci: boolean;
  end_station: boolean;
  scb: boolean;
  replay: boolean;
  window?: number;
  cipher_suite: string;
  icv_length: number;
  sci: string;
  encoding_sa: number;
  stats: Counters;
  tx_stats: Counters;
  sa_list: SaSnapshot[];
  rx_sc: RxScSnapshot[];
}

export interface TrafficSnapshot {
  /** At the TAP (`tx`) or from it (`rx`): as the bridge sees them. */
  frames_in: number;
  octets_in: number;
  frames_out: number;
  octets_out: number;
  /** When a frame last went all the way; null: never. */
  last: string | null;
}

export interface TunnelSnapshot {
  name: string;
  ifname: string;
  mtu: number;
  path_mtu: number;
  local: string;
  remote: string;
  encap: string;
  aead: string | null;
  tx: TrafficSnapshot;
  rx: TrafficSnapshot;
  /** Frames dropped, by reason; reasons that have not occurred included. */
  drops: Counters;
  macsec: MacsecSnapshot | null;
}

/** The counters of all lanes of a tunnel, one direction's traffic apart. */
export interface TunnelTotals {
  readonly tx: Float64Array;
  readonly rx: Float64Array;
  readonly drops: Float64Array;
  readonly secy: Float64Array;
}

export function totalsOf(tunnel: Tunnel): TunnelTotals {
  const rxScCount = tunnel.config.macsec?.rxSc.length ?? 0;
  const totals: TunnelTotals = {
    tx: new Float64Array(8),
    rx: new Float64Array(8),
    drops: new Float64Array(DROP_TEXTS.length),
    secy: new Float64Array(secyCountersLen(rxScCount)),
  };
  for (const lane of tunnel.lanes) {
    const counters = laneCounters(lane.counters);
    add(lane.direction === 'transmit' ? totals.tx : totals.rx, counters.traffic, Traffic.lastMs);
    add(totals.drops, counters.drops);
    // Published next PNs are 0 in every lane but the receive lane, of which there is one.
    const isReceive = lane.direction === 'receive';
    counters.secy.forEach((value, i) => {
      if (isReceive || !isNextPn(i, rxScCount)) totals.secy[i]! += value;
    });
  }
  return totals;
}

function add(into: Float64Array, from: Float64Array, latest = -1): void {
  from.forEach((value, i) => {
    into[i] = i === latest ? Math.max(into[i]!, value) : into[i]! + value;
  });
}

function isNextPn(i: number, rxScCount: number): boolean {
  for (let sc = 0; sc < rxScCount; sc++) {
    for (let an = 0; an < 4; an++) if (i === countersAt.rxSa(sc, an) + RxSaCounter.nextPn) return true;
  }
  return false;
}

export function snapshotOf(tunnel: Tunnel, aead: string): TunnelSnapshot {
  const totals = totalsOf(tunnel);
  const { config } = tunnel;
  return {
    name: config.name,
    ifname: config.tap.ifname,
    mtu: tunnel.mtu,
    path_mtu: tunnel.pathMtu,
    local: config.gre.local,
    remote: config.gre.remote,
    encap: config.gre.encap,
    aead: config.macsec === null ? null : aead,
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

function trafficSnapshot(traffic: Float64Array): TrafficSnapshot {
  const lastMs = traffic[Traffic.lastMs]!;
  return {
    frames_in: traffic[Traffic.inFrames]!,
    octets_in: traffic[Traffic.inOctets]!,
    frames_out: traffic[Traffic.outFrames]!,
    octets_out: traffic[Traffic.outOctets]!,
    last: lastMs === 0 ? null : new Date(lastMs).toISOString(),
  };
}

function macsecSnapshot(tunnel: Tunnel, config: MacsecConfig, counters: Float64Array): MacsecSnapshot {
  return {
    protect: config.protect,
    validate: config.validate,
    encrypt: config.encrypt,
    send_sci: config.sendSci,
    end_station: config.endStation,
    scb: config.scb,
    replay: config.replayProtect,
    ...(config.replayProtect ? { window: config.replayWindow } : {}),
    cipher_suite: config.cipher.toUpperCase(),
    icv_length: config.icvLen,
    sci: tunnel.sci,
    encoding_sa: config.encodingSa,
    stats: named(SECY_COUNTERS, counters, countersAt.secy),
    tx_stats: named(TX_SC_COUNTERS, counters, countersAt.txSc),
    sa_list: config.txSa.map((sa, i) => ({
      ...saSnapshot(config, sa),
      pn: tunnel.numbers!.tx[i]!.next,
      stats: named(TX_SA_COUNTERS, counters, countersAt.txSa(sa.an)),
    })),
    rx_sc: config.rxSc.map((sc, i) => rxScSnapshot(config, sc, i, counters)),
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
      pn: counters[countersAt.rxSa(index, sa.an) + RxSaCounter.nextPn]!,
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
