/** Frames that do not leave this host. */
import type { TunnelSnapshot } from '../../api/tunnel.ts';
import { finder } from '../finding.ts';
import { drops, type EvidenceCheck, type Tally, TOLERATED, type TunnelSeen } from '../tunnel-seen.ts';

const CASES = {
  refused: {
    level: 'either',
    says: '{frames} packets were refused by this host (EPERM)',
    cause: 'a firewall rule of its own drops or rejects them on the way out',
    remedy: 'let them out: see "firewall", and nft list ruleset (chains with hook output)',
  },
  unreachable: {
    level: 'either',
    says: '{frames} packets had no way out',
    cause: 'no route to the peer, or the link to it is down',
    remedy: 'see "route"; ip route get PEER from LOCAL',
  },
  noKey: {
    level: 'either',
    says: '{frames} frames were not sent: there is no transmit SA',
    cause: 'macsec.encodingSa names no active SA, or no key is agreed on',
    remedy: 'see "key-agreement", or name an active SA in macsec.encodingSa',
  },
  noPeer: {
    level: 'either',
    says: '{frames} frames were not sent: where the peer is, is not known',
    cause: 'gre.remote is dynamic, and nothing authentic has come from the peer yet',
    remedy: 'the peer has to speak first: give it a keepalive, or macsec.mka at both ends',
  },
  error: {
    level: 'either',
    says: '{frames} packets were refused by the socket (WireError)',
    cause: 'the kernel took none of them, for a reason that is in the log',
    remedy: 'see the log of the daemon (journalctl -p warning)',
  },
} as const;
const found = finder(CASES);

const REASONS = {
  refused: 'WireRefused',
  unreachable: 'WireUnreachable',
  noKey: 'NoTxSa',
  noPeer: 'NoEndpoint',
  error: 'WireError',
} as const;

export const sending: EvidenceCheck = {
  name: 'sending',
  about: 'frames that do not leave this host, and why',
  cases: CASES,
  evidence(tunnel) {
    if (tunnel.now === null) return [];
    return (Object.keys(REASONS) as (keyof typeof REASONS)[]).flatMap((id) => {
      const lost = drops(tunnel, REASONS[id]);
      if (lost.fresh === 0 && isOver(tunnel.now!, id)) return [];
      return matters(tunnel, lost) ? [found(id, { frames: lost.count }, hurts(tunnel, lost))] : [];
    });
  },
};

/** What every start has for a moment, before there is a key or a peer, and this one has not any more. */
function isOver({ macsec, agreement, endpoint }: TunnelSnapshot, id: keyof typeof REASONS): boolean {
  if (id === 'noPeer') return endpoint !== null;
  if (id !== 'noKey' || macsec === null) return false;
  if (agreement !== null) return agreement.encoding_an !== null;
  return macsec.sa_list.some(({ an, active }) => an === macsec.encoding_sa && active);
}

/** Now, or a good part of all that was to be sent. */
function matters({ now }: TunnelSeen, { count, fresh }: Tally): boolean {
  return fresh > 0 || (count > 0 && count > TOLERATED * (now!.tx.frames_out + count));
}

function hurts({ now }: TunnelSeen, { count, fresh }: Tally): boolean {
  return fresh > 0 || count > now!.tx.frames_out;
}
