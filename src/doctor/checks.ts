/** The table of all checks. docs/reference/doctor.md has what each may find, in this order. */
import { bridge } from './checks/bridge.ts';
import { bridgeNetfilter } from './checks/bridge-netfilter.ts';
import { capabilities } from './checks/capabilities.ts';
import { clock } from './checks/clock.ts';
import { config } from './checks/config.ts';
import { crypto } from './checks/crypto.ts';
import { daemon } from './checks/daemon.ts';
import { disk } from './checks/disk.ts';
import { firewall } from './checks/firewall.ts';
import { kernelGre } from './checks/kernel-gre.ts';
import { keys } from './checks/keys.ts';
import { mtu } from './checks/mtu.ts';
import { node } from './checks/node.ts';
import { route } from './checks/route.ts';
import { rpFilter } from './checks/rp-filter.ts';
import { service } from './checks/service.ts';
import { socket } from './checks/socket.ts';
import { state } from './checks/state.ts';
import { strangers } from './checks/strangers.ts';
import { tap } from './checks/tap.ts';
import { tun } from './checks/tun.ts';
import { wrongKey } from './checks/wrong-key.ts';
import type { HostCheck, TunnelCheck } from './context.ts';
import { EVIDENCE_CHECKS } from './evidence.ts';
import { ok } from './finding.ts';
import type { EvidenceCheck } from './tunnel-seen.ts';

export const HOST_CHECKS: readonly HostCheck[] = [
  daemon,
  service,
  config,
  keys,
  node,
  crypto,
  tun,
  capabilities,
  state,
  disk,
  clock,
];

export const TUNNEL_CHECKS: readonly TunnelCheck[] = [
  route,
  rpFilter,
  firewall,
  kernelGre,
  socket,
  tap,
  bridge,
  bridgeNetfilter,
  mtu,
  ...EVIDENCE_CHECKS.map(asTunnelCheck),
  wrongKey,
  strangers,
];

function asTunnelCheck({ evidence, well, ...check }: EvidenceCheck): TunnelCheck {
  return {
    ...check,
    asksDaemon: true,
    look: (tunnel) => {
      const findings = evidence(tunnel);
      const text = findings.length > 0 || tunnel.now === null ? null : (well?.(tunnel.now) ?? null);
      return text === null ? findings : [ok(text)];
    },
  };
}
