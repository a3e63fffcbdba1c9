/**
 * One tunnel's resources, opened in the order in which they may fail without harm: packet numbers (and with them the
 * lock against a second sender), path MTU, TAP, socket. What the lanes need of them goes to the workers as specs.
 */

import { networkInterfaces } from 'node:os';
import type { GreConfig, TunnelConfig } from '../config/types.ts';
import { L2vpnError } from '../errors.ts';
import { closeFds } from '../host/close.ts';
import { pathMtu } from '../host/socket.ts';
import { mtuOf, openTap } from '../host/tap.ts';
import { countersAt, RxSaCounter, readNextPn, TxSaCounter } from '../macsec/counters.ts';
import type { PnState } from '../state/state.ts';
import { sciOf } from '../wire/sci.ts';
import type { LaneSpec } from '../worker/messages.ts';
import { laneSpecs, openWire } from './lane-specs.ts';
import { type MtuArithmetic, mtuArithmetic } from './mtu.ts';
import { SecyNumbers, type TxNumbers } from './packet-numbers.ts';
import { totalsOf } from './totals.ts';

/** The smallest MTU that IPv4 demands of a link (RFC 791): below it the arithmetic has gone wrong. */
const LEAST_MTU = 68;
const ETHERNET_MTU = 1500;

export interface Tunnel {
  /** As it runs: a reload or a rotation replaces it. */
  config: TunnelConfig;
  /** Own SCI, 16 hex digits; empty without MACsec. */
  readonly sci: string;
  readonly mac: string;
  readonly ifindex: number;
  readonly mtu: number;
  /** The lanes are taking over new SAs: what they have published is not about these yet. */
  settling: boolean;
  /** As the kernel's route had it last. */
  pathMtu: number;
  readonly overhead: number;
  readonly arithmetic: MtuArithmetic;
  /** Null without MACsec. */
  readonly numbers: SecyNumbers | null;
  readonly lanes: readonly LaneSpec[];
  readonly fds: readonly number[];
}

/** Opens everything of `config`, which is `tunnels[index]`. Throws L2vpnError; nothing is left open then. */
export function openTunnel(config: TunnelConfig, index: number, state: PnState): Tunnel {
  const undo: (() => void)[] = [];
  try {
    return open(config, `tunnels[${index}]`, state, undo);
  } catch (error) {
    for (const step of undo.reverse()) step();
    throw error;
  }
}

function open(config: TunnelConfig, place: string, state: PnState, undo: (() => void)[]): Tunnel {
  const { tap, gre, macsec } = config;
  const path = gre.remote === 'dynamic' ? linkMtu(gre.local) : pathMtu(gre.local, gre.remote, `${place}.gre`);
  const arithmetic = mtuArithmetic(path, gre, macsec);
  const mtu = tap.mtu === 'auto' ? arithmetic.mtu : tap.mtu;
  if (mtu < LEAST_MTU) {
    throw new L2vpnError(
      'L2VPN_CONFIG',
      `${place}.tap.mtu: the path to ${gre.remote} leaves ${mtu} octets; raise the MTU of the underlay`,
    );
  }
  const mac = tap.mac ?? randomMac();
  const sci = macsec === null ? '' : sciOf(mac, macsec.port);
  const numbers = macsec === null ? null : new SecyNumbers(state, sci);
  const secy = numbers === null || macsec === null ? null : numbers.configure(macsec);
  if (numbers !== null) undo.push(() => numbers.close(() => 0n));
  const opened = openTap({ ...tap, mac, mtu }, `${place}.tap`);
  const tapFds = [...new Set([...opened.fds, opened.writeFd])];
  undo.push(() => closeFds(tapFds));
  const wireFd = openWire(config, place);
  // What a gretap below would carry: SecTAG and ICV are inside.
  const gretap = mtuArithmetic(path, gre, null);
  const lowerMtu = Math.max(gretap.mtu, mtu + arithmetic.overhead - gretap.overhead);
  const lanes = laneSpecs(config, opened, wireFd, secy, lowerMtu, mtu);
  return {
    config,
    sci,
    mac,
    ifindex: opened.ifindex,
    settling: false,
    mtu,
    pathMtu: path,
    overhead: arithmetic.overhead,
    arithmetic,
    numbers,
    lanes,
    fds: [...tapFds, wireFd],
  };
}

/** What is known of the path while the peer is not: the MTU of the link that has the local address. */
function linkMtu(local: string): number {
  for (const [ifname, addresses] of Object.entries(networkInterfaces())) {
    if (addresses?.some(({ address }) => address === local)) return mtuOf(ifname);
  }
  return ETHERNET_MTU;
}

/** Locally administered, unicast (IEEE 802 8.2.2), as the kernel's `eth_random_addr` makes them. */
function randomMac(): string {
  const octets = crypto.getRandomValues(new Uint8Array(6));
  octets[0] = (octets[0]! & 0xfc) | 0x02;
  return Array.from(octets, (octet) => octet.toString(16).padStart(2, '0')).join(':');
}

/**
 * Asks the kernel for the path's MTU again, which ICMP may have lowered since: returns the new limit of the lanes where
 * it has changed, else null. A socket with IP_HDRINCL is not told by the kernel what the path beyond the link carries.
 */
export function checkPath(tunnel: Tunnel): number | null {
  const { gre } = tunnel.config;
  if (gre.remote === 'dynamic' || !gre.df) return null;
  const path = pathMtuNow(gre);
  if (path === null || path === tunnel.pathMtu) return null;
  tunnel.pathMtu = path;
  // The slots of the lanes have room for what the path carried at the start.
  return Math.min(mtuArithmetic(path, gre, null).mtu, tunnel.lanes[0]!.lowerMtu);
}

/** Null while there is no route. */
function pathMtuNow(gre: GreConfig): number | null {
  try {
    return pathMtu(gre.local, gre.remote, 'gre');
  } catch {
    return null;
  }
}

/** Stores how far the receiver has come. Throws L2VPN_STATE. */
export function saveReceived(tunnel: Tunnel): void {
  if (tunnel.numbers === null || tunnel.settling) return;
  const { secy } = totalsOf(tunnel);
  for (const { sci, sa } of tunnel.config.macsec?.rxSc ?? []) {
    const index = tunnel.numbers.indexOf(sci);
    for (const { an } of sa) {
      tunnel.numbers.rxOf(sci, an)?.save(readNextPn(secy, countersAt.rxSa(index, an) + RxSaCounter.nextPn));
    }
  }
}

/**
 * Closes everything, after the workers have ended: the numbers are stored, the TAP goes. `clean`: every lane drained,
 * so that what it published is exact; otherwise all it had taken counts as used.
 */
export function closeTunnel(tunnel: Tunnel, clean: boolean): void {
  try {
    saveReceived(tunnel);
    if (tunnel.numbers !== null) {
      const { secy } = totalsOf(tunnel);
      const published = ({ an }: TxNumbers): bigint =>
        readNextPn(secy, countersAt.txSa(an) + TxSaCounter.nextPn);
      tunnel.numbers.close(clean ? published : ({ taken }) => taken);
    }
  } finally {
    closeFds(tunnel.fds);
  }
}
