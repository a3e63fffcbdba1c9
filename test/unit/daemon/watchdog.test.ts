/** The watchdog is fed while every worker turns, and by nobody else's word. */
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startWatchdog, watchdogMs } from '../../../src/daemon/watchdog.ts';

describe('the watchdog of the service manager', () => {
  it.each([
    [{}, null],
    [{ WATCHDOG_USEC: '10000000' }, 10_000],
    [{ WATCHDOG_USEC: '10000000', WATCHDOG_PID: String(process.pid) }, 10_000],
    [{ WATCHDOG_USEC: '10000000', WATCHDOG_PID: '1' }, null],
    [{ WATCHDOG_USEC: '0' }, null],
    [{ WATCHDOG_USEC: 'soon' }, null],
  ])('of %j has %s ms', (env, ms) => expect(watchdogMs(env)).toBe(ms));

  describe('of 8 s', () => {
    beforeEach(() => void vi.useFakeTimers());
    afterEach(() => void vi.useRealTimers());

    it('is fed every 2 s while all turn, not while one does not, and again when it does', () => {
      const lines: string[] = [];
      const log = pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line).msg) });
      let [fed, stuck] = [0, [] as number[]];
      const watched = { stuckWorkers: () => stuck, feed: () => void fed++ };
      const end = startWatchdog(8000, watched, log);
      expect(fed).toBe(1);
      vi.advanceTimersByTime(6000);
      expect([fed, lines]).toEqual([4, []]);
      stuck = [2];
      vi.advanceTimersByTime(20_000);
      expect(fed).toBe(4);
      expect(lines).toEqual([expect.stringMatching(/^worker thread 2 does not turn: .* lasts 8 s$/)]);
      stuck = [];
      vi.advanceTimersByTime(2000);
      expect([fed, lines[1]]).toEqual([5, 'all worker threads turn again']);
      end();
      vi.advanceTimersByTime(20_000);
      expect(fed).toBe(5);
    });
  });
});
