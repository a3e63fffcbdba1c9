/** The Internet checksum against a slow reference, and the worked example of RFC 1071. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { adjustedChecksum, checksum } from '../../../src/wire/checksum.ts';

const hex = (text: string): Buffer => Buffer.from(text.replace(/\s+/g, ''), 'hex');

/** RFC 1071 §4.1, a carry at a time. */
function reference(octets: Uint8Array): number {
  let sum = 0n;
  for (let i = 0; i < octets.length; i += 2) {
    sum += BigInt((octets[i]! << 8) | (octets[i + 1] ?? 0));
    if (sum > 0xffffn) sum -= 0xffffn;
  }
  return Number(~sum & 0xffffn);
}

describe('the Internet checksum (RFC 1071)', () => {
  it.each([
    ['the example of RFC 1071 §3', '00 01 f2 03 f4 f5 f6 f7', 0x220d],
    ['nothing', '', 0xffff],
    ['one octet, padded with 0', 'ff', 0x00ff],
    ['all ones', 'ff ff ff ff', 0x0000],
    ['an IPv4 header', '45 00 00 73 00 00 40 00 40 11 00 00 c0 a8 00 01 c0 a8 00 c7', 0xb861],
  ])('of %s', (_, text, expected) => {
    const octets = hex(text);
    expect(checksum(octets, 0, octets.length)).toBe(expected);
  });

  it('is that of the reference, whatever the octets and wherever they lie', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), fc.nat(9), (octets, at) => {
        const buf = Buffer.concat([Buffer.alloc(at, 0xa5), octets, Buffer.alloc(7, 0xa5)]);
        expect(checksum(buf, at, at + octets.length)).toBe(reference(octets));
      }),
    );
  });

  it('does not overflow over 64 KiB of ones', () => {
    expect(checksum(Buffer.alloc(65_536, 0xff), 0, 65_536)).toBe(0);
    expect(checksum(Buffer.alloc(65_535, 0xff), 0, 65_535)).toBe(reference(Buffer.alloc(65_535, 0xff)));
  });

  it('goes on from the sum of what is not there', () => {
    const octets = hex('00 01 f2 03 f4 f5 f6 f7');
    expect(checksum(octets, 4, 8, 0x0001 + 0xf203)).toBe(0x220d);
  });

  it('over data that holds it is 0', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 2, maxLength: 400 }), (octets) => {
        const buf = Buffer.from(octets);
        buf.writeUInt16BE(0, 0);
        buf.writeUInt16BE(checksum(buf, 0, buf.length), 0);
        // A sum of 0xffff and one of 0 are the same number in ones' complement.
        expect([0, 0xffff]).toContain(checksum(buf, 0, buf.length));
      }),
    );
  });
});

describe('a checksum that is corrected (RFC 1624)', () => {
  it('is that of RFC 1624 §4, where equation 2 of RFC 1141 went wrong', () => {
    expect(adjustedChecksum(0xdd2f, 0x5555, 0x3285)).toBe(0x0000);
  });

  it('is that of the changed octets', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 4, maxLength: 60 }),
        fc.nat(100),
        fc.integer({ min: 0, max: 0xffff }),
        (octets, where, is) => {
          const buf = Buffer.from(octets);
          const at = (where % (buf.length >> 1)) * 2;
          const sum = checksum(buf, 0, buf.length);
          const was = buf.readUInt16BE(at);
          buf.writeUInt16BE(is, at);
          const next = adjustedChecksum(sum, was, is);
          // 0 and 0xffff are the same number in ones' complement.
          expect(next % 0xffff).toBe(checksum(buf, 0, buf.length) % 0xffff);
        },
      ),
    );
  });
});
