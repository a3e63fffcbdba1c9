/** The IPv6 header, its extension headers, and the one spelling of an address. */
import { isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  canonicalIpv6,
  describeIpv6,
  formatIpv6,
  IPV6_LEN,
  ipv6ExtensionLenAt,
  ipv6ExtensionNextAt,
  ipv6NextHeaderAt,
  ipv6TotalLenAt,
  isIpv6Extension,
} from '../../../src/wire/ipv6.ts';
import { alwaysReadsOnly, fromHex, lines, readsOnly } from './codec.ts';

const HEADER = '6b80 0000 0056 3c40 20010db8000000000000000000000002 20010db8000000000000000000000001';

describe('an IPv6 header (RFC 8200 §3)', () => {
  it('is all its fields but the flow label', () => {
    expect(lines(readsOnly(fromHex(HEADER), describeIpv6))).toEqual([
      'source: 2001:db8::2',
      'destination: 2001:db8::1',
      'next header: 60 (destination options)',
      'payload length: 86',
      'hop limit: 64',
      'traffic class: 0xb8',
    ]);
    expect(ipv6TotalLenAt(fromHex(HEADER), 0)).toBe(126);
  });

  it('is read without an octet around it', () =>
    alwaysReadsOnly([IPV6_LEN, IPV6_LEN], (buf, at) => [
      describeIpv6(buf, at),
      ipv6TotalLenAt(buf, at),
      ipv6NextHeaderAt(buf, at),
    ]));
});

describe('an IPv6 extension header (RFC 8200 §4)', () => {
  it('counts itself in units of 8 octets, of which the first is not counted', () => {
    const option = fromHex('2f00 0401 0401 0100');
    expect([ipv6ExtensionNextAt(option, 0), ipv6ExtensionLenAt(option, 0, 8)]).toEqual([47, 8]);
    expect(ipv6ExtensionLenAt(fromHex('2fff'), 0, 2)).toBe(2048);
  });

  it('is passed over when it is hop-by-hop, routing or destination options', () => {
    const passed = Array.from({ length: 256 }, (_, next) => next).filter(isIpv6Extension);
    expect(passed).toEqual([0, 43, 60]);
  });

  it('is 8 octets where the packet ends before its length', () =>
    alwaysReadsOnly([0, 3], (buf, at, end) => {
      const len = ipv6ExtensionLenAt(buf, at, end);
      if (end - at < 2) expect(len).toBe(8);
      return len;
    }));
});

describe('the spelling of an IPv6 address (RFC 5952 §4)', () => {
  it.each([
    ['2001:DB8:0::1', '2001:db8::1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['1:0:0:2:3:0:0:4', '1::2:3:0:0:4'],
    ['1:2:3:0:5:6:7:8', '1:2:3:0:5:6:7:8'],
    ['::ffff:1.2.3.4', '::ffff:102:304'],
  ])('%s is %s', (address, expected) => expect(canonicalIpv6(address)).toBe(expected));

  it('is that of its octets, and stays what it is', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (octets) => {
        const text = readsOnly(octets, formatIpv6);
        expect(isIPv6(text)).toBe(true);
        expect(canonicalIpv6(text)).toBe(text);
      }),
    );
  });
});
