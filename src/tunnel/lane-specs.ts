/** What the worker is told of a tunnel's lanes, and the socket below them. */
import type { GreConfig, TunnelConfig } from '../config/types.ts';
import { laneCountersBytes } from '../frame/lane-counters.ts';
import { openGreSocket, openUdpSocket } from '../host/socket.ts';
import type { OpenTap } from '../host/tap.ts';
import { MAX_RX_SC } from '../macsec/configure.ts';
import { secyCountersLen } from '../macsec/counters.ts';
import type { SecySpec } from '../macsec/secy.ts';
import { createEndpoint } from '../ports/udp-socket-port.ts';
import { ETHERNET_LEN } from '../wire/ethernet.ts';
import { type GreOptions, greHeaderLen } from '../wire/gre.ts';
import { ipv4Template, parseIpv4 } from '../wire/ipv4.ts';
import type { LaneSpec } from '../worker/messages.ts';

/** What the kernel hands up at most: a reassembled IP packet. */
const LARGEST_PACKET = 65_535;
/** One 802.1Q tag more than the MTU promises: the bridge lets it pass, `OutPktsTooLong` judges it. */
const VLAN_LEN = 4;

export function openWire(config: TunnelConfig, place: string): number {
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

/** One transmit lane a TAP queue, and one receive lane: every raw socket more would get its own copy of each packet. */
export function laneSpecs(
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
    new SharedArrayBuffer(laneCountersBytes(config.macsec === null ? 0 : secyCountersLen(MAX_RX_SC)));
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
