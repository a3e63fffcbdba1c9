/**
 * What `show`, the metrics and the control socket tell of a tunnel: the lanes' counters added up, with the keys of
 * `ip -j -s macsec show`, and beside them what the kernel does not have.
 */

import { isXpn, type MacsecConfig, type RxScConfig, type SaConfig } from '../config/types.ts';
import { DROP_TEXTS } from '../datapath/drop.ts';
import { laneCounters, Traffic } from '../datapath/lane-counters.ts';
import { endpointText } from '../io/udp-socket-port.ts';
import { MAX_RX_SC } from '../macsec/configure.ts';
import {
  countersAt,
  nextPnsAt,
  RX_SA_COUNTERS,
  RX_SC_COUNTERS,
  RxSaCounter,
  SECY_COUNTERS,
  secyCountersLen,
  TX_SA_COUNTERS,
  TX_SC_COUNTERS,
  TxSaCounter,
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
  /** How often at least one frame came in at once: `frames_in / batches` is the mean batch. */
  batches: number;
  /** When a frame last went all the way; null: never. */
  last: string | null;
}

export interface TunnelSnapshot {
  name: string;
  ifindex: number;
  ifname: string;
  mtu: number;
  path_mtu: number;
  local: string;
  /** As configured; `endpoint` is where packets go, null where that is the same or not known yet. */
  remote: string;
  endpoint: string | null;
  encap: string;
  aead: string | null;
  /** The key change under way or the last one; null: none since the start. */
  rotation: { an: number; state: string } | null;
  /** Packet numbers that the encoding SA can still use; null without MACsec. */
  pn_left: number | null;
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
  const rxScCount = tunnel.config.macsec === null ? 0 : MAX_RX_SC;
  const totals: TunnelTotals = {
    tx: new Float64Array(8),
    rx: new Float64Array(8),
    drops: new Float64Array(DROP_TEXTS.length),
    secy: new Float64Array(secyCountersLen(rxScCount)),
  };
  const latest = nextPnsAt(rxScCount);
  for (const lane of tunnel.lanes) {
    const counters = laneCounters(lane.counters);
    add(lane.direction === 'transmit' ? totals.tx : totals.rx, counters.traffic, [Traffic.lastMs]);
    add(totals.drops, counters.drops, []);
    add(totals.secy, counters.secy, latest);
  }
  return totals;
}

/** Adds `from` to `into`; at `latest` the higher one stays. */
function add(into: Float64Array, from: Float64Array, latest: readonly number[]): void {
  const before = latest.map((i) => into[i]!);
  for (let i = 0; i < into.length; i++) into[i]! += from[i]!;
  latest.forEach((at, i) => {
    into[at] = Math.max(before[i]!, from[at]!);
  });
}

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

function pnLeft(tunnel: Tunnel): number | null {
  const tx = tunnel.numbers?.txOf(tunnel.config.macsec?.encodingSa ?? 0);
  return tx === undefined ? null : tx.end - tx.taken;
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
  const next = Math.max(start, counters[countersAt.txSa(sa.an) + TxSaCounter.nextPn]!);
  return {
    ...saSnapshot(config, sa),
    active: sa.active && next < end,
    pn: next < end ? next : 0,
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
