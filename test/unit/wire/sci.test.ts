/** The Secure Channel Identifier. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { viewOf } from '../../../src/frame/view.ts';
import { endStationSciLow, formatSci, parseSci, sciHigh, sciLow, sciOf } from '../../../src/wire/sci.ts';

const octets = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });

describe('the SCI (802.1AE 9.9)', () => {
  it('is the MAC address and the port', () => {
    expect(sciOf('00:00:00:11:11:11', 1)).toBe('0000001111110001');
    expect(sciOf('AA:bb:cc:dd:ee:FF', 0xfffe)).toBe('aabbccddeefffffe');
  });

  it.each(['', '000000111111000', '00000011111100011', '000000111111000g', '0x00001111110001'])(
    '%j is refused',
    (text) => expect(() => parseSci(text)).toThrow(RangeError),
  );

  it('comes back as it was, also out of the middle of a buffer', () => {
    fc.assert(
      fc.property(octets(8), fc.nat(20), (sci, at) => {
        const buf = Buffer.alloc(40, 0xa5);
        buf.set(sci, at);
        expect(parseSci(formatSci(buf.subarray(at)))).toEqual(Buffer.from(sci));
      }),
    );
  });

  it('is compared by two unsigned halves', () => {
    fc.assert(
      fc.property(octets(8), fc.nat(20), (sci, at) => {
        const buf = Buffer.alloc(40, 0xa5);
        buf.set(sci, at);
        const whole = (BigInt(sciHigh(buf, at)) << 32n) | BigInt(sciLow(buf, at));
        expect(whole).toBe(Buffer.from(sci).readBigUInt64BE());
      }),
    );
  });

  it('of an end station is its address and port 1', () => {
    fc.assert(
      fc.property(octets(12), fc.nat(20), (macs, at) => {
        const buf = Buffer.alloc(60, 0xa5);
        buf.set(macs, at);
        const implicit = Buffer.concat([macs.subarray(6), Buffer.from([0, 1])]);
        expect(sciHigh(buf, at + 6)).toBe(implicit.readUInt32BE(0));
        expect(endStationSciLow(viewOf(buf), at)).toBe(implicit.readUInt32BE(4));
      }),
    );
  });
});
