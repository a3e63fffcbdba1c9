/**
 * A metric of ours: its name, what it says, and how it is taken from a snapshot when somebody scrapes. Names and labels
 * follow https://prometheus.io/docs/practices/naming/: base units, `_total` for what only grows, `_info` for what is always 1.
 */
import type { TunnelSnapshot } from '../../api/tunnel.ts';

export const PREFIX = 'l2vpnd_';

/** A value, and what its labels say, in their order. */
export type Sample = readonly [value: number, ...labels: string[]];

/** Counts by buckets, which are not added up; of the last the border is Infinity, or there are none above it. */
export interface Buckets {
  readonly counts: readonly number[];
  readonly bounds: readonly number[];
  readonly sum: number;
  readonly labels: readonly string[];
}

interface Named {
  /** Without PREFIX. */
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
}

export interface ValueFamily<From> extends Named {
  readonly type: 'gauge' | 'counter';
  samples(from: From): Iterable<Sample>;
}

export interface HistogramFamily<From> extends Named {
  readonly type: 'histogram';
  samples(from: From): Iterable<Buckets>;
}

export type Family<From> = ValueFamily<From> | HistogramFamily<From>;

export type TunnelFamily = Family<TunnelSnapshot>;

/** A gauge with one value, which is left out where it is null. */
export function gauge<From>(name: string, help: string, of: (from: From) => number | null): Family<From> {
  return { type: 'gauge', name, help, labels: [], samples: (from) => one(of(from)) };
}

export function gauges<From>(
  name: string,
  help: string,
  labels: readonly string[],
  samples: (from: From) => Iterable<Sample>,
): Family<From> {
  return { type: 'gauge', name, help, labels, samples };
}

export function counters<From>(
  name: string,
  help: string,
  labels: readonly string[],
  samples: (from: From) => Iterable<Sample>,
): Family<From> {
  return { type: 'counter', name: `${name}_total`, help, labels, samples };
}

/** One sample of the value 1, whose labels are what it says. */
export function info<From>(
  name: string,
  help: string,
  labels: readonly string[],
  of: (from: From) => readonly string[],
): Family<From> {
  return { type: 'gauge', name: `${name}_info`, help, labels, samples: (from) => [[1, ...of(from)]] };
}

export function one(value: number | null): Sample[] {
  return value === null ? [] : [[value]];
}

/** Each entry's value with its name for a label. */
export function byName(values: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(values).map(([name, value]) => [value, name]);
}

/** Seconds since the epoch of a time in a snapshot. */
export function epochSeconds(time: string | null): number | null {
  return time === null ? null : Date.parse(time) / 1000;
}
