/** The SecTAG: written, and refused for each rule that it can break. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { viewOf } from '../../../src/frame/view.ts';
import {
  checkSecTag,
  hasSecTag,
  pnAt,
  SecTagFault,
  secTagLen,
  secTagTemplate,
  TCI_SC,
  tciAt,
  writeSecTag,
} from '../../../src/wire/sectag.ts';

const hex = (text: string): Buffer => Buffer.from(text.replace(/\s+/g, ''), 'hex');
const MACS = '02 00 00 00 aa 01  02 00 00 00 aa 02';
const SCI = hex('00 00 00 11 11 11 00 01');
const nameOf = (fault: number): string =>
  Object.entries(SecTagFault).find(([, value]) => value === fault)![0];

function writeTag(buf: Buffer, at: number, tci: number, userDataLen: number, pn: number): void {
  const template = secTagTemplate(tci, SCI.readUInt32BE(0), SCI.readUInt32BE(4));
  writeSecTag(viewOf(buf), at, template, userDataLen, pn);
}

interface Frame {
  tci?: number;
  sl?: number;
  pn?: number;
  secureDataLen?: number;
  icvLen?: number;
  xpn?: boolean;
  /** Octets missing at the end (negative: too many). */
  cut?: number;
}

/** `checkSecTag` of a frame at offset 9 of a buffer whose every other octet is 0xa5. */
function check({
  tci = 0x2c,
  sl = 0,
  pn = 1,
  secureDataLen = 48,
  icvLen = 16,
  xpn = false,
  cut = 0,
}: Frame): string {
  const len = 12 + secTagLen(tci) + secureDataLen + icvLen - cut;
  const buf = Buffer.alloc(9 + len + 40, 0xa5);
  writeTag(buf, 9, tci, 0, pn);
  buf[9 + 15] = sl;
  return nameOf(checkSecTag(buf, 9, len, icvLen, xpn));
}

describe('writing a SecTAG (802.1AE 9.3–9.9)', () => {
  it.each([
    ['with SCI', 0x2c, 48, 1, '88 e5 2c 00 00 00 00 01 00 00 00 11 11 11 00 01'],
    ['an ARP request: SL 30', 0x2c, 30, 0xb2c28465, '88 e5 2c 1e b2 c2 84 65 00 00 00 11 11 11 00 01'],
    ['integrity only', 0x22, 42, 1, '88 e5 22 2a 00 00 00 01 00 00 00 11 11 11 00 01'],
    ['without SCI', 0x4c, 42, 0x76d457ed, '88 e5 4c 2a 76 d4 57 ed'],
    ['the last PN', 0x0c, 1500, 0xffffffff, '88 e5 0c 00 ff ff ff ff'],
    ['the lower half of an XPN', 0x0c, 1500, 2 ** 40 + 5, '88 e5 0c 00 00 00 00 05'],
    ['an XPN whose lower half is 0', 0x0c, 1500, 2 ** 32, '88 e5 0c 00 00 00 00 00'],
  ])('%s', (_, tci, userDataLen, pn, expected) => {
    const buf = Buffer.alloc(60, 0xa5);
    hex(MACS).copy(buf, 7);
    writeTag(buf, 7, tci, userDataLen, pn);
    const tagEnd = 7 + 12 + secTagLen(tci);
    expect(buf.toString('hex', 7 + 12, tagEnd)).toBe(hex(expected).toString('hex'));
    expect(buf.toString('hex', 7, 19)).toBe(hex(MACS).toString('hex'));
    expect(buf[6]).toBe(0xa5);
    expect(buf[tagEnd]).toBe(0xa5);
    expect([tciAt(buf, 7), pnAt(buf, 7)]).toEqual([tci, pn % 2 ** 32]);
  });

  it.each(Array.from({ length: 66 }, (_, len) => [len, len < 48 ? len : 0]))(
    '%i octets of user data: SL %i (9.7)',
    (userDataLen, sl) => {
      const buf = Buffer.alloc(60, 0xa5);
      writeTag(buf, 0, 0x2c, userDataLen, 1);
      expect(buf[15]).toBe(sl);
    },
  );
});

