/** The GRE header as Linux's ip_gre writes and reads it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checksum } from '../../../src/wire/checksum.ts';
import {
  checkGre,
  GreFault,
  type GreOptions,
  greHeaderLen,
  greHeaderLenAt,
  writeGre,
} from '../../../src/wire/gre.ts';

const hex = (text: string): Buffer => Buffer.from(text.replace(/\s+/g, ''), 'hex');
const PLAIN: GreOptions = { key: null, checksum: false };
const KEYED: GreOptions = { key: 0xfffffff1, checksum: false };
const SUMMED: GreOptions = { key: null, checksum: true };
const BOTH: GreOptions = { key: 7, checksum: true };
const nameOf = (fault: number): string => Object.entries(GreFault).find(([, value]) => value === fault)![0];

/** `check` over `text` alone in a buffer whose every other octet is 0xa5. */
function check(text: string, options: GreOptions): string {
  const packet = hex(text);
  const buf = Buffer.alloc(packet.length + 20, 0xa5);
  packet.copy(buf, 3);
  return nameOf(checkGre(buf, 3, 3 + packet.length, options));
}

const optionsArbitrary: fc.Arbitrary<GreOptions> = fc.record({
  key: fc.option(fc.integer({ min: 0, max: 0xffffffff })),
  checksum: fc.boolean(),
});

describe('writing GRE (RFC 2784 §2, RFC 2890 §2)', () => {
  it.each([
    ['without options', PLAIN, '00 00 65 58'],
    ['with a key', KEYED, '20 00 65 58  ff ff ff f1'],
    ['with a key of 0', { key: 0, checksum: false }, '20 00 65 58  00 00 00 00'],
    ['with a checksum', SUMMED, '80 00 65 58  75 14 00 00'],
    ['with both, the checksum first', BOTH, 'a0 00 65 58  55 0d 00 00  00 00 00 07'],
  ])('%s', (_, options, expected) => {
    const buf = Buffer.alloc(40, 0xa5);
    const end = 5 + greHeaderLen(options) + 2;
    hex('a5 92').copy(buf, end - 2);
    writeGre(buf, 5, end, options);
    expect(buf.toString('hex', 5, end - 2)).toBe(hex(expected).toString('hex'));
    if (options.checksum) expect(checksum(buf, 5, end)).toBe(0);
    expect(buf[4]).toBe(0xa5);
    expect(buf.toString('hex', end - 2, end + 1)).toBe('a592a5');
  });

  it('is accepted by who expects the same, and by nobody else', () => {
    fc.assert(
      fc.property(
        optionsArbitrary,
        optionsArbitrary,
        fc.uint8Array({ maxLength: 100 }),
        (ours, theirs, payload) => {
          const headerLen = greHeaderLen(ours);
          const buf = Buffer.alloc(headerLen + payload.length, 0xa5);
          buf.set(payload, headerLen);
          writeGre(buf, 0, buf.length, ours);
          expect(checkGre(buf, 0, buf.length, ours)).toBe(GreFault.None);
          expect(greHeaderLenAt(buf, 0)).toBe(headerLen);
          expect(buf.subarray(headerLen)).toEqual(Buffer.from(payload));
          const same = ours.key === theirs.key && ours.checksum === theirs.checksum;
          expect(checkGre(buf, 0, buf.length, theirs) === GreFault.None).toBe(same);
        },
      ),
    );
  });
});

describe('checking GRE', () => {
  it.each<[string, GreOptions, string, string]>([
    ['no options', PLAIN, '00 00 65 58  01 02', 'None'],
    ['nothing behind it', PLAIN, '00 00 65 58', 'None'],
    ['three octets', PLAIN, '00 00 65', 'Short'],
    ['nothing at all', PLAIN, '', 'Short'],
    ['a sequence number, skipped', PLAIN, '10 00 65 58  00 00 00 09', 'None'],
    ['a sequence number cut', PLAIN, '10 00 65 58  00 00 00', 'Short'],
    ['reserved bits, ignored', PLAIN, '0f f8 65 58', 'None'],
    ['routing', PLAIN, '40 00 65 58', 'Flags'],
    ['version 1 (PPTP)', PLAIN, '00 01 65 58', 'Flags'],
    ['version 7', PLAIN, '00 07 65 58', 'Flags'],
    ['IPv4 inside', PLAIN, '00 00 08 00', 'Proto'],
    ['the right key', { key: 7, checksum: false }, '20 00 65 58  00 00 00 07', 'None'],
    ['another key', { key: 7, checksum: false }, '20 00 65 58  00 00 00 08', 'Key'],
    ['a key of more than 31 bits', KEYED, '20 00 65 58  ff ff ff f1', 'None'],
    ['no key where one is expected', KEYED, '00 00 65 58  ff ff ff f1', 'Key'],
    ['a key where none is expected', PLAIN, '20 00 65 58  00 00 00 07', 'Key'],
    ['a key cut', KEYED, '20 00 65 58  ff ff ff', 'Short'],
    ['a key and a sequence number', KEYED, '30 00 65 58  ff ff ff f1  00 00 00 01', 'None'],
    ['the right checksum', SUMMED, '80 00 65 58  1a a7 00 00', 'None'],
    ['a wrong checksum', SUMMED, '80 00 65 58  1a a8 00 00', 'Checksum'],
    ['a checksum where none is expected', PLAIN, '80 00 65 58  1a a7 00 00', 'Checksum'],
    ['no checksum where one is expected', SUMMED, '00 00 65 58  1a a7 00 00', 'Checksum'],
    ['a checksum cut', SUMMED, '80 00 65 58  1a a7 00', 'Short'],
  ])('%s', (_, options, packet, fault) => expect(check(packet, options)).toBe(fault));

  it('covers the payload with the checksum: a turned bit anywhere is found', () => {
    const buf = Buffer.alloc(60, 0xa5);
    writeGre(buf, 0, buf.length, SUMMED);
    for (let bit = 0; bit < buf.length * 8; bit++) {
      buf[bit >> 3]! ^= 1 << (bit & 7);
      expect(checkGre(buf, 0, buf.length, SUMMED)).not.toBe(GreFault.None);
      buf[bit >> 3]! ^= 1 << (bit & 7);
    }
  });

  it('never throws, never reads past the end, and never accepts a header that is not whole', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 40 }),
        optionsArbitrary,
        fc.boolean(),
        (octets, options, likely) => {
          if (likely && octets.length >= 4) octets.set([octets[0]! & 0xb0, 0, 0x65, 0x58]);
          const faults = [0x00, 0xff].map((rest) => {
            const buf = Buffer.concat([Buffer.alloc(3, rest), octets, Buffer.alloc(40, rest)]);
            return checkGre(buf, 3, 3 + octets.length, options);
          });
          expect(faults[0]).toBe(faults[1]);
          if (faults[0] === GreFault.None)
            expect(greHeaderLenAt(octets, 0)).toBeLessThanOrEqual(octets.length);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
