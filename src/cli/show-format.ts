/**
 * A tunnel's snapshot as iproute2 prints a macsec device, text and JSON (iproute2 6.1 was asked), octet for octet where
 * it has a word for it. What only we have follows: in text a block `l2vpnd:`, in JSON an object of that name.
 */

import { isIP } from 'node:net';
import type { Counters } from '../api/counters.ts';
import { shownSettings } from '../api/macsec-settings.ts';
import type {
  BridgeSnapshot,
  ControlFramesSnapshot,
  DownSnapshot,
  MacsecSnapshot,
  PeerSnapshot,
  RxScSnapshot,
  SaSnapshot,
  SeenSnapshot,
  TunnelSnapshot,
} from '../api/tunnel.ts';
import { mkaJson, mkaLines } from './show-mka.ts';

const onOff = (value: boolean): string => (value ? 'on' : 'off');

/** The JSON object of one tunnel; counters only with `statistics`. */
export function jsonOf(tunnel: TunnelSnapshot, statistics: boolean): object {
  const { macsec } = tunnel;
  const stats = (counters: Counters): Counters => (statistics ? counters : {});
  const sa = (one: SaSnapshot): object => ({
    an: one.an,
    pn: one.pn,
    ...(one.ssci === undefined ? {} : { ssci: hexOf(one.ssci) }),
    active: one.active,
    key: one.key,
    ...stats(one.stats),
  });
  const secy = macsec && {
    ...Object.fromEntries(shownSettings(macsec)),
    cipher_suite: macsec.cipher_suite,
    icv_length: macsec.icv_length,
    sci: hexOf(macsec.sci),
    encoding_sa: macsec.encoding_sa,
    ...stats(macsec.stats),
    ...stats(macsec.tx_stats),
    sa_list: macsec.sa_list.map(sa),
    rx_sc: macsec.rx_sc.map((sc) => ({
      sci: hexOf(sc.sci),
      active: sc.active,
      ...stats(sc.stats),
      sa_list: sc.sa_list.map(sa),
    })),
    offload: 'off',
  };
  return { ifindex: tunnel.ifindex, ifname: tunnel.ifname, ...secy, l2vpnd: extrasOf(tunnel, statistics) };
}

/** iproute2 prints these as numbers in hex: without leading zeros. */
function hexOf(digits: string): string {
  return `0x${BigInt(`0x${digits}`).toString(16)}`;
}

function extrasOf(tunnel: TunnelSnapshot, statistics: boolean): object {
  const {
    name,
    mtu,
    path_mtu,
    path,
    local,
    remote,
    endpoint,
    waits_for,
    encap,
    aead,
    faster_runtime,
    pn_left,
  } = tunnel;
  const { bridge, peer, carrier, control_frames, rotation, agreement, seen, tx, rx, drops, icmp } = tunnel;
  const extras = {
    name,
    up_since: tunnel.up_since,
    mtu,
    path_mtu,
    path: { limit: path.limit, since: path.since, because: path.because, search: path.search },
    local,
    remote,
    endpoint,
    waits_for,
    encap,
    aead,
    faster_runtime,
    pn_left,
    rotation,
    peer,
    bridge,
    carrier,
    control_frames: control_frames && controlFramesJson(control_frames, statistics),
    peer_last_seen: rx.last,
    seen: seen === null ? null : seenJson(seen),
    mka: agreement && mkaJson(agreement, statistics),
  };
  return statistics ? { ...extras, tx, rx, drops, icmp, icmp_too_big: path.icmp_too_big } : extras;
}

function controlFramesJson(frames: ControlFramesSnapshot, statistics: boolean): object {
  const { live_sci, keepalive } = frames;
  return statistics ? frames : { live_sci, keepalive };
}

function seenJson({ began_again, unused_sa, unknown_sci }: SeenSnapshot): object {
  const withHex = <T extends { sci: string }>(one: T): T => ({ ...one, sci: hexOf(one.sci) });
  return {
    began_again: began_again.map(withHex),
    unused_sa: unused_sa && withHex(unused_sa),
    unknown_sci: unknown_sci && withHex(unknown_sci),
  };
}

