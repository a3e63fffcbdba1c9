/**
 * What a lane saw of frames that it refused, beside their number: the SCI that no RxSC has, the AN that has no SA in
 * use, packet numbers that begin again. Words among the SecY's counters (`counters.ts` has their places), overwritten,
 * not counted; written where a frame is refused and nowhere else. No frame's ICV stands behind them: who reads them has
 * a hint, which anybody can forge who can send to the socket.
 *
 * The two of the SecY are records `| writes | words … |`: `writes` is odd in the middle of one, so that no SCI is read
 * that is half of one frame and half of another.
 */
import { countersAt, SEEN_LATE_LEN, SEEN_RECORD_LEN, SeenAt, SeenLate } from './counters.ts';

/** A channel, and the AN that it has no SA in use for. */
export interface UnusedSaSeen {
  readonly sci: string;
  readonly an: number;
  /** Frames of the channel that were accepted when it was seen. */
  readonly accepted: number;
}

/** Frames of one SA that were late one after another, none of that SA accepted between them. */
export interface LateSeen {
  readonly an: number;
  readonly frames: number;
  /** InPktsOK of the SA when they began. */
  readonly accepted: number;
  /** The PN of the last one; with XPN its lower 32 bits, which is what came. */
  readonly pn: number;
}

/** Notes the SCI of a frame that no RxSC has. HOT PATH: allocates nothing. */
export function noteUnknownSci(counters: Float64Array, sciHigh: number, sciLow: number): void {
  const at = SeenAt.unknownSci;
  if (counters[at + 2] === sciLow && counters[at + 1] === sciHigh && counters[at] !== 0) return;
  counters[at]! += 1;
  counters[at + 1] = sciHigh;
  counters[at + 2] = sciLow;
  counters[at]! += 1;
}

/** Notes a frame of channel `sciHigh`, `sciLow` whose AN has no SA in use; see `UnusedSaSeen`. HOT PATH: allocates nothing. */
export function noteUnusedSa(
  counters: Float64Array,
  sciHigh: number,
  sciLow: number,
  an: number,
  accepted: number,
): void {
  const at = SeenAt.unusedSa;
  counters[at]! += 1;
  counters[at + 1] = sciHigh;
  counters[at + 2] = sciLow;
  counters[at + 3] = an;
  counters[at + 4] = accepted;
  counters[at]! += 1;
}

/** Notes a late frame of SA `an` at `at` (`countersAt.seenLate`); `accepted`: InPktsOK of the SA. HOT PATH: allocates nothing. */
export function noteLate(
  counters: Float64Array,
  at: number,
  an: number,
  accepted: number,
  pnLow: number,
): void {
  if (counters[at + SeenLate.accepted] !== accepted || counters[at + SeenLate.an] !== an) {
    counters[at + SeenLate.frames] = 0;
    counters[at + SeenLate.accepted] = accepted;
    counters[at + SeenLate.an] = an;
  }
  counters[at + SeenLate.pn] = pnLow;
  counters[at + SeenLate.frames]! += 1;
}

/** The SCI of the last frame that no RxSC has; null: none came. */
export function readUnknownSci(counters: Float64Array): string | null {
  const words = readRecord(counters, SeenAt.unknownSci);
  return words === null ? null : sciText(words[1]!, words[2]!);
}

/** The last frame whose AN has no SA in use; null: none came. */
export function readUnusedSa(counters: Float64Array): UnusedSaSeen | null {
  const words = readRecord(counters, SeenAt.unusedSa);
  return words === null ? null : { sci: sciText(words[1]!, words[2]!), an: words[3]!, accepted: words[4]! };
}

/** The late frames noted at `at` (`countersAt.seenLate`). */
export function readLate(counters: Float64Array, at: number): LateSeen {
  return {
    an: counters[at + SeenLate.an]!,
    frames: counters[at + SeenLate.frames]!,
    accepted: counters[at + SeenLate.accepted]!,
    pn: counters[at + SeenLate.pn]!,
  };
}

/** A lane that was ended in the middle of a write leaves its record so: after so many tries there is nothing to tell. */
const TRIES = 100;

/**
 * Puts into `into` what the lanes so far (`before`) and the lane of `from` saw: of each record the one that was written
 * more often, of late frames those of the lane that had more. All frames of an SA come to one lane.
 */
export function mergeSeen(
  into: Float64Array,
  before: Float64Array,
  from: Float64Array,
  rxScCount: number,
): void {
  for (const at of [SeenAt.unknownSci, SeenAt.unusedSa]) {
    const words = readRecord(from, at);
    const isNewer = words !== null && words[0]! > before[at]!;
    into.set(isNewer ? words : before.subarray(at, at + SEEN_RECORD_LEN), at);
  }
  for (let sc = 0; sc < rxScCount; sc++) {
    const at = countersAt.seenLate(sc);
    // A lane that only sends has no part for receive channels.
    if (at >= from.length) return;
    const more = from[at + SeenLate.frames]! > before[at + SeenLate.frames]! ? from : before;
    for (let i = at; i < at + SEEN_LATE_LEN; i++) into[i] = more[i]!;
  }
}

/** A copy of the record at `at`; null where none was ever written. */
function readRecord(counters: Float64Array, at: number): Float64Array | null {
  for (let i = 0; i < TRIES; i++) {
    const words = counters.slice(at, at + SEEN_RECORD_LEN);
    if (words[0] === 0) return null;
    if (words[0]! % 2 === 0 && counters[at] === words[0]) return words;
  }
  return null;
}

function sciText(high: number, low: number): string {
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}
