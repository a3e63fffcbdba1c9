/**
 * One tunnel's resources, opened in the order in which they may fail without harm: packet numbers (and with them the
 * lock against a second sender), path MTU, TAP, socket. What the lanes need of them goes to the workers as specs.
 */

import { networkInterfaces } from 'node:os';
import { type MtuArithmetic, mtuArithmetic } from '../config/overhead.ts';
import type { GreConfig, TunnelConfig } from '../config/types.ts';
import { ownSci } from '../config/types.ts';
import { laneCountersBytes } from '../datapath/lane-counters.ts';
import { L2vpnError } from '../errors.ts';
import { closeFds } from '../io/close.ts';
import { openGreSocket, openUdpSocket, pathMtu } from '../io/open-socket.ts';
import { mtuOf, type OpenTap, openTap } from '../io/open-tap.ts';
import { createEndpoint } from '../io/udp-socket-port.ts';
import { MAX_RX_SC } from '../macsec/configure.ts';
import { countersAt, RxSaCounter, TxSaCounter } from '../macsec/counters.ts';
import type { SecySpec } from '../macsec/secy.ts';
import type { PnState } from '../state/state.ts';
import { ETHERNET_LEN } from '../wire/ethernet.ts';
import { type GreOptions, greHeaderLen } from '../wire/gre.ts';
import { ipv4Template, parseIpv4 } from '../wire/ipv4.ts';
import type { LaneSpec } from '../worker/messages.ts';
import { SecyNumbers, type TxNumbers } from './packet-numbers.ts';
import { totalsOf } from './snapshot.ts';

/** The smallest MTU that IPv4 demands of a link (RFC 791): below it the arithmetic has gone wrong. */
const LEAST_MTU = 68;
const ETHERNET_MTU = 1500;
/** What the kernel hands up at most: a reassembled IP packet. */
const LARGEST_PACKET = 65_535;
/** One 802.1Q tag more than the MTU promises: the bridge lets it pass, `OutPktsTooLong` judges it. */
const VLAN_LEN = 4;

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
  const sci = macsec === null ? '' : ownSci(mac, macsec.port);
  const numbers = macsec === null ? null : new SecyNumbers(state, sci);
  const secy = numbers === null || macsec === null ? null : numbers.configure(macsec);
  if (numbers !== null) undo.push(() => numbers.close(() => 0));
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

function openWire(config: TunnelConfig, place: string): number {
  const { gre } = config;
  if (gre.encap === 'udp') return openUdpSocket(gre, `${place}.gre`);
  return openGreSocket(gre, `${place}.gre`, ownHeader(gre));
}

/**
 * We write the outer IPv4 header ourselves (IP_HDRINCL): that spares the kernel a tenth of each send. Not where it may
 * have to fragment (`df: false`), which it does only with headers of its own, and not for IPv6, which has no such socket.
 */
function ownHeader(gre: GreConfig): boolean {
  return gre.family === 4 && gre.encap === 'none' && gre.df;
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

/** One transmit lane a TAP queue, and one receive lane: every raw socket more would get its own copy of each packet. */
function laneSpecs(
  config: TunnelConfig,
  tap: OpenTap,
  wireFd: number,
  secy: SecySpec | null,
  lowerMtu: number,
  mtu: number,
): LaneSpec[] {
  const { gre } = config;
  const options: GreOptions = { key: gre.key, checksum: gre.checksum };
  const udp = gre.encap === 'udp';
  const common = {
    tunnel: config.name,
    wireFd,
    endpoint: udp ? createEndpoint(gre.remote === 'dynamic' ? null : gre.remote, gre.port) : null,
    learns: gre.remote === 'dynamic',
    outerIpv4: gre.family === 4 && !udp,
    secy,
    gre: options,
    lowerMtu,
    ipv4: ownHeader(gre)
      ? ipv4Template(parseIpv4(gre.local), parseIpv4(gre.remote), gre.ttl, gre.tos, gre.df)
      : null,
  };
  const counters = (): SharedArrayBuffer =>
    new SharedArrayBuffer(laneCountersBytes(config.macsec === null ? 0 : MAX_RX_SC));
  const frameLen = Math.max(mtu + VLAN_LEN, lowerMtu) + ETHERNET_LEN;
  // In clear, a kernel peer's packets may come merged, up to the largest IP packet there is.
  const packetLen = secy === null ? LARGEST_PACKET : 60 + greHeaderLen(options) + 4 + frameLen;
  const transmit = tap.fds.map(
    (tapFd): LaneSpec => ({
      ...common,
      direction: 'transmit',
      tapFd,
      maxLen: frameLen,
      counters: counters(),
    }),
  );
  return [
    ...transmit,
    { ...common, direction: 'receive', tapFd: tap.writeFd, maxLen: packetLen, counters: counters() },
  ];
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
      tunnel.numbers.rxOf(sci, an)?.save(secy[countersAt.rxSa(index, an) + RxSaCounter.nextPn]!);
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
      const published = ({ an }: TxNumbers): number => secy[countersAt.txSa(an) + TxSaCounter.nextPn]!;
      tunnel.numbers.close(clean ? published : ({ taken }) => taken);
    }
  } finally {
    closeFds(tunnel.fds);
  }
}
