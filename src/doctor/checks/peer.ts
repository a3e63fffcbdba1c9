/** Whether the peer is heard, and hears us. */
import { finder } from '../finding.ts';
import type { EvidenceCheck, TunnelSeen } from '../tunnel-seen.ts';
import { accepted, tally } from '../tunnel-seen.ts';

const CASES = {
  lost: {
    level: 'fault',
    says: 'the peer is lost since {since}: nothing authentic comes from {peer}, and frames are sent',
    cause: 'it is stopped, the way is cut, or what comes is refused',
    remedy: 'see the other lines; run l2vpnd doctor at the other end; tcpdump -ni any host {peer}',
  },
  silent: {
    level: 'warning',
    says: 'nothing authentic has come from {peer} yet; {sent} frames were sent',
    cause: 'the peer does not run, has nothing to say, or the way is cut',
    remedy: 'send something through the tunnel (ping a host behind it); run l2vpnd doctor at the other end',
  },
  deaf: {
    level: 'fault',
    says: 'the peer {sci} is heard, and does not hear us',
    cause:
      'the way is open in one direction only: a firewall or NAT on the way, or another address at the peer than ours',
    remedy: "let {what} through from {local} to {peer}, and compare the peer's gre.remote with {local}",
  },
  carrier: {
    level: 'warning',
    says: 'the TAP has no carrier since {since}',
    cause: '{reason}',
    remedy: 'it comes by itself with the peer (tap.carrier is "peer"): see to that',
  },
} as const;
const found = finder(CASES);

export const peer: EvidenceCheck = {
  name: 'peer',
  about: 'whether authentic frames or hellos come from the peer, and whether it hears us',
  cases: CASES,
  evidence(tunnel) {
    const { now } = tunnel;
    if (now === null || now.waits_for !== null) return [];
    const where = now.endpoint ?? now.remote;
    const deaf = deafPeer(tunnel);
    if (deaf !== null) {
      const what = now.encap === 'udp' ? 'UDP' : 'IP protocol 47 (GRE)';
      return [found('deaf', { sci: deaf, what, local: now.local, peer: where })];
    }
    if (now.peer.state === 'lost')
      return [found('lost', { since: now.peer.since ?? 'the start', peer: where })];
    // With key agreement that is another check's; and the daemon looks once a second whether somebody was heard.
    if (now.peer.state === 'unknown' && now.agreement === null && accepted(tunnel).count === 0)
      return [found('silent', { peer: where, sent: now.tx.frames_out })];
    const { carrier } = now;
    return carrier?.state === 'down'
      ? [found('carrier', { since: carrier.since, reason: carrier.reason })]
      : [];
  },
  well({ peer, endpoint, remote }) {
    return peer.state === 'alive' ? `${endpoint ?? remote} is alive since ${peer.since}` : null;
  },
};

/** Its SCI. Hellos that come and list nothing of ours: of MKA, or of a keepalive. */
function deafPeer(tunnel: TunnelSeen): string | null {
  const { agreement, control_frames: control, macsec } = tunnel.now!;
  if (agreement !== null && agreement.live_peers === 0) {
    const potential = agreement.participants.flatMap((one) => one.potential);
    return potential[0]?.sci ?? null;
  }
  if (control === null || !control.keepalive || control.live_sci !== null) return null;
  const heard = tally(tunnel, (one) => one.control_frames?.frames_in ?? 0);
  return heard.fresh > 0 ? (macsec?.rx_sc[0]?.sci ?? 'behind it') : null;
}
