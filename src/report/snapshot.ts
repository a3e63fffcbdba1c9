/** Makes what `show`, the metrics and the control socket tell of a tunnel (`api/tunnel.ts`) of its lanes' counters. */

import type { Counters } from '../api/counters.ts';
import type { RotationStatus } from '../api/rotate.ts';
import type {
  BridgeSnapshot,
  CarrierSnapshot,
  ControlFramesSnapshot,
  PathSnapshot,
  PeerSnapshot,
  TrafficSnapshot,
  TunnelSnapshot,
} from '../api/tunnel.ts';
import { fasterRuntime } from '../crypto/faster-runtime.ts';
import { DROP_TEXTS } from '../frame/drop.ts';
import { ICMP_TEXTS } from '../frame/icmp.ts';
import { Traffic } from '../frame/lane-counters.ts';
import { vlanToJson } from '../host/bridge-port.ts';
import type { MkaSnapshot } from '../keys/mka/snapshot.ts';
import type { LinkSnapshot } from '../link/link-control.ts';
import { type PnJson, pnToJson } from '../macsec/pn-json.ts';
import type { PathView } from '../tunnel/path.ts';
import type { CarrierView, SecyView, TunnelView } from '../tunnel/view.ts';
import { agreementSnapshot } from './agreement-snapshot.ts';
import { DROP_REASONS } from './drop-reasons.ts';
import { icmpErrors } from './icmp-errors.ts';
import { macsecSnapshot } from './macsec-snapshot.ts';
import { named } from './named.ts';
import { seenOf } from './seen.ts';

/** What a tunnel's key source tells. */
export interface KeysView {
  readonly rotation: RotationStatus | null;
  readonly agreement: MkaSnapshot | null;
}

/** What a tunnel's control frames tell. */
export interface LinkView {
  readonly isKeepalive: boolean;
  readonly snapshot: LinkSnapshot;
}

const UNKNOWN_PEER: PeerSnapshot = { state: 'unknown', since: null, last_authentic: null };

/** `aead`: the name of the provider that all lanes use. */
export function snapshotOf(
  tunnel: TunnelView,
  aead: string,
  keys: KeysView | null,
  peer: PeerSnapshot = UNKNOWN_PEER,
  link: LinkView | null = null,
): TunnelSnapshot {
  const { name, ifname, gre, ends, secy } = tunnel;
  const totals = tunnel.totals();
  const agreement = keys?.agreement ?? null;
  return {
    name,
    up_since: tunnel.upSince.toISOString(),
    ifindex: tunnel.ifindex,
    ifname,
    bridge: bridgeSnapshot(tunnel),
    mtu: tunnel.mtu,
    path_mtu: tunnel.pathMtu,
    path: pathSnapshot(tunnel.path),
    local: gre.local,
    remote: ends?.remote ?? gre.remote,
    endpoint: tunnel.endpoint ?? foundAddress(tunnel),
    waits_for: ends?.waitsFor ?? null,
    encap: gre.encap,
    aead: secy === null ? null : aead,
    faster_runtime: secy === null ? null : fasterRuntime(),
    peer,
    carrier: tunnel.carrier === null ? null : carrierSnapshot(tunnel.carrier),
    control_frames: link === null ? null : controlFrames(link),
    rotation: keys?.rotation ?? null,
    agreement: agreement === null ? null : agreementSnapshot(agreement),
    pn_left: pnLeft(secy),
    tx: trafficSnapshot(totals.tx),
    rx: trafficSnapshot(totals.rx),
    gre_checksums_left: totals.rx[Traffic.greChecksumsLeft]!,
    drops: dropCounters(totals.drops),
    seen: secy === null ? null : seenOf(secy, totals.secy, tunnel.agreesKeys),
    icmp: named(ICMP_NAMES, icmpErrors(tunnel), 0),
    macsec: secy === null ? null : macsecSnapshot(secy, totals.secy),
  };
}

/** Of a peer whose host name the file has. */
function foundAddress({ gre, ends }: TunnelView): string | null {
  return ends === null || ends.waitsFor !== null || ends.remote === gre.remote ? null : gre.remote;
}

function carrierSnapshot({ isUp, reason, since }: CarrierView): CarrierSnapshot {
  return { state: isUp ? 'up' : 'down', reason, since: since.toISOString() };
}

function controlFrames({ isKeepalive, snapshot }: LinkView): ControlFramesSnapshot {
  const { peerSci, received, sent, refused } = snapshot;
  return {
    ...{ live_sci: peerSci, keepalive: isKeepalive, frames_in: received, frames_out: sent },
    refused: Object.fromEntries(refused),
  };
}

function pathSnapshot({ limit, since, because, claims, search }: PathView): PathSnapshot {
  return { limit, since: new Date(since).toISOString(), because, search, icmp_too_big: { ...claims } };
}

function bridgeSnapshot({ tap, bridgePort }: TunnelView): BridgeSnapshot | null {
  if (tap.bridge === null || bridgePort === null) return null;
  const { membership, info } = bridgePort;
  return {
    name: tap.bridge,
    membership,
    port: info && { ...info },
    vlans: tap.vlans?.map(vlanToJson) ?? null,
  };
}

function dropCounters(drops: Float64Array): Counters {
  return Object.fromEntries(DROP_REASONS.map((reason) => [DROP_TEXTS[reason]!.name, drops[reason]!]));
}

const ICMP_NAMES: readonly string[] = ICMP_TEXTS.map(({ name }) => name);

function pnLeft(secy: SecyView | null): PnJson | null {
  const encoding = secy?.encoding ?? null;
  return encoding === null ? null : pnToJson(encoding.end - encoding.taken);
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
