/** Replay protection against a naive reference: a Set of all that was seen, which counts in BigInts. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Replay } from '../../../src/macsec/replay.ts';

const WINDOWS = [0, 1, 31, 32, 33, 64, 1000, 1_000_000] as const;
const LAST_PN = 2n ** 64n - 1n;
/**
 * Where a receiver may stand when the test begins: first use, restarts, both sides of 2^32, far beyond (XPN), both sides
 * of 2^53, at the end of all numbers.
 */
const STARTS = [
  ...[1n, 2n, 31n, 32n, 33n, 1000n, 2n ** 31n, 2n ** 32n - 40n, 2n ** 32n, 2n ** 40n + 5n, 2n ** 52n],
  ...[2n ** 53n - 20n, 2n ** 53n + 1n, 2n ** 60n - 7n, 2n ** 63n, LAST_PN - 2000n, LAST_PN - 30n, LAST_PN],
];

/** What the standard and the file's own head say, in the slowest way. */
class Reference {
  next: bigint;
  readonly seen = new Set<bigint>();
  readonly window: number;
  readonly bitmap: boolean;
  readonly start: bigint;

  constructor(window: number, bitmap: boolean, start: bigint) {
    this.window = window;
    this.bitmap = bitmap;
    this.start = start;
    this.next = start;
  }

  accepts(pn: bigint): boolean {
    if (pn >= this.next) return true;
    if (pn < this.next - BigInt(this.window)) return false;
    return !this.bitmap || (pn >= this.start && !this.seen.has(pn));
  }

  advance(pn: bigint): void {
    this.seen.add(pn);
    // Without bitmap there is no next after the last.
    if (pn >= this.next && (this.bitmap || pn !== LAST_PN)) this.next = pn + 1n;
  }
}

const high = (pn: bigint): number => Number(pn >> 32n);
const low = (pn: bigint): number => Number(pn & 0xffff_ffffn);

/** A Replay that is asked in BigInts. */
class Asked {
  readonly replay: Replay;

  constructor(window: number, bitmap: boolean, start: bigint, xpn = true) {
    this.replay = new Replay(window, bitmap, start, xpn);
  }

  accepts(pn: bigint | number): boolean {
    return this.replay.accepts(high(BigInt(pn)), low(BigInt(pn)));
  }

  advance(pn: bigint | number): boolean {
    return this.replay.advance(high(BigInt(pn)), low(BigInt(pn)));
  }
}

/** PNs near the receiver's: duplicates, late ones, jumps over a word, over the window, far ahead, over 2^32 and more. */
const moves = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.bigInt({ min: -70n, max: 3n }) },
    { weight: 2, arbitrary: fc.bigInt({ min: -1100n, max: 1100n }) },
    { weight: 1, arbitrary: fc.bigInt({ min: -1_100_000n, max: 1_100_000n }) },
    { weight: 1, arbitrary: fc.bigInt({ min: -(2n ** 33n), max: 2n ** 33n }) },
  ),
  { maxLength: 400 },
);

