/** The checks that go by the daemon's own figures, in the order in which one explains the next. `show` uses them too. */
import type { DownSnapshot, TunnelSnapshot } from '../api/tunnel.ts';
import { agreement } from './checks/agreement.ts';
import { bridgePort } from './checks/bridge-port.ts';
import { frames } from './checks/frames.ts';
import { icmp } from './checks/icmp.ts';
import { loop } from './checks/loop.ts';
import { packetNumbers } from './checks/packet-numbers.ts';
import { pathMtu } from './checks/path-mtu.ts';
import { peer } from './checks/peer.ts';
import { replay } from './checks/replay.ts';
import { sending } from './checks/sending.ts';
import { up } from './checks/up.ts';
import { type Finding, isWorse } from './finding.ts';
import type { EvidenceCheck, TunnelSeen } from './tunnel-seen.ts';

/** Where two findings are as bad, the first says more. */
export const EVIDENCE_CHECKS: readonly EvidenceCheck[] = [
  up,
  agreement,
  loop,
  frames,
  replay,
  packetNumbers,
  sending,
  icmp,
  bridgePort,
  peer,
  pathMtu,
];

/** A finding, and who found it. */
export interface Told extends Finding {
  readonly check: string;
}

/** The worst that is wrong with a tunnel, as one look at the daemon's figures tells; null: nothing. */
export function worstOf(tunnel: TunnelSnapshot | DownSnapshot): Told | null {
  const isUp = 'macsec' in tunnel;
  const seen: TunnelSeen = {
    ...{ name: tunnel.name, config: null, before: null },
    ...{ now: isUp ? tunnel : null, down: isUp ? null : tunnel },
  };
  let worst: Told | null = null;
  for (const { name, evidence } of EVIDENCE_CHECKS) {
    for (const one of evidence(seen)) {
      if (worst === null || isWorse(one.level, worst.level)) worst = { ...one, check: name };
    }
  }
  return worst;
}
