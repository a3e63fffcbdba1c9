/** The full packet number of a received frame, and the IV made of it, against 64-bit references. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { viewOf } from '../../../src/frame/view.ts';
import { writeIv } from '../../../src/macsec/iv.ts';
import { recoverPnHigh } from '../../../src/macsec/validate.ts';

/** The recovery of an XPN as Linux does it (802.1AEbw 10.6.2), with two 32-bit halves. */
function reference(nextPn: bigint, pnLow: bigint): bigint {
  const upper = nextPn >> 32n;
  const lower = nextPn & 0xffffffffn;
  const topBitsDiffer = (pnLow ^ lower) >> 31n === 1n;
  return ((pnLow < lower && topBitsDiffer ? upper + 1n : upper) << 32n) | pnLow;
}

/** The full number of a frame that carries the lower half of `sent`, for a receiver that expects `next`. */
function recovered(next: bigint, sent: bigint): bigint {
  const pnLow = sent & 0xffffffffn;
  const high = recoverPnHigh(Number(next >> 32n), Number(next & 0xffffffffn), Number(pnLow));
  return (BigInt(high) << 32n) | pnLow;
}

const edge = fc.constantFrom(0, 1, 2, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff);
const u32 = fc.oneof(edge, fc.integer({ min: 0, max: 0xffffffff }));

describe('PN recovery (802.1AEbw 10.6.2, as Linux does it)', () => {
  it('is that of the reference, wherever the receiver stands', () => {
    fc.assert(
      fc.property(u32, u32, u32, (upper, lower, pnLow) => {
        const nextPn = (BigInt(upper) << 32n) | BigInt(lower);
        const expected = reference(nextPn, BigInt(pnLow));
        // Past 2^64 Linux begins at 0 again, with a nonce that was used: there we stay.
        const last = expected >> 64n === 0n ? expected : expected - 2n ** 32n;
        expect(recovered(nextPn, BigInt(pnLow))).toBe(last);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['in order', 5n, 5n, 5n],
    ['ahead, over the border', 0xfffffff0n, 3n, 2n ** 32n + 3n],
    ['exactly at the border', 0xffffffffn, 0n, 2n ** 32n],
    ['after the border', 2n ** 32n + 10n, 10n, 2n ** 32n + 10n],
    ['late, on the same side', 2n ** 32n + 10n, 7n, 2n ** 32n + 7n],
    ['beyond 2^53', 2n ** 53n + 2n ** 32n - 1n, 0n, 2n ** 53n + 2n ** 32n],
    ['the last of all', 2n ** 64n - 1n, 0xffffffffn, 2n ** 64n - 1n],
    ['late, after the last', 2n ** 64n, 0xfffffff0n, 2n ** 64n - 16n],
    ['nothing beyond the last', 2n ** 64n, 1n, 2n ** 64n - 2n ** 32n + 1n],
    ['nothing over the last border', 2n ** 64n - 5n, 1n, 2n ** 64n - 2n ** 32n + 1n],
  ])('%s: next %d, on the wire %d, is %d', (_, nextPn, pnLow, expected) => {
    expect(recovered(nextPn, pnLow)).toBe(expected);
  });

  it('finds every PN of a sender that loses less than 2^31 frames in a row', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 1n, max: 2n ** 64n - 2n ** 37n }),
        fc.array(fc.bigInt({ min: 0n, max: 2n ** 31n - 1n }), { maxLength: 50 }),
        (start, gaps) => {
          let next = start;
          for (const gap of gaps) {
            const sent = next + gap;
            expect(recovered(next, sent)).toBe(sent);
            next = sent + 1n;
          }
        },
      ),
    );
  });
});

const octets = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });
const pns = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  u32.map(BigInt),
  u32.map((low) => 2n ** 64n - 1n - BigInt(low)),
);

describe('the GCM IV', () => {
  it('is SCI and PN (802.1AE 14.5)', () => {
    fc.assert(
      fc.property(octets(8), u32, (sci, pn) => {
        const view = Buffer.from(sci);
        const iv = new Uint8Array(20).fill(0xa5);
        writeIv(viewOf(iv), 4, { high: view.readUInt32BE(0), mid: view.readUInt32BE(4), low: 0 }, 0, pn);
        const expected = Buffer.alloc(12);
        view.copy(expected);
        expected.writeUInt32BE(pn, 8);
        expect(Buffer.from(iv).toString('hex')).toBe(`a5a5a5a5${expected.toString('hex')}a5a5a5a5`);
      }),
    );
  });

  it('of an XPN is SSCI and PN, XOR the salt (802.1AE 14.7)', () => {
    fc.assert(
      fc.property(u32, octets(12), pns, (ssci, salt, pn) => {
        const view = Buffer.from(salt);
        const base = {
          high: (ssci ^ view.readUInt32BE(0)) >>> 0,
          mid: view.readUInt32BE(4),
          low: view.readUInt32BE(8),
        };
        const iv = Buffer.alloc(12, 0xa5);
        writeIv(viewOf(iv), 0, base, Number(pn >> 32n), Number(pn & 0xffffffffn));
        const plain = (BigInt(ssci) << 64n) | pn;
        expect(iv.toString('hex')).toBe(
          (plain ^ BigInt(`0x${view.toString('hex')}`)).toString(16).padStart(24, '0'),
        );
      }),
    );
  });
});
