/** What we have sent ourselves, or somebody who is set up as we are. */
import { finder } from '../finding.ts';
import { drops, type EvidenceCheck, suffers, tally } from '../tunnel-seen.ts';

const CASES = {
  ownSci: {
    level: 'either',
    says: '{frames} frames came with our own SCI {sci}',
    cause: 'a loop brings back what we send, or a second sender has our MAC address, and perhaps our key',
    remedy:
      'look for the loop (gre.remote that leads back here, a bridge without STP); if another host has this tap.mac, give it another and both ends new keys',
  },
  ownHello: {
    level: 'either',
    says: '{frames} hellos came with our own SCI',
    cause: 'they were reflected, or another station has our MAC address: two daemons with one configuration',
    remedy: 'stop the second one, or give it another tap.mac',
  },
} as const;
const found = finder(CASES);

export const loop: EvidenceCheck = {
  name: 'loop',
  about: 'frames with our own SCI: a loop, or a second sender set up alike',
  cases: CASES,
  evidence(tunnel) {
    const { now } = tunnel;
    if (now === null) return [];
    const own = drops(tunnel, 'OwnSci');
    const hellos = tally(tunnel, ({ agreement, control_frames: control }) => {
      return (agreement?.refused.OwnMessage ?? 0) + (control?.refused.OwnMessage ?? 0);
    });
    const [isBad, isBadToo] = [suffers(tunnel, own), suffers(tunnel, hellos)];
    return [
      ...(isBad === null ? [] : [found('ownSci', { frames: own.count, sci: now.macsec?.sci ?? '' }, isBad)]),
      ...(isBadToo === null ? [] : [found('ownHello', { frames: hellos.count }, isBadToo)]),
    ];
  },
};
