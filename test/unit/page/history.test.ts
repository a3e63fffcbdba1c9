/** What is kept of what passed through a tunnel: bounded, and in the order of time. */
import { describe, expect, it } from 'vitest';
import { DROP_TEXTS, Drop } from '../../../src/frame/drop.ts';
import { TRAFFIC_LEN, Traffic } from '../../../src/frame/lane-counters.ts';
import { History, MAX_TUNNELS, type Sampled } from '../../../src/page/history.ts';

function tunnel(name: string): Sampled & { sent(octets: number): void; drop(): void; restart(): void } {
  const totals = {
    tx: new Float64Array(TRAFFIC_LEN),
    rx: new Float64Array(TRAFFIC_LEN),
    drops: new Float64Array(DROP_TEXTS.length),
  };
  return {
    name,
    totals: () => totals,
    sent: (octets) => {
      totals.tx[Traffic.outOctets]! += octets;
      totals.tx[Traffic.outFrames]! += 1;
    },
    drop: () => {
      totals.drops[Drop.InPktsLate]! += 1;
      totals.drops[Drop.Uncontrolled]! += 1;
    },
    restart: () => totals.tx.fill(0),
  };
}

describe('the history', () => {
  it('has rates per second, of what was dropped too, and none below 0 when a tunnel counts anew', () => {
    const history = new History();
    const one = tunnel('one');
    history.tick([one], 0, 1000);
    expect(history.lastOf('one')).toBeNull();
    one.sent(1000);
    one.drop();
    history.tick([one], 500, 1000.5);
    expect(history.lastOf('one')).toEqual([16_000, 0, 2, 0, 2]);
    one.restart();
    history.tick([one], 1500, 1001.5);
    expect(history.lastOf('one')).toEqual([0, 0, 0, 0, 0]);
    expect(history.of('one')).toEqual({
      at: [1000.5, 1001.5],
      series: [
        [16_000, 0],
        [0, 0],
        [2, 0],
        [0, 0],
        [2, 0],
      ],
    });
  });

  it('keeps an hour: seconds of the last five minutes, ten seconds each before', () => {
    const history = new History();
    const one = tunnel('one');
    for (let second = 0; second <= 2 * 3600; second++) {
      one.sent(125);
      history.tick([one], second * 1000, second);
    }
    const { at, series } = history.of('one')!;
    expect(at.length).toBeLessThanOrEqual(300 + 360);
    expect(at.at(-1)! - at[0]!).toBeGreaterThan(3500);
    expect(at.every((when, i) => i === 0 || when > at[i - 1]!)).toBe(true);
    expect(at.filter((when) => when > 7200 - 300)).toHaveLength(300);
    expect(new Set(series[0])).toEqual(new Set([1000]));
  });

  it('forgets tunnels that are gone, and takes no more than a bounded number', () => {
    const history = new History();
    const many = Array.from({ length: MAX_TUNNELS + 10 }, (_, i) => tunnel(`t${i}`));
    history.tick(many, 0, 0);
    history.tick(many, 1000, 1);
    expect(history.of(`t${MAX_TUNNELS - 1}`)).not.toBeNull();
    expect(history.of(`t${MAX_TUNNELS}`)).toBeNull();
    history.tick(many.slice(0, 1), 2000, 2);
    expect(history.of('t1')).toBeNull();
  });
});