describe('checking a SecTAG (802.1AE 9.12)', () => {
  it('refuses exactly the TCIs with V, or with SC beside ES or SCB', () => {
    for (let tci = 0; tci < 256; tci++) {
      const expected =
        (tci & 0x80) !== 0 ? 'Version' : (tci & 0x20) !== 0 && (tci & 0x50) !== 0 ? 'Sci' : 'None';
      expect({ tci, fault: check({ tci }) }).toEqual({ tci, fault: expected });
    }
  });

  it('refuses every octet whose upper two bits beside SL are not 0', () => {
    for (let sl = 0x40; sl < 256; sl++) expect(check({ sl, secureDataLen: sl & 0x3f })).toBe('ShortLength');
  });

  it.each([0x2c, 0x0c])('holds the length to SL exactly, or to 48 at least (TCI %i)', (tci) => {
    for (let sl = 0; sl < 64; sl++) {
      for (let secureDataLen = 0; secureDataLen < 70; secureDataLen++) {
        const right = sl === 0 ? secureDataLen >= 48 : secureDataLen === sl;
        const fault = check({ tci, sl, secureDataLen });
        expect({ sl, secureDataLen, fault }).toEqual({
          sl,
          secureDataLen,
          fault: right ? 'None' : 'Length',
        });
      }
    }
  });

  it.each([8, 9, 10, 11, 12, 13, 14, 15, 16])('counts the ICV as %i octets', (icvLen) => {
    expect(check({ icvLen, sl: 30, secureDataLen: 30 })).toBe('None');
    expect(check({ icvLen, sl: 30, secureDataLen: 30, cut: 1 })).toBe('Length');
    expect(check({ icvLen, sl: 30, secureDataLen: 30, cut: -1 })).toBe('Length');
  });

  it('tolerates no padding behind a short frame', () => {
    expect(check({ sl: 30, secureDataLen: 30, cut: -4 })).toBe('Length');
  });

  it('refuses a PN of 0, except of an XPN', () => {
    expect(check({ pn: 0 })).toBe('PacketNumber');
    expect(check({ pn: 0, xpn: true })).toBe('None');
  });

  it.each([0x2c, 0x0c])('refuses what ends inside the SecTAG (TCI %i)', (tci) => {
    const whole = Buffer.alloc(100, 0xa5);
    writeTag(whole, 0, tci, 48, 1);
    for (let len = 14; len < 14 + secTagLen(tci); len++) {
      // Not an octet more than the frame has.
      const frame = whole.subarray(0, len);
      expect(hasSecTag(frame, 0, len)).toBe(false);
      expect(nameOf(checkSecTag(frame, 0, len, 16, false))).toBe('Short');
    }
    expect(hasSecTag(whole, 0, 14 + secTagLen(tci))).toBe(true);
  });

  it('never throws, never reads past the frame, and leaves room for SecTAG, ICV and user data in all it accepts', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 120 }),
        fc.integer({ min: 8, max: 16 }),
        fc.boolean(),
        fc.option(fc.constantFrom(0x2c, 0x20, 0x0c, 0x4c)),
        (octets, icvLen, xpn, tci) => {
          if (tci !== null && octets.length > 15) octets.set([0x88, 0xe5, tci, octets[15]! & 0x3f], 12);
          const [first, second] = [0x00, 0xff].map((rest) => {
            const buf = Buffer.concat([Buffer.alloc(5, rest), octets, Buffer.alloc(40, rest)]);
            return checkSecTag(buf, 5, octets.length, icvLen, xpn);
          });
          expect(first).toBe(second);
          if (first !== SecTagFault.None) return;
          expect(octets.length - 12 - secTagLen(tciAt(octets, 0)) - icvLen).toBeGreaterThan(0);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('accepts whatever was written', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(0x2c, 0x20, 0x24, 0x0c, 0x4c, 0x1c, 0x5c, 0x00),
        fc.integer({ min: 1, max: 2000 }),
        fc.integer({ min: 1, max: 0xffffffff }),
        fc.integer({ min: 8, max: 16 }),
        (tci, userDataLen, pn, icvLen) => {
          const len = 12 + secTagLen(tci) + userDataLen + icvLen;
          const buf = Buffer.alloc(len, 0xa5);
          writeTag(buf, 0, tci, userDataLen, pn);
          expect(checkSecTag(buf, 0, len, icvLen, false)).toBe(SecTagFault.None);
          expect(pnAt(buf, 0)).toBe(pn);
          if ((tci & TCI_SC) !== 0) expect(buf.subarray(20, 28)).toEqual(SCI);
        },
      ),
    );
  });
});