/** The text of one tunnel, ending in a newline. */
export function textOf(tunnel: TunnelSnapshot, statistics: boolean): string {
  const { macsec } = tunnel;
  const head = `${tunnel.ifindex}: ${tunnel.ifname}: `;
  const lines = macsec === null ? [`${head}gretap, in clear`] : macsecLines(head, macsec, statistics);
  return `${[...lines, ...extraLines(tunnel, statistics)].join('\n')}\n`;
}

function macsecLines(head: string, macsec: MacsecSnapshot, statistics: boolean): string[] {
  const settings = shownSettings(macsec).map(([name, value]) => {
    return `${name} ${typeof value === 'boolean' ? onOff(value) : value} `;
  });
  const stats = (counters: Counters): string[] => (statistics ? statLines(counters) : []);
  return [
    head + settings.join(''),
    `    cipher suite: ${macsec.cipher_suite}, using ICV length ${macsec.icv_length}`,
    `    TXSC: ${macsec.sci} on SA ${macsec.encoding_sa}`,
    ...stats(macsec.stats),
    ...stats(macsec.tx_stats),
    ...macsec.sa_list.flatMap((sa) => [saLine(sa), ...stats(sa.stats)]),
    ...macsec.rx_sc.flatMap((sc) => rxScLines(sc, stats)),
    '    offload: off ',
  ];
}

function rxScLines(sc: RxScSnapshot, stats: (counters: Counters) => string[]): string[] {
  return [
    `    RXSC: ${sc.sci}, state ${onOff(sc.active)}`,
    ...stats(sc.stats),
    ...sc.sa_list.flatMap((sa) => [saLine(sa), ...stats(sa.stats)]),
  ];
}

/** The comma without a space, and the missing one, are iproute2's. */
function saLine(sa: SaSnapshot): string {
  const ssci = sa.ssci === undefined ? ', ' : `,SSCI ${sa.ssci} `;
  return `        ${sa.an}: PN ${sa.pn}${ssci}state ${onOff(sa.active)}, key ${sa.key}`;
}

/** Names on a line, and under the end of each its value. */
function statLines(counters: Counters): string[] {
  const entries = Object.entries(counters);
  const names = entries.map(([name]) => ` ${name}`).join('');
  const values = entries.map(([name, value]) => String(value).padStart(name.length + 1)).join('');
  return [`    stats:${names}`, `          ${values}`];
}

function extraLines(tunnel: TunnelSnapshot, statistics: boolean): string[] {
  const { tx, rx } = tunnel;
  const encap = tunnel.encap === 'none' ? '' : ` over ${tunnel.encap.toUpperCase()}`;
  const lines = [
    `    l2vpnd: tunnel ${tunnel.name}, ${tunnel.local} to ${peerPlace(tunnel)}${encap}, aead ${tunnel.aead ?? 'none'}`,
    ...(tunnel.waits_for === null ? [] : [`        not connected: ${tunnel.waits_for}`]),
    `        mtu ${tunnel.mtu}, path mtu ${tunnel.path_mtu}, peer last seen ${rx.last ?? 'never'}`,
    `        peer ${peerText(tunnel.peer)}`,
  ];
  if (tunnel.bridge !== null) lines.push(`        ${bridgeText(tunnel.bridge)}`);
  const { carrier, control_frames } = tunnel;
  if (carrier !== null)
    lines.push(`        carrier ${carrier.state} since ${carrier.since}: ${carrier.reason}`);
  if (control_frames !== null) lines.push(...controlFrameLines(control_frames, statistics));
  const { limit, since, because, search } = tunnel.path;
  if (limit !== 'link') lines.push(`        path mtu since ${since}: ${because}`);
  if (search !== 'stopped') lines.push(`        path mtu probes: ${search}`);
  if (tunnel.pn_left !== null) lines.push(`        packet numbers left ${tunnel.pn_left}`);
  if (tunnel.rotation !== null) {
    lines.push(`        rotation to AN ${tunnel.rotation.an}: ${tunnel.rotation.state}`);
  }
  if (tunnel.agreement !== null) {
    lines.push(...mkaLines(tunnel.agreement, statistics).map((line) => `        ${line}`));
  }
  for (const { sci, an, text } of tunnel.seen?.began_again ?? [])
    lines.push(`        RXSC ${sci}, AN ${an}: ${text}`);
  if (tunnel.seen?.unused_sa) lines.push(`        refused: ${tunnel.seen.unused_sa.text}`);
  if (!statistics) return lines;
  for (const [name, { frames_out, octets_out }] of [
    ['tx', tx],
    ['rx', rx],
  ] as const) {
    lines.push(`        ${name}: ${frames_out} frames, ${octets_out} octets`);
  }
  lines.push(`        dropped: ${occurred(tunnel.drops) || 'nothing'}`);
  const icmp = occurred(tunnel.icmp);
  if (icmp !== '') lines.push(`        icmp errors: ${icmp}`);
  const tooBig = occurred(tunnel.path.icmp_too_big);
  if (tooBig !== '') lines.push(`        icmp too big: ${tooBig}`);
  if (tunnel.seen?.unknown_sci) lines.push(`        last refused: ${tunnel.seen.unknown_sci.text}`);
  return lines;
}

