/** Which packet numbers count as sent a moment ago. */
import { describe, expect, it } from 'vitest';
import { RecentPns } from '../../../src/path/recent-pns.ts';

const sa = (taken: bigint, more: { an?: number; serial?: number; start?: bigint } = {}) => ({
  an: 0,
  serial: 1,
  start: 1n,
  taken,
  ...more,
});

describe('a packet number', () => {
  it('that an SA of this run has sent since it began is recent, until four looks have passed', () => {
    const recent = new RecentPns();
    const [first, later] = [sa(10n), sa(20n)];
    expect(recent.has([first], 0, 9)).toBe(true);
    expect(recent.has([first], 0, 10)).toBe(false);
    expect(recent.has([first], 0, 0)).toBe(false);
    for (let i = 0; i < 4; i++) recent.look([first]);
    expect(recent.has([first], 0, 9)).toBe(false);
    expect(recent.has([later], 0, 9)).toBe(false);
    expect(recent.has([later], 0, 10)).toBe(true);
    expect(recent.has([later], 0, 19)).toBe(true);
    expect(recent.has([later], 0, 20)).toBe(false);
  });

  it('before the start of this run is not recent', () => {
    expect(new RecentPns().has([sa(1000n, { start: 900n })], 0, 899)).toBe(false);
  });

  it('of another AN, or of an SA that had the AN before, is not recent', () => {
    const recent = new RecentPns();
    recent.look([sa(500n)]);
    expect(recent.has([sa(600n)], 1, 550)).toBe(false);
    expect(recent.has([sa(3n, { serial: 2 })], 0, 550)).toBe(false);
    expect(recent.has([sa(3n, { serial: 2 })], 0, 2)).toBe(true);
  });

  it('with XPN is known by its lower 32 bits, also where they begin again', () => {
    const recent = new RecentPns();
    const at = (low: bigint) => (5n << 32n) + low;
    recent.look([sa(at(-10n))]);
    const now = [sa(at(10n))];
    for (const low of [0xffff_fff6, 0xffff_ffff, 0, 9]) expect(recent.has(now, 0, low)).toBe(true);
    for (const low of [0xffff_fff5, 10, 0x8000_0000]) expect(recent.has(now, 0, low)).toBe(false);
  });
});
