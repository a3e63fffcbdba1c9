/** MAC addresses and EtherTypes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ETHERTYPE_MACSEC, etherTypeAt, formatMac, parseMac } from '../../../src/wire/ethernet.ts';

describe('MAC addresses (IEEE 802-2014 8.2)', () => {
  it.each([
    ['00:00:00:11:11:11', '000000111111'],
    ['FF:ff:Ff:fF:FF:ff', 'ffffffffffff'],
  ])('%s is read', (text, octets) => expect(parseMac(text).toString('hex')).toBe(octets));

  it.each([
    '',
    '00:00:00:11:11',
    '00:00:00:11:11:11:11',
    '0:0:0:11:11:11',
    '00-00-00-11-11-11',
    '00:00:00:11:11:1g',
    ' 00:00:00:11:11:11',
    '00:00:00:11:11:11\n',
  ])('%j is refused', (text) => expect(() => parseMac(text)).toThrow(RangeError));

  it('come back as they were', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 6, maxLength: 6 }), (octets) => {
        expect(parseMac(formatMac(octets))).toEqual(Buffer.from(octets));
      }),
    );
  });
});

describe('the EtherType (IEEE 802.3 3.2.6)', () => {
  it('stands behind both addresses, in network order', () => {
    const buf = Buffer.alloc(40, 0xa5);
    buf.writeUInt16BE(ETHERTYPE_MACSEC, 7 + 12);
    expect(etherTypeAt(buf, 7)).toBe(0x88e5);
  });
});
