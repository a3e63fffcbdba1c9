/** Replay protection against a naive reference: a Set of all that was seen. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Replay } from '../../../src/macsec/replay.ts';

const WINDOWS = [0, 1, 31, 32, 33, 64, 1000, 1_000_000] as const;
/** Where a receiver may stand when the test begins: first use, restarts, both sides of 2^32 and far beyond (XPN). */
const STARTS = [1, 2, 31, 32, 33, 1000, 2 ** 31, 2 ** 32 - 40, 2 ** 32, 2 ** 40 + 5, 2 ** 52] as const;

/** What the standard and the file's own head say, in the slowest way. */
class Reference {
  next: number;
  readonly seen = new Set<number>();
  readonly window: number;
  readonly bitmap: boolean;
  readonly start: number;

  constructor(window: number, bitmap: boolean, start: number) {
    this.window = window;
    this.bitmap = bitmap;
    this.start = start;
    this.next = start;
  }

  accepts(pn: number): boolean {
    if (pn >= this.next) return true;
    if (pn < this.next - this.window) return false;
    return !this.bitmap || (pn >= this.start && !this.seen.has(pn));
  }

  advance(pn: number): void {
    this.seen.add(pn);
    this.next = Math.max(this.next, pn + 1);
  }
}

/** PNs near the receiver's: duplicates, late ones, jumps over a word, over the window and far ahead. */
const moves = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: -70, max: 3 }) },
    { weight: 2, arbitrary: fc.integer({ min: -1100, max: 1100 }) },
    { weight: 1, arbitrary: fc.integer({ min: -1_100_000, max: 1_100_000 }) },
  ),
  { maxLength: 400 },
);

describe.each([true, false])('replay protection (802.1AE 10.6.5, RFC 6479), bitmap %s', (bitmap) => {
  it.each(WINDOWS)('window %i: decides as a Set of all that was seen would', (window) => {
    fc.assert(
      fc.property(fc.constantFrom(...STARTS), moves, (start, offsets) => {
        const replay = new Replay(window, bitmap, start);
        const reference = new Reference(window, bitmap, start);
        for (const offset of offsets) {
          const pn = Math.max(0, reference.next + offset);
          const accepted = reference.accepts(pn);
          expect({ pn, accepted: replay.accepts(pn) }).toEqual({ pn, accepted });
          if (!accepted) continue;
          replay.advance(pn);
          reference.advance(pn);
          expect(replay.nextPn).toBe(reference.next);
        }
      }),
      // The widest window has a bitmap of 128 KiB to make each time.
      { numRuns: window > 1000 ? 40 : 100 },
    );
  });
});

describe('replay protection with a bitmap', () => {
  it.each(WINDOWS)('window %i: a duplicate never passes, in any order within the window', (window) => {
    const replay = new Replay(window, true, 1);
    const reach = Math.min(window, 200);
    for (let base = 1; base < 2000; base += 97) {
      replay.advance(base + reach);
      const late = Array.from({ length: reach }, (_, i) => base + reach - 1 - i);
      for (const pn of late) {
        if (!replay.accepts(pn)) continue;
        replay.advance(pn);
        expect(replay.accepts(pn)).toBe(false);
      }
      expect(replay.accepts(base + reach)).toBe(false);
    }
  });

  it.each(WINDOWS)('window %i: a gap is not taken for what was seen', (window) => {
    const replay = new Replay(window, true, 1);
    // Marks every bit, then jumps by a little more than all of them: what comes late is new.
    for (let pn = 1; pn < 5000; pn++) replay.advance(pn);
    for (const jump of [window + 1, 2 * window + 129, 1 << 22]) {
      const landed = replay.nextPn + jump;
      replay.advance(landed);
      for (let back = 1; back < Math.min(window, 300); back++) {
        const pn = landed - back;
        expect({ jump, back, accepts: replay.accepts(pn) }).toEqual({
          jump,
          back,
          accepts: pn >= landed - jump,
        });
      }
    }
  });

  it('accepts nothing from before the restart, whatever the window', () => {
    const replay = new Replay(1000, true, 5000);
    expect([4999, 4500, 1, 0].map((pn) => replay.accepts(pn))).toEqual([false, false, false, false]);
    expect(replay.accepts(5000)).toBe(true);
    replay.advance(5500);
    expect(replay.accepts(5000)).toBe(true);
    expect(replay.lowestPn).toBe(5000);
    replay.advance(6500);
    expect(replay.lowestPn).toBe(5501);
  });

  it('takes no more memory than two bits per PN of the window, and a few words', () => {
    const before = process.memoryUsage().arrayBuffers;
    const kept = Array.from({ length: 16 }, () => new Replay(1_000_000, true, 1));
    expect(kept).toHaveLength(16);
    expect((process.memoryUsage().arrayBuffers - before) / 16).toBeLessThan((2 * 1_000_000) / 8 + 4096);
  });
});

describe('replay protection as Linux has it', () => {
  it('delivers a duplicate inside the window', () => {
    const replay = new Replay(32, false, 1);
    for (const pn of [1, 2, 3]) replay.advance(pn);
    expect(replay.accepts(2)).toBe(true);
  });

  it('refuses below the window only', () => {
    const replay = new Replay(32, false, 1);
    replay.advance(100);
    expect([68, 69].map((pn) => replay.accepts(pn))).toEqual([false, true]);
  });
});
