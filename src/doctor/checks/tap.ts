/** The TAP, or before there is one, its name. */
import type { TunnelCheck } from '../context.ts';
import { finder, ok } from '../finding.ts';

const CASES = {
  nameTaken: {
    level: 'fault',
    says: 'there is an interface {ifname} already ({kind})',
    cause: 'another program, or an earlier run with a persistent TAP, has made it',
    remedy: 'ip link del {ifname}, or set another tap.ifname',
  },
  gone: {
    level: 'fault',
    says: 'TAP {ifname} is not in this network namespace',
    cause: 'somebody has moved it to another, or this command runs in another',
    remedy: 'ip link show in the namespace of the daemon (nsenter -t PID -n)',
  },
  down: {
    level: 'fault',
    says: 'TAP {ifname} is down',
    cause: 'somebody has set it down',
    remedy: 'ip link set {ifname} up',
  },
} as const;
const found = finder(CASES);

export const tap: TunnelCheck = {
  name: 'tap',
  about: 'the TAP: there, and up; its name, where none runs',
  cases: CASES,
  look({ config, now }, { host }) {
    const links = host.links();
    if (now === null) {
      const ifname = config?.tap.ifname ?? '';
      const other = links.find((one) => one.ifname === ifname);
      if (other === undefined) return [ok(`the name ${ifname} is free`)];
      return [found('nameTaken', { ifname, kind: other.kind || 'no virtual one' })];
    }
    const { ifname, ifindex } = now;
    const link = links.find(({ index }) => index === ifindex);
    if (link === undefined) return [found('gone', { ifname })];
    return [link.isUp ? ok(`${ifname} is up`) : found('down', { ifname })];
  },
};
