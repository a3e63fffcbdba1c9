import { describe, expect, it } from 'vitest';
import type { Contender } from '../../../bench/contenders/contender.ts';
import { integerList, positive } from '../../../bench/options.ts';
import { aggregate, type ContenderRow } from '../../../bench/report/aggregate.ts';
import { checkGoals } from '../../../bench/report/goals.ts';
import { median, summarize } from '../../../bench/report/statistics.ts';
import { complaints, throughputTable } from '../../../bench/report/table.ts';
import type { RoundSample } from '../../../bench/sites-run.ts';

const contender = (name: string): Contender => ({
  name,
  title: `title of ${name}`,
  layer: 2,
  protection: 'none',
  mtu: 1430,
  overhead: '',
  version: async () => '1',
  available: async () => null,
  start: async () => undefined,
  stop: async () => undefined,
  processes: () => [],
});

/** A round with one stream at `mbit`, or a failed one. */
const round = (name: string, number: number, mbit: number | null): RoundSample => ({
  contender: name,
  round: number,
  tcp:
    mbit === null
      ? []
      : [
          {
            streams: 1,
            mbitPerSecond: mbit,
            cpu: { wallSeconds: 1, machine: 1, processes: {} },
            cpuPerGbit: { processes: { site1: 1 / mbit }, machine: 2 / mbit },
          },
        ],
  pingIdle: null,
  pingLoaded: null,
  udp: null,
  memory: null,
  fragments: 0,
  failure: mbit === null ? 'no ping' : null,
});

const rowsOf = (samples: RoundSample[]): ContenderRow[] =>
  aggregate(
    ['l2vpnd-raw', 'fastd'].map((name) => ({ contender: contender(name), version: '1' })),
    samples,
  );

describe('the report of a benchmark', () => {
  it('takes the middle value, or the mean of the two in the middle', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([1, 2, 10, 20])).toBe(6);
    expect(summarize([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3, rounds: 3 });
  });

  it('compares medians of the same run', () => {
    const rows = rowsOf([
      round('l2vpnd-raw', 1, 300),
      round('fastd', 1, 100),
      round('l2vpnd-raw', 2, 500),
      round('fastd', 2, 300),
    ]);
    expect(rows[0]?.ratio).toEqual({ 1: 2 });
    expect(throughputTable(rows, [1])).toContain(
      '| title of l2vpnd-raw | none | 1430 | 400 (300–500) | 2.00 |',
    );
  });

  it('leaves a failed round out of the medians, and says so', () => {
    const rows = rowsOf([round('fastd', 1, 100), round('fastd', 2, null)]);
    expect(rows[1]?.tcp[1]).toEqual({ median: 100, min: 100, max: 100, rounds: 1 });
    expect(complaints(rows)).toEqual(['title of fastd: failed in round 2: no ping']);
  });

  it('holds a run against the aims that its contenders allow', () => {
    const rows = rowsOf([round('l2vpnd-raw', 1, 240), round('fastd', 1, 100)]);
    expect(checkGoals(rows)).toEqual([
      { what: 'TCP, MACsec over raw GRE, 1 stream, × fastd', aim: '≥ 2.5', measured: '2.40', reached: false },
    ]);
  });

  it('refuses options that are no numbers', () => {
    expect(integerList('streams', '1,3')).toEqual([1, 3]);
    expect(() => integerList('streams', '1,x')).toThrow('--streams expected a positive number, got "x"');
    expect(() => positive('seconds', '0', 5)).toThrow('--seconds expected a positive number, got "0"');
  });
});
