/** The bridge that the TAP is a port of, and its other ports: the LAN. */
import type { LinkSeen } from '../../host/links.ts';
import type { TunnelCheck } from '../context.ts';
import { type Finding, finder, ok } from '../finding.ts';

const CASES = {
  missing: {
    level: 'fault',
    says: 'there is no bridge {bridge}',
    cause: 'it was not made, or is called otherwise',
    remedy: 'ip link add {bridge} type bridge; ip link set {bridge} up; ip link set LANPORT master {bridge}',
  },
  noBridge: {
    level: 'fault',
    says: '{bridge} is no bridge',
    cause: 'it is an interface of another kind, which can have no ports',
    remedy: 'set tap.bridge to the bridge that {bridge} is in, or make one (ip link add … type bridge)',
  },
  down: {
    level: 'fault',
    says: 'bridge {bridge} is down',
    cause: 'nobody has set it up: it forwards nothing',
    remedy: 'ip link set {bridge} up',
  },
  empty: {
    level: 'warning',
    says: 'bridge {bridge} has no other port',
    cause: 'no LAN is behind it: the tunnel joins the other site to this host alone',
    remedy: 'ip link set LANPORT master {bridge}, unless that is meant so',
  },
  noCarrier: {
    level: 'warning',
    says: 'no LAN port of {bridge} has carrier ({ports})',
    cause: 'the cable is out, the switch is off, or the port is down',
    remedy: 'see ip link; ip link set {ports} up',
  },
} as const;
const found = finder(CASES);

export const bridge: TunnelCheck = {
  name: 'bridge',
  about: 'the bridge (tap.bridge) and its other ports',
  cases: CASES,
  look({ config, now }, { host }) {
    const name = config?.tap.bridge ?? now?.bridge?.name ?? null;
    if (name === null) return [ok('the TAP is to be in none')];
    const links = host.links();
    const link = links.find(({ ifname }) => ifname === name);
    if (link === undefined) return [found('missing', { bridge: name })];
    if (link.kind !== 'bridge') return [found('noBridge', { bridge: name })];
    if (!link.isUp) return [found('down', { bridge: name })];
    const tapName = now?.ifname ?? config?.tap.ifname;
    const ports = links.filter((one) => one.master === link.index && one.ifname !== tapName);
    return [lan(name, ports)];
  },
};

function lan(name: string, ports: readonly LinkSeen[]): Finding {
  if (ports.length === 0) return found('empty', { bridge: name });
  const names = ports.map(({ ifname }) => ifname).join(', ');
  if (!ports.some(({ hasCarrier }) => hasCarrier)) return found('noCarrier', { bridge: name, ports: names });
  return ok(`${name} with ${names}`);
}
