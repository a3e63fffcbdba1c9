/** Frames that arrive and are not taken, and why: by the drop reasons of the receive lanes. */
import type { Finding } from '../finding.ts';
import { finder } from '../finding.ts';
import { drops, type EvidenceCheck, suffers, TOLERATED, type TunnelSeen, tally } from '../tunnel-seen.ts';

const CASES = {
  wrongKey: {
    level: 'either',
    says: '{frames} frames came whose ICV is wrong',
    cause: 'another key at the peer, the two keys swapped, or frames that somebody altered or made',
    remedy:
      "the peer's txSa key is this end's rxSc key, and the other way round: compare them, or take new ones (l2vpnd genkey)",
  },
  unknownSci: {
    level: 'either',
    says: '{frames} frames came with an SCI that no rxSc has{which}',
    cause: "macsec.rxSc has not the peer's MAC and port, or another sender uses these addresses",
    remedy:
      "set rxSc.mac to the peer's tap.mac and rxSc.port to its macsec.port (or sci to the SCI named), then l2vpnd reload",
  },
  noImplicitSci: {
    level: 'either',
    says: '{frames} frames came without an SCI, and there is not exactly one rxSc to assume',
    cause: 'the peer has sendSci off',
    remedy: 'set macsec.sendSci at the peer (send_sci on)',
  },
  unusedAn: {
    level: 'either',
    says: '{frames} frames came whose AN has no receive SA in use{which}',
    cause: 'the peer has moved to a key that this end does not have, or encodes with another AN',
    remedy: 'compare the AN and keys of both ends; rotate both ends (l2vpnd rotate)',
  },
  clear: {
    level: 'either',
    says: '{frames} frames came without SecTAG',
    cause: 'the peer sends in clear: its MACsec is off (macsec null, protect off), or it is a plain gretap',
    remedy: 'turn MACsec on at the peer; with macsec.validate "strict" such frames are dropped here',
  },
  unencrypted: {
    level: 'warning',
    says: '{octets} octets of the peer came authenticated and not encrypted',
    cause: 'encryption is off at the peer (encrypt off)',
    remedy: 'set macsec.encrypt at the peer (ip link set … type macsec encrypt on)',
  },
  greKey: {
    level: 'either',
    says: '{frames} packets came with another GRE key, or without the one that is wanted',
    cause: 'gre.key is not the same at both ends',
    remedy: 'compare gre.key (ip link … type gretap key) at both ends',
  },
  greChecksum: {
    level: 'either',
    says: '{frames} packets came whose GRE checksum is missing, unexpected or wrong',
    cause: 'gre.checksum is not the same at both ends, or packets are damaged on the way',
    remedy: 'compare gre.checksum (ip link … type gretap csum) at both ends',
  },
  notGretap: {
    level: 'either',
    says: '{frames} GRE packets came that carry no Ethernet frame (GreProto, GreFlags, GreShort)',
    cause: 'the peer is a gre, not a gretap, or no GREv0',
    remedy: 'make the other end a gretap (ip link add … type gretap) or an l2vpnd',
  },
  badTag: {
    level: 'either',
    says: '{frames} frames came whose SecTAG is no right one (InPktsBadTag, NotForMacsec, SecTagRunt)',
    cause: 'frames are cut or changed on the way, or another program sends to this tunnel',
    remedy: 'capture some (tcpdump -w) and have them judged by l2vpnd explain -r',
  },
  foreignControl: {
    level: 'warning',
    says: '{frames} hellos came that are made with a key that is not here, or have a wrong ICV',
    cause: 'the ends have different keys, or keepalive is meant for another tunnel',
    remedy: 'compare the keys at both ends',
  },
} as const;
const found = finder(CASES);

/** Drop reasons of a case, as `show -s` names them. */
const REASONS = {
  wrongKey: ['InPktsNotValid'],
  noImplicitSci: ['NoImplicitSci'],
  clear: ['InPktsNoTag'],
  greKey: ['GreKey'],
  greChecksum: ['GreChecksum'],
  notGretap: ['GreProto', 'GreFlags', 'GreShort'],
  badTag: ['InPktsBadTag', 'NotForMacsec', 'SecTagRunt'],
} as const;

export const frames: EvidenceCheck = {
  name: 'frames',
  about: 'frames that arrive and are refused, and why',
  cases: CASES,
  evidence(tunnel) {
    const { now } = tunnel;
    if (now === null) return [];
    const plain = (Object.keys(REASONS) as (keyof typeof REASONS)[]).flatMap((id) =>
      counted(tunnel, REASONS[id], (frames, isBad) => found(id, { frames }, isBad)),
    );
    return [...plain, ...ofChannels(tunnel), ...unencrypted(tunnel), ...foreignControl(tunnel)];
  },
  well({ rx }) {
    return `${rx.frames_out} frames of the peer were taken`;
  },
};

function counted(
  tunnel: TunnelSeen,
  reasons: readonly string[],
  tell: (frames: number, isBad: boolean) => Finding,
): Finding[] {
  const refused = { count: 0, fresh: 0 };
  for (const reason of reasons) {
    const { count, fresh } = drops(tunnel, reason);
    refused.count += count;
    refused.fresh += fresh;
  }
  const isBad = suffers(tunnel, refused);
  return isBad === null ? [] : [tell(refused.count, isBad)];
}

/** Keys that are agreed on come and go: what is wrong with them is the agreement's to say. */
function ofChannels(tunnel: TunnelSeen): Finding[] {
  const { agreement, seen } = tunnel.now!;
  if (agreement !== null) return [];
  const sci = seen?.unknown_sci ? `: ${seen.unknown_sci.sci}` : '';
  const an = seen?.unused_sa ? `: AN ${seen.unused_sa.an} of ${seen.unused_sa.sci}` : '';
  return [
    ...counted(tunnel, ['InPktsNoSCI'], (frames, isBad) =>
      found('unknownSci', { frames, which: sci }, isBad),
    ),
    ...counted(tunnel, ['InPktsNotUsingSA'], (frames, isBad) =>
      found('unusedAn', { frames, which: an }, isBad),
    ),
  ];
}

function unencrypted(tunnel: TunnelSeen): Finding[] {
  const { count, fresh } = tally(tunnel, ({ macsec }) =>
    (macsec?.rx_sc ?? []).reduce((sum, { stats }) => sum + (stats.InOctetsValidated ?? 0), 0),
  );
  const decrypted = tally(tunnel, ({ macsec }) =>
    (macsec?.rx_sc ?? []).reduce((sum, { stats }) => sum + (stats.InOctetsDecrypted ?? 0), 0),
  );
  const isSo = fresh > 0 || count > TOLERATED * (count + decrypted.count);
  return isSo ? [found('unencrypted', { octets: count })] : [];
}

function foreignControl(tunnel: TunnelSeen): Finding[] {
  const { count, fresh } = tally(tunnel, ({ control_frames: control }) => {
    return (control?.refused.UnknownKey ?? 0) + (control?.refused.WrongIcv ?? 0);
  });
  const isAlone = tunnel.now?.control_frames?.live_sci === null;
  return fresh > 0 || (isAlone && count > 0) ? [found('foreignControl', { frames: count })] : [];
}
