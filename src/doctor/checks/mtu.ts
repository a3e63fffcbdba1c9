/**
 * What the LAN may send and what the tunnel carries. Where MTUs do not fit, small packets pass and large ones vanish:
 * ping works, and TCP hangs.
 */
import type { TunnelCheck } from '../context.ts';
import { finder, ok } from '../finding.ts';
import type { TunnelSeen } from '../tunnel-seen.ts';

const CASES = {
  portDiffers: {
    level: 'warning',
    says: 'port {port} of {bridge} has an MTU of {mtu}, the TAP {tap}',
    cause: 'a bridge drops a frame that is longer than the port it goes to takes, and tells nobody',
    remedy:
      'give all ports of {bridge} and its hosts one MTU: ip link set {port} mtu {tap}, or tap.lanMtu {mtu}',
  },
  notClamped: {
    level: 'warning',
    says: 'the LAN has an MTU of {lan}, the tunnel carries {carried}, and tap.mssClamp is off',
    cause: 'TCP learns of it by ICMP alone; where hosts drop that, connections hang',
    remedy: 'set tap.mssClamp "auto", or the MTU of all hosts to {carried}',
  },
  smallUnderlay: {
    level: 'warning',
    says: 'the way out takes {underlay} octets, so the tunnel carries {carried}',
    cause: 'the MTU of {link}, or of the route, is below 1500',
    remedy:
      'raise it if the network can (ip link set {link} mtu …); else nothing: TCP is told, others are answered',
  },
} as const;
const found = finder(CASES);
const ETHERNET_MTU = 1500;

export const mtu: TunnelCheck = {
  name: 'mtu',
  about: 'the MTU of the way out, of the TAP and of the ports of its bridge, and what the tunnel carries',
  cases: CASES,
  asksDaemon: true,
  look(tunnel, { host }) {
    const { now, config } = tunnel;
    if (now === null) return [];
    const links = host.links();
    const tap = links.find(({ index }) => index === now.ifindex);
    if (tap === undefined) return [];
    const master = links.find(({ index }) => index === tap.master);
    const others =
      master === undefined ? [] : links.filter((one) => one.master === master.index && one !== tap);
    const findings = others
      .filter((port) => port.mtu !== tap.mtu)
      .map((port) => {
        return found('portDiffers', {
          port: port.ifname,
          bridge: master!.ifname,
          mtu: port.mtu,
          tap: tap.mtu,
        });
      });
    const lan = Math.max(tap.mtu, ...others.map((port) => port.mtu));
    if (config?.tap.mssClamp === false && lan > now.mtu)
      findings.push(found('notClamped', { lan, carried: now.mtu }));
    if (now.path.limit === 'link' && now.path_mtu < ETHERNET_MTU) findings.push(small(tunnel, links, host));
    return findings.length > 0 ? findings : [ok(whatApplies(tunnel, lan))];
  },
};

function small(
  { now }: TunnelSeen,
  links: readonly { index: number; ifname: string }[],
  host: { linkTo(local: string, remote: string): number | null },
): ReturnType<typeof found> {
  const index = host.linkTo(now!.local, now!.remote);
  const link = links.find((one) => one.index === index)?.ifname ?? 'LINK';
  return found('smallUnderlay', { underlay: now!.path_mtu, carried: now!.mtu, link });
}

/** The warning of the article, and what was done about it. */
function whatApplies({ now, config }: TunnelSeen, lan: number): string {
  const carried = now!.mtu;
  if (lan <= carried) return `the LAN sends ${lan} octets at most, the tunnel carries ${carried}`;
  const clamp = config === null || config.tap.mssClamp === 'auto' ? 'TCP is told of it at its SYN, ' : '';
  return `the LAN has ${lan}, the tunnel carries ${carried}: ${clamp}longer IP packets are answered or fragmented`;
}
