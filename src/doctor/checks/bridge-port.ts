/** The TAP as the daemon sees it: whether it is in its bridge, and whether the bridge forwards. */
import { finder } from '../finding.ts';
import type { EvidenceCheck } from '../tunnel-seen.ts';

const CASES = {
  waiting: {
    level: 'fault',
    says: '{ifname} is in no bridge: there is none called {bridge}',
    cause: 'the bridge was deleted',
    remedy: 'make it again (ip link add {bridge} type bridge); the TAP joins by itself',
  },
  taken: {
    level: 'fault',
    says: '{ifname} was taken out of bridge {bridge}',
    cause: 'somebody did so (ip link set … nomaster), and l2vpnd leaves it at that',
    remedy: 'ip link set {ifname} master {bridge}, or l2vpnd reload',
  },
  elsewhere: {
    level: 'fault',
    says: '{ifname} is in another bridge than {bridge}',
    cause: 'somebody has moved it',
    remedy: 'ip link set {ifname} master {bridge}, or set tap.bridge to where it is',
  },
  blocked: {
    level: 'fault',
    says: 'port {ifname} of {bridge} is {state}',
    cause: 'STP has closed it, as there is another way to the same LAN, or the port is down',
    remedy:
      'if this tunnel is to carry, lower tap.stp.cost or the priority of the bridge; ip -d link show {ifname}',
  },
  learning: {
    level: 'warning',
    says: 'port {ifname} of {bridge} is {state}: it forwards in twice forward_delay at the latest',
    cause: 'STP, or the forward_delay of the bridge, holds a new port back',
    remedy: 'wait; without loops: ip link set {bridge} type bridge forward_delay 0',
  },
} as const;
const found = finder(CASES);

export const bridgePort: EvidenceCheck = {
  name: 'bridge-port',
  about: 'whether the TAP is in its bridge, and what STP makes of it',
  cases: CASES,
  evidence({ now }) {
    if (now?.bridge == null) return [];
    const { ifname } = now;
    const { name: bridge, membership, port } = now.bridge;
    if (membership !== 'joined') return [found(membership, { ifname, bridge })];
    const state = port?.state ?? 'forwarding';
    if (state === 'blocking' || state === 'disabled') return [found('blocked', { ifname, bridge, state })];
    return state === 'forwarding' ? [] : [found('learning', { ifname, bridge, state })];
  },
};