describe('replay protection (802.1AE 10.6.5, RFC 6479)', () => {
  it.each(WINDOWS)('window %i: decides as a Set of all that was seen would', (window) => {
    fc.assert(
      fc.property(fc.constantFrom(...STARTS), moves, (start, offsets) => {
        const asked = new Asked(window, true, start);
        const reference = new Reference(window, true, start);
        for (const offset of offsets) {
          const wanted = reference.next + offset;
          const pn = wanted < 0n ? 0n : wanted > LAST_PN ? LAST_PN : wanted;
          const accepted = reference.accepts(pn);
          expect({ pn, accepted: asked.accepts(pn) }).toEqual({ pn, accepted });
          if (!accepted) continue;
          expect(asked.advance(pn)).toBe(pn >= reference.next);
          reference.advance(pn);
          expect(asked.replay.nextPn).toBe(reference.next);
        }
      }),
      // The widest window has a bitmap of 128 KiB to make each time.
      { numRuns: window > 1000 ? 40 : 150 },
    );
  });

  it.each(WINDOWS)('window %i without bitmap, 32-bit numbers: decides as Linux does', (window) => {
    const starts = fc.constantFrom(...STARTS.filter((start) => start < 2n ** 32n));
    fc.assert(
      fc.property(starts, moves, (start, offsets) => {
        const asked = new Asked(window, false, start, false);
        const reference = new Reference(window, false, start);
        for (const offset of offsets) {
          const wanted = reference.next + offset;
          // The last of 32 bits has a test of its own.
          const pn = wanted < 0n ? 0n : wanted > 2n ** 32n - 2n ? 2n ** 32n - 2n : wanted;
          const accepted = reference.accepts(pn);
          expect({ pn, accepted: asked.accepts(pn) }).toEqual({ pn, accepted });
          if (!accepted) continue;
          asked.advance(pn);
          reference.advance(pn);
          expect(asked.replay.nextPn).toBe(reference.next);
        }
      }),
    );
  });

  it.each(WINDOWS.filter((window) => window <= 1000))(
    'window %i without bitmap, XPN: compares lower halves, as Linux does',
    (window) => {
      fc.assert(
        fc.property(fc.constantFrom(...STARTS), moves, (start, offsets) => {
          const asked = new Asked(window, false, start);
          let next = start;
          for (const offset of offsets) {
            const wanted = next + offset;
            const pn = wanted < 0n ? 0n : wanted > LAST_PN ? LAST_PN : wanted;
            const nextLow = next & 0xffff_ffffn;
            const lowest = nextLow >= BigInt(window) ? nextLow - BigInt(window) : 0n;
            const pnLow = pn & 0xffff_ffffn;
            const accepted = pnLow >= lowest || pnLow >> 31n !== lowest >> 31n;
            expect({ pn, accepted: asked.accepts(pn) }).toEqual({ pn, accepted });
            if (!accepted) continue;
            asked.advance(pn);
            if (pn >= next && pn !== LAST_PN) next = pn + 1n;
            expect(asked.replay.nextPn).toBe(next);
          }
        }),
      );
    },
  );
});

describe('replay protection with a bitmap', () => {
  it.each(WINDOWS)('window %i: a duplicate never passes, in any order within the window', (window) => {
    const replay = new Asked(window, true, 1n);
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
    const asked = new Asked(window, true, 1n);
    // Marks every bit, then jumps by a little more than all of them: what comes late is new.
    for (let pn = 1; pn < 5000; pn++) asked.advance(pn);
    for (const jump of [window + 1, 2 * window + 129, 1 << 22]) {
      const landed = Number(asked.replay.nextPn) + jump;
      asked.advance(landed);
      for (let back = 1; back < Math.min(window, 300); back++) {
        const pn = landed - back;
        expect({ jump, back, accepts: asked.accepts(pn) }).toEqual({
          jump,
          back,
          accepts: pn >= landed - jump,
        });
      }
    }
  });

  it('accepts nothing from before the restart, whatever the window', () => {
    const asked = new Asked(1000, true, 5000n);
    expect([4999, 4500, 1, 0].map((pn) => asked.accepts(pn))).toEqual([false, false, false, false]);
    expect(asked.accepts(5000)).toBe(true);
    asked.advance(5500);
    expect(asked.accepts(5000)).toBe(true);
    expect([4501, 4999, 5001].map((pn) => asked.accepts(pn))).toEqual([false, false, true]);
    asked.advance(6500);
    expect([5499, 5501].map((pn) => asked.accepts(pn))).toEqual([false, true]);
  });

  it('accepts the last number of all once, and what is late in the window, but nothing after it', () => {
    const asked = new Asked(8, true, LAST_PN - 20n);
    asked.advance(LAST_PN);
    expect(asked.replay.nextPn).toBe(2n ** 64n);
    expect(
      [LAST_PN, LAST_PN - 1n, LAST_PN - 7n, LAST_PN - 8n, 0n, 1n].map((pn) => asked.accepts(pn)),
    ).toEqual([false, true, true, false, false, false]);
  });

  it('takes no more memory than two bits per PN of the window, and a few words', () => {
    const before = process.memoryUsage().arrayBuffers;
    const kept = Array.from({ length: 16 }, () => new Replay(1_000_000, true, 1n));
    expect(kept).toHaveLength(16);
    expect((process.memoryUsage().arrayBuffers - before) / 16).toBeLessThan((2 * 1_000_000) / 8 + 4096);
  });
});

