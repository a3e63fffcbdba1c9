/** The counters of all lanes of a tunnel, added up from shared memory. */
import { DROP_TEXTS } from '../frame/drop.ts';
import { type LaneCounters, laneCounters, TRAFFIC_LEN, Traffic } from '../frame/lane-counters.ts';
import { isNextPnHigher, nextPnsAt, secyCountersLen } from '../macsec/counters.ts';
import { mergeSeen } from '../macsec/seen.ts';

/** The counters of all lanes of a tunnel, one direction's traffic apart. */
export interface TunnelTotals {
  readonly tx: Float64Array;
  readonly rx: Float64Array;
  readonly drops: Float64Array;
  readonly secy: Float64Array;
}

/** What of a lane is counted. */
export interface CountedLane {
  readonly direction: 'transmit' | 'receive';
  readonly counters: SharedArrayBuffer;
}

/**
 * `places`: how many places of the lanes' SecYs receive channels have (`RxPlaces`), those beyond are not looked at; null:
 * the lanes have no SecY.
 */
export function totalsOf(lanes: readonly CountedLane[], places: number | null): TunnelTotals {
  const rxScCount = places ?? 0;
  const totals: TunnelTotals = {
    tx: new Float64Array(TRAFFIC_LEN),
    rx: new Float64Array(TRAFFIC_LEN),
    drops: new Float64Array(DROP_TEXTS.length),
    secy: new Float64Array(secyCountersLen(rxScCount)),
  };
  const nextPns = nextPnsAt(rxScCount);
  for (const lane of lanes) {
    const counters = viewsOf(lane);
    add(lane.direction === 'transmit' ? totals.tx : totals.rx, counters.traffic, [Traffic.lastMs]);
    add(totals.drops, counters.drops, []);
    if (places !== null) addSecy(totals.secy, counters.secy, nextPns, rxScCount);
  }
  return totals;
}

/** Batches that all lanes together have moved: cheap to ask for, and it stands still while the totals do. */
export function batchesDone(lanes: readonly CountedLane[]): number {
  let done = 0;
  for (const lane of lanes) done += viewsOf(lane).traffic[Traffic.done]!;
  return done;
}

/** Views of shared memory are dear to make, and asked for several times per second and tunnel. */
const views = new WeakMap<SharedArrayBuffer, LaneCounters>();

function viewsOf({ counters }: CountedLane): LaneCounters {
  let made = views.get(counters);
  if (made === undefined) {
    made = laneCounters(counters);
    views.set(counters, made);
  }
  return made;
}

/** Adds `from` to `into`; of two next PNs the higher one stays, and what was seen is not added up. */
function addSecy(
  into: Float64Array,
  from: Float64Array,
  nextPns: readonly number[],
  rxScCount: number,
): void {
  const before = into.slice();
  add(into, from, []);
  mergeSeen(into, before, from, rxScCount);
  for (const at of nextPns) {
    // A transmit lane has no part for receive channels.
    if (at >= from.length) continue;
    const higher = isNextPnHigher(before, from, at) ? before : from;
    // The lane writes the upper element last (`writeNextPn`): read first, it is never ahead of the lower one.
    into[at + 1] = higher[at + 1]!;
    into[at] = higher[at]!;
  }
}

/** Adds `from` to `into` as far as both go; at `latest` the higher one stays. */
function add(into: Float64Array, from: Float64Array, latest: readonly number[]): void {
  const before = latest.map((i) => into[i]!);
  const len = Math.min(into.length, from.length);
  for (let i = 0; i < len; i++) into[i]! += from[i]!;
  latest.forEach((at, i) => {
    into[at] = Math.max(before[i]!, from[at]!);
  });
}
