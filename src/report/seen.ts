/**
 * What the lanes saw of frames that they refused (`macsec/seen.ts`), as sentences for `show` and the log. No frame's ICV
 * stands behind any of it.
 */
import type {
  BeganAgainSnapshot,
  SeenSnapshot,
  UnknownSciSnapshot,
  UnusedSaSnapshot,
} from '../api/tunnel.ts';
import type { RxScConfig } from '../macsec/config.ts';
import { countersAt, RxSaCounter, RxScCounter } from '../macsec/counters.ts';
import { readLate, readUnknownSci, readUnusedSa, type UnusedSaSeen } from '../macsec/seen.ts';
import type { SecyView } from '../tunnel/view.ts';

/** Late frames that make a pattern: one or two may be duplicates. */
const FRAMES_MIN = 3;
/** How far above the number of late frames the PN of the last may be: some are lost, or were dropped elsewhere. */
const PN_SLACK = 1000;

const BEGAN_AGAIN =
  'the peer began again at packet number 1: it lost its state or uses another key under this AN, or another sender has its key (or old frames are sent again): take new keys (l2vpnd rotate)';

/** What holds now. Where keys are agreed on there is nothing to compare: frames of a key before or after are to be expected. */
export function seenOf(secy: SecyView, counters: Float64Array, agreesKeys: boolean): SeenSnapshot {
  const began_again = beganAgain(secy, counters);
  if (agreesKeys) return { began_again, unused_sa: null, unknown_sci: null };
  return {
    began_again,
    unused_sa: unusedSaNow(secy, counters),
    unknown_sci: unknownSci(secy, counters),
  };
}

/**
 * The RxSAs whose frames are all late, with packet numbers that began near 1 again: as many as came since the last that
 * was accepted, or not many more.
 */
export function beganAgain(secy: SecyView, counters: Float64Array): BeganAgainSnapshot[] {
  return secy.config.rxSc.flatMap(({ sci, sa }) => {
    const { an, frames, accepted, pn } = readLate(counters, countersAt.seenLate(secy.rxPlace(sci)));
    if (!sa.some((one) => one.an === an) || accepted !== acceptedBySa(secy, counters, sci, an)) return [];
    if (frames < FRAMES_MIN || pn > frames + PN_SLACK) return [];
    return [{ sci, an, frames, last_pn: pn, text: BEGAN_AGAIN }];
  });
}

/** Frames accepted so far on RxSA `an` of `sci`; 0 where there is no such channel. */
export function acceptedBySa(secy: SecyView, counters: Float64Array, sci: string, an: number): number {
  if (!secy.config.rxSc.some((sc) => sc.sci === sci)) return 0;
  return counters[countersAt.rxSa(secy.rxPlace(sci), an) + RxSaCounter.inPktsOk]!;
}

/** The SCI of the last frame that no RxSC had; null where none came, or one has it now. */
export function unknownSci({ config }: SecyView, counters: Float64Array): UnknownSciSnapshot | null {
  const sci = readUnknownSci(counters);
  if (sci === null || config.rxSc.some((sc) => sc.sci === sci)) return null;
  const known = config.rxSc.map((sc) => sc.sci).join(', ') || 'none';
  const text = `SCI ${sci}, which no rxSc has; rxSc has ${known}: compare macsec.rxSc with the MAC and port of the peer`;
  return { sci, text };
}

/** The last frame whose AN had no SA in use; null where none came, or the AN has one now. */
export function unusedSa({ config }: SecyView, counters: Float64Array): UnusedSaSnapshot | null {
  const seen = readUnusedSa(counters);
  const sc = config.rxSc.find(({ sci }) => sci === seen?.sci);
  if (seen === null || sc === undefined || isInUse(sc, seen)) return null;
  return { sci: sc.sci, an: seen.an, text: unusedSaText(sc, seen.an) };
}

/** The same, unless a frame of the channel was accepted since: after a rotation some of the old SA may still come. */
function unusedSaNow(secy: SecyView, counters: Float64Array): UnusedSaSnapshot | null {
  const now = unusedSa(secy, counters);
  if (now === null) return null;
  const accepted = counters[countersAt.rxSc(secy.rxPlace(now.sci)) + RxScCounter.inPktsOk]!;
  return readUnusedSa(counters)?.accepted === accepted ? now : null;
}

function isInUse(sc: RxScConfig, { an }: UnusedSaSeen): boolean {
  return sc.active && sc.sa.some((sa) => sa.an === an && sa.active);
}

function unusedSaText({ sci, active, sa }: RxScConfig, an: number): string {
  if (!active) return `the peer sends with AN ${an}, and rxSc ${sci} is not active`;
  const ans = sa.filter((one) => one.active).map((one) => one.an);
  const has = ans.length === 0 ? 'none' : `AN ${ans.join(', ')}`;
  return `the peer sends with AN ${an}, which has no active receive SA in rxSc ${sci} (active: ${has}): compare the keys at both ends`;
}