describe('replay protection as Linux has it', () => {
  it('delivers a duplicate inside the window', () => {
    const asked = new Asked(32, false, 1n, false);
    for (const pn of [1, 2, 3]) asked.advance(pn);
    expect(asked.accepts(2)).toBe(true);
  });

  it('refuses below the window only', () => {
    const asked = new Asked(32, false, 1n, false);
    asked.advance(100);
    expect([68, 69].map((pn) => asked.accepts(pn))).toEqual([false, true]);
  });

  it.each([
    ['32', false, 2n ** 32n - 1n],
    ['64', true, LAST_PN],
  ])('has no next number after the last of %s bits', (_, xpn, last) => {
    const asked = new Asked(0, false, last - 1n, xpn);
    asked.advance(last - 1n);
    asked.advance(last);
    expect(asked.replay.nextPn).toBe(last);
    expect([last - 1n, last].map((pn) => asked.accepts(pn))).toEqual([false, true]);
  });
});

describe('a lowest PN that is raised (802.1X 9.10, delay protection)', () => {
  it('is a floor below which nothing passes, as if all before it had been given up', () => {
    const pns = fc.array(fc.integer({ min: -70, max: 70 }), { maxLength: 60 });
    fc.assert(
      fc.property(
        fc.constantFrom(...WINDOWS),
        fc.constantFrom(...STARTS),
        pns,
        fc.integer({ min: -100, max: 300 }),
        pns,
        (window, start, before, raise, after) => {
          const [asked, reference] = [new Asked(window, true, start), new Reference(window, true, start)];
          const see = (offset: number, floor: bigint): void => {
            const pn = reference.next + BigInt(offset);
            if (pn < 1n || pn > LAST_PN) return;
            const passes = pn >= floor && reference.accepts(pn);
            expect(asked.accepts(pn)).toBe(passes);
            if (!passes) return;
            asked.advance(pn);
            reference.advance(pn);
          };
          for (const offset of before) see(offset, 0n);
          const floor = reference.next + BigInt(raise);
          if (floor < 1n || floor > LAST_PN) return;
          asked.replay.raiseLowest(floor);
          if (floor > reference.next) reference.next = floor;
          for (const offset of after) see(offset, floor);
        },
      ),
    );
  });

  it('is never lowered', () => {
    const asked = new Asked(100, true, 1n);
    asked.advance(50n);
    asked.replay.raiseLowest(40n);
    asked.replay.raiseLowest(20n);
    expect([asked.accepts(39n), asked.accepts(40n)]).toEqual([false, true]);
  });
});

describe('the state of a receiver that has ended', () => {
  it('makes another one judge each packet number as it would have', () => {
    const offset = fc.integer({ min: -1100, max: 200 });
    fc.assert(
      fc.property(
        fc.constantFrom(...WINDOWS.filter((window) => window <= 1000)),
        fc.constantFrom(...STARTS),
        fc.boolean(),
        fc.array(offset, { maxLength: 60 }),
        fc.array(offset, { maxLength: 60 }),
        (window, start, bitmap, before, after) => {
          const replay = new Replay(window, bitmap, start, true);
          const words = (pn: bigint): [number, number] => [Number(pn >> 32n), Number(pn & 0xffff_ffffn)];
          for (const by of before) {
            const pn = replay.nextPn + BigInt(by);
            if (pn >= 1n && pn <= LAST_PN && replay.accepts(...words(pn))) replay.advance(...words(pn));
          }
          const next = new Replay(window, bitmap, replay.nextPn, true);
          next.goOnFrom(structuredClone(replay.state));
          expect(next.state).toEqual(replay.state);
          for (const by of after) {
            const pn = replay.nextPn + BigInt(by);
            if (pn >= 1n && pn <= LAST_PN)
              expect(next.accepts(...words(pn))).toBe(replay.accepts(...words(pn)));
          }
        },
      ),
    );
  });

  it('is not known to one with another window: then nothing that may have come is accepted', () => {
    const replay = new Replay(64, true, 1n);
    replay.advance(0, 100);
    const next = new Replay(128, true, replay.nextPn);
    next.goOnFrom(replay.state);
    expect([99, 100, 101].map((pn) => next.accepts(0, pn))).toEqual([false, false, true]);
  });
});
