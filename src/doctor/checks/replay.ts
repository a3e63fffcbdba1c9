/** Packet numbers of the peer that were seen already. */
import { finder } from '../finding.ts';
import { drops, type EvidenceCheck, suffers } from '../tunnel-seen.ts';

const CASES = {
  beganAgain: {
    level: 'fault',
    says: '{frames} frames of {sci} (AN {an}) in a row are late, and their packet numbers begin near 1 again',
    cause: 'the peer lost its state or restarted with the same static key, or a second sender has its key',
    remedy:
      'take new keys at both ends (l2vpnd genkey --sak, l2vpnd rotate), or key agreement (macsec.mka), which needs no state',
  },
  late: {
    level: 'either',
    says: '{frames} frames came late or twice ({percent} % of all)',
    cause:
      'packets overtake each other on the way by more than macsec.replayWindow ({window}), are doubled, or two senders use one key',
    remedy:
      'raise macsec.replayWindow (16384 for several queues or classes); where a second host runs this configuration, stop it and take new keys',
  },
} as const;
const found = finder(CASES);

export const replay: EvidenceCheck = {
  name: 'replay',
  about:
    'a peer that began again at packet number 1, frames that are late or doubled, two senders with one key',
  cases: CASES,
  evidence(tunnel) {
    const { now } = tunnel;
    if (now?.macsec == null) return [];
    const again = now.seen?.began_again ?? [];
    if (again.length > 0) return again.map(({ frames, sci, an }) => found('beganAgain', { frames, sci, an }));
    const late = drops(tunnel, 'InPktsLate');
    const isBad = suffers(tunnel, late);
    // A few come on every path that reorders.
    const percent = Math.round((100 * late.count) / Math.max(1, now.rx.frames_in));
    if (isBad === null || percent === 0) return [];
    return [found('late', { frames: late.count, percent, window: now.macsec.window ?? 0 }, isBad)];
  },
};
