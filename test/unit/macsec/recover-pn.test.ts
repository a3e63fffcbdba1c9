/** The full packet number of a received frame, and the IV made of it, against 64-bit references. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { viewOf } from '../../../src/frame/view.ts';
import { writeIv } from '../../../src/macsec/iv.ts';
import { recoverPn } from '../../../src/macsec/validate.ts';

/** The recovery of an XPN as Linux does it (802.1AEbw 10.6.2), with two 32-bit halves. */
function reference(nextPn: bigint, pnLow: bigint): bigint {
  const upper = nextPn >> 32n;
  const lower = nextPn & 0xffffffffn;
  const topBitsDiffer = (pnLow ^ lower) >> 31n === 1n;
  return ((pnLow < lower && topBitsDiffer ? upper + 1n : upper) << 32n) | pnLow;
}

const edge = fc.constantFrom(0, 1, 2, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff);
const u32 = fc.oneof(edge, fc.integer({ min: 0, max: 0xffffffff }));

describe('PN recovery (802.1AEbw 10.6.2, as Linux does it)', () => {
  it('is that of the reference, wherever the receiver stands', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 20 }), u32, u32, (upper, lower, pnLow) => {
        const nextPn = upper * 2 ** 32 + lower;
        expect(BigInt(recoverPn(true, nextPn, pnLow))).toBe(reference(BigInt(nextPn), BigInt(pnLow)));
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['in order', 5, 5, 5],
    ['ahead, over the border', 0xfffffff0, 3, 2 ** 32 + 3],
    ['exactly at the border', 0xffffffff, 0, 2 ** 32],
    ['after the border', 2 ** 32 + 10, 10, 2 ** 32 + 10],
    ['late, on the same side', 2 ** 32 + 10, 7, 2 ** 32 + 7],
    ['high up', 123_456_789_012_345, 123_456_789_012_345 % 2 ** 32, 123_456_789_012_345],
  ])('%s: next %d, on the wire %d, is %d', (_, nextPn, pnLow, expected) => {
    expect(recoverPn(true, nextPn, pnLow)).toBe(expected);
  });

  it('finds every PN of a sender that loses less than 2^31 frames in a row', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2 ** 50 }),
        fc.array(fc.integer({ min: 0, max: 2 ** 31 - 1 }), { maxLength: 50 }),
        (start, gaps) => {
          let next = start;
          for (const gap of gaps) {
            const sent = next + gap;
            expect(recoverPn(true, next, sent % 2 ** 32)).toBe(sent);
            next = sent + 1;
          }
        },
      ),
    );
  });

  it('leaves 32-bit packet numbers alone', () => {
    fc.assert(
      fc.property(u32, u32, (nextPn, pnLow) => {
        expect(recoverPn(false, nextPn, pnLow)).toBe(pnLow);
      }),
    );
  });
});

const octets = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });
const pns = fc.oneof(
  fc.integer({ min: 0, max: 2 ** 53 - 1 }),
  u32,
  u32.map((low) => 2 ** 32 + low),
);

describe('the GCM IV', () => {
  it('is SCI and PN (802.1AE 14.5)', () => {
    fc.assert(
      fc.property(octets(8), u32, (sci, pn) => {
        const view = Buffer.from(sci);
        const iv = new Uint8Array(20).fill(0xa5);
        writeIv(
          viewOf(iv),
          4,
          { xpn: false, high: view.readUInt32BE(0), mid: view.readUInt32BE(4), low: 0 },
          pn,
        );
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
          xpn: true,
          high: (ssci ^ view.readUInt32BE(0)) >>> 0,
          mid: view.readUInt32BE(4),
          low: view.readUInt32BE(8),
        };
        const iv = Buffer.alloc(12, 0xa5);
        writeIv(viewOf(iv), 0, base, pn);
        const plain = (BigInt(ssci) << 64n) | BigInt(pn);
        expect(iv.toString('hex')).toBe(
          (plain ^ BigInt(`0x${view.toString('hex')}`)).toString(16).padStart(24, '0'),
        );
      }),
    );
  });
});
