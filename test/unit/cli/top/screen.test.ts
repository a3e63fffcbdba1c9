/** What `l2vpnd top` draws: figures, the order of tunnels, and that it fits any terminal. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DownSnapshot } from '../../../../src/api/tunnel.ts';
import { RateMeter } from '../../../../src/cli/top/rates.ts';
import { type Looked, scaled, screenLines, sparkline } from '../../../../src/cli/top/screen.ts';

const down = (name: string, reason = 'macsec1: no such device'): DownSnapshot => ({
  ...{ name, ifname: `tap-${name}`, reason, since: '2026-11-24T10:00:00.000Z', retry_seconds: 4 },
});

const looked = (names: readonly string[], trouble: string | null = null): Looked => ({
  at: Date.parse('2026-11-24T10:01:00.000Z'),
  tunnels: [],
  down: names.map((name) => down(name)),
  rates: new Map(),
  meter: new RateMeter(),
  trouble,
});

describe('the screen', () => {
  it('says of a tunnel that is down since when and why, and of a daemon that it does not answer', () => {
    const lines = screenLines(looked(['site2'], 'no l2vpnd answers at /run/x'), {
      columns: 80,
      rows: 24,
      chosen: 0,
    });
    expect(lines[0]).toMatch(/^l2vpnd top - \d\d:\d\d:\d\d, 0 of 1 tunnel well$/);
    expect(lines[1]).toBe('! no l2vpnd answers at /run/x');
    expect(lines[3]).toMatch(/^> site2 +DOWN 1m0s +- +- +- *$/);
    expect(lines).toContain('macsec1: no such device; tried again after 4 s');
    expect(lines.at(-1)).toMatch(/^q quit/);
  });

  it('fits whatever terminal there is, and shows the chosen tunnel', () => {
    const size = fc.record({
      columns: fc.integer({ min: 20, max: 300 }),
      rows: fc.integer({ min: 8, max: 100 }),
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.nat(), size, (count, at, { columns, rows }) => {
        const names = Array.from({ length: count }, (_, i) => `t${i}`);
        const chosen = at % count;
        const lines = screenLines(looked(names), { columns, rows, chosen });
        expect(lines).toHaveLength(rows);
        expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(columns);
        expect(lines.filter((line) => line.startsWith('> '))).toEqual([
          expect.stringMatching(new RegExp(`^> t${chosen}\\b`)),
        ]);
      }),
    );
  });
});

it.each([
  [0, '0'],
  [999, '999'],
  [1234, '1.23k'],
  [5_300_000_000, '5.30G'],
])('%d is %s', (value, text) => {
  expect(scaled(value)).toBe(text);
});

it('a sparkline has the last values, the highest as a full block', () => {
  expect(sparkline([9, 0, 50, 100], 3)).toBe('▁▅█');
  expect(sparkline([0, 0], 10)).toBe('▁▁');
  expect(sparkline([], 10)).toBe('');
});
