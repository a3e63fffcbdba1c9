/** The counters of all lanes of a tunnel, added up from shared memory. */
import { DROP_TEXTS } from '../frame/drop.ts';
import { laneCounters, Traffic } from '../frame/lane-counters.ts';
import type { MacsecConfig } from '../macsec/config.ts';
import { MAX_RX_SC } from '../macsec/configure.ts';
import { NEXT_PN_LEN, nextPnsAt, readNextPn, secyCountersLen } from '../macsec/counters.ts';

/** The counters of all lanes of a tunnel, one direction's traffic apart. */
export interface TunnelTotals {
  readonly tx: Float64Array;
  readonly rx: Float64Array;
  readonly drops: Float64Array;
  readonly secy: Float64Array;
}

/** What has lanes: a tunnel. */
export interface Counted {
  readonly config: { readonly macsec: MacsecConfig | null };
  readonly lanes: readonly {
    readonly direction: 'transmit' | 'receive';
    readonly counters: SharedArrayBuffer;
  }[];
}

export function totalsOf(tunnel: Counted): TunnelTotals {
  const rxScCount = tunnel.config.macsec === null ? 0 : MAX_RX_SC;
  const totals: TunnelTotals = {
    tx: new Float64Array(8),
    rx: new Float64Array(8),
    drops: new Float64Array(DROP_TEXTS.length),
    secy: new Float64Array(secyCountersLen(rxScCount)),
  };
  const nextPns = nextPnsAt(rxScCount);
  for (const lane of tunnel.lanes) {
    const counters = laneCounters(lane.counters);
    add(lane.direction === 'transmit' ? totals.tx : totals.rx, counters.traffic, [Traffic.lastMs]);
    add(totals.drops, counters.drops, []);
    if (rxScCount > 0) addSecy(totals.secy, counters.secy, nextPns);
  }
  return totals;
}

/** Adds `from` to `into`; of two next PNs the higher one stays. */
function addSecy(into: Float64Array, from: Float64Array, nextPns: readonly number[]): void {
  const higher = nextPns.map((at) => {
    const it = readNextPn(into, at) > readNextPn(from, at) ? into : from;
    return it.slice(at, at + NEXT_PN_LEN);
  });
  add(into, from, []);
  nextPns.forEach((at, i) => {
    into.set(higher[i]!, at);
  });
}

/** Adds `from` to `into`; at `latest` the higher one stays. */
function add(into: Float64Array, from: Float64Array, latest: readonly number[]): void {
  const before = latest.map((i) => into[i]!);
  for (let i = 0; i < into.length; i++) into[i]! += from[i]!;
  latest.forEach((at, i) => {
    into[at] = Math.max(before[i]!, from[at]!);
  });
}