/** `192.0.2.1:4754`, `192.0.2.1 (hub.example.net)`. */
function peerPlace({ endpoint, remote }: TunnelSnapshot): string {
  if (endpoint === null) return remote;
  const isName = isIP(remote) === 0 && remote !== 'dynamic';
  return isName ? `${endpoint} (${remote})` : endpoint;
}

function controlFrameLines(frames: ControlFramesSnapshot, statistics: boolean): string[] {
  const { live_sci, keepalive, frames_in, frames_out, refused } = frames;
  const name = keepalive ? 'keepalive' : 'control frames';
  const lines = [`        ${name}: ${live_sci === null ? 'no peer is live' : `peer ${live_sci} is live`}`];
  if (statistics)
    lines.push(`            ${frames_in} in, ${frames_out} out, refused: ${occurred(refused) || 'nothing'}`);
  return lines;
}

const NO_PORT = {
  joined: 'left just now',
  waiting: 'waits for it: there is none of that name',
  elsewhere: 'moved to another by somebody',
  taken: 'taken out by somebody, until a reload or a restart',
};

/** Settings by their names in `bridge -d link` and `bridge vlan`. */
function bridgeText({ name, membership, port, vlans }: BridgeSnapshot): string {
  if (membership !== 'joined' || port === null) return `bridge ${name}: ${NO_PORT[membership]}`;
  const flags = (one: { pvid: boolean; untagged: boolean }): string =>
    `${one.pvid ? ' pvid' : ''}${one.untagged ? ' untagged' : ''}`;
  const ofVlans = vlans === null ? '' : `, vlan ${vlans.map((one) => `${one.vid}${flags(one)}`).join(', ')}`;
  return `bridge ${name}: ${port.state}, isolated ${onOff(port.isolated)}, cost ${port.cost}, priority ${port.priority}${ofVlans}`;
}

/** What is not 0: `GreKey 3, InPktsLate 1`. */
function occurred(counters: Counters): string {
  const some = Object.entries(counters).filter(([, value]) => value > 0);
  return some.map(([name, value]) => `${name} ${value}`).join(', ');
}

function peerText({ state, since, last_authentic }: PeerSnapshot): string {
  if (state === 'unknown') return 'unknown: no authentic frame has come yet';
  if (state === 'unwatched') return 'not watched (peerTimeoutSeconds is 0)';
  if (state === 'alive') return `alive since ${since}`;
  const ago = Math.round((Date.now() - Date.parse(since!)) / 1000);
  const ever = last_authentic === null ? 'nothing authentic has come at all' : 'nothing authentic comes';
  return `lost since ${since}, ${ago} s ago: ${ever}`;
}

/** What is the same for all tunnels of a daemon and has no line of theirs: that a faster runtime is to be had. */
export function fasterRuntimeText(tunnels: readonly TunnelSnapshot[]): string {
  const text = tunnels.find((tunnel) => tunnel.faster_runtime)?.faster_runtime;
  return text ? `${text}\n` : '';
}

/** A tunnel that is down has no device to print, only what we know of it. */
export function downJson({ ifname, ...down }: DownSnapshot): object {
  return { ifname, l2vpnd: { ...down, state: 'down' } };
}

export function downText({ name, ifname, reason, since, retry_seconds }: DownSnapshot): string {
  return `${ifname}: tunnel ${name} is down since ${since}: ${reason}; tried again after ${retry_seconds} s\n`;
}
