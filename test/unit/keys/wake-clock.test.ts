/** The clock that all key agreements of a process share. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Beats, MonotonicClock } from '../../../src/keys/wake-clock.ts';

describe('the clock of key agreement', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const clocks = (count: number): MonotonicClock[] => {
    const beats = new Beats();
    return Array.from({ length: count }, () => new MonotonicClock(beats));
  };

  it('wakes on time for what is near, and on a beat for what is not', () => {
    for (const [waitMs, lateMs] of [
      [7, 0],
      [99, 0],
      [450, 20],
      [1900, 100],
    ] as const) {
      const [clock] = clocks(1) as [MonotonicClock];
      const atMs = clock.nowMs() + waitMs;
      let wokenMs = 0;
      clock.wakeAt(atMs, () => {
        wokenMs = clock.nowMs();
      });
      vi.advanceTimersByTime(3000);
      expect(wokenMs).toBeGreaterThanOrEqual(atMs);
      expect(wokenMs).toBeLessThanOrEqual(Math.ceil(atMs) + lateMs);
    }
  });

  it('has one timer for all that wait for a beat', () => {
    const all = clocks(1000);
    let woken = 0;
    for (const clock of all) clock.wakeAt(clock.nowMs() + 1801, () => woken++);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(2000);
    expect([woken, vi.getTimerCount()]).toEqual([1000, 0]);
  });

  it('wakes for the last order alone, and not once it is cancelled', () => {
    const [a, b] = clocks(2) as [MonotonicClock, MonotonicClock];
    const woken: string[] = [];
    a.wakeAt(a.nowMs() + 500, () => woken.push('first'));
    a.wakeAt(a.nowMs() + 1500, () => woken.push('second'));
    a.wakeAt(a.nowMs() + 30, () => woken.push('third'));
    b.wakeAt(b.nowMs() + 500, () => woken.push('never'));
    b.cancel();
    vi.advanceTimersByTime(3000);
    expect([woken, vi.getTimerCount()]).toEqual([['third'], 0]);
  });

  it('lets one that is woken cancel others of the beat, and wait for the next', () => {
    const [a, b] = clocks(2) as [MonotonicClock, MonotonicClock];
    const woken: string[] = [];
    const again = (): void => {
      woken.push('a');
      b.cancel();
      if (woken.length < 3) a.wakeAt(a.nowMs() + 500, again);
    };
    a.wakeAt(a.nowMs() + 500, again);
    b.wakeAt(b.nowMs() + 500, () => woken.push('b'));
    vi.advanceTimersByTime(3000);
    expect([woken, vi.getTimerCount()]).toEqual([['a', 'a', 'a'], 0]);
  });

  it('takes a time that no timer reaches', () => {
    const [clock] = clocks(1) as [MonotonicClock];
    const woken: number[] = [];
    clock.wakeAt(Number.POSITIVE_INFINITY, () => woken.push(clock.nowMs()));
    expect(vi.getTimerCount()).toBe(1);
    clock.cancel();
    expect([woken, vi.getTimerCount()]).toEqual([[], 0]);
  });
});
