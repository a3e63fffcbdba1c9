/** The outer IPv4 header: what is read of it, what is written. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { viewOf } from '../../../src/frame/view.ts';
import { IPV4_LEN, ipv4HeaderLen, ipv4Template, parseIpv4, writeIpv4 } from '../../../src/wire/ipv4.ts';

describe('the length of an IPv4 header (RFC 791 §3.1)', () => {
  it.each([
    ['no options', 0x45, 24, 20],
    ['nothing behind it', 0x45, 20, 20],
    ['all options', 0x4f, 60, 60],
    ['options that are not there', 0x4f, 59, 0],
    ['an octet missing', 0x45, 19, 0],
    ['no octet', 0x45, 0, 0],
    ['IHL 4', 0x44, 40, 0],
    ['IHL 0', 0x40, 40, 0],
    ['version 6', 0x65, 60, 0],
    ['version 0', 0x05, 60, 0],
  ])('%s', (_, first, len, expected) => {
    const buf = Buffer.alloc(80, 0xa5);
    buf[5] = first;
    expect(ipv4HeaderLen(buf, 5, len)).toBe(expected);
  });

  it('never throws, and is never longer than the packet', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (octets) => {
        const len = ipv4HeaderLen(octets, 0, octets.length);
        expect(len === 0 || (len >= IPV4_LEN && len <= octets.length)).toBe(true);
      }),
    );
  });
});

describe('an outer IPv4 header of ours (man 7 raw, IP_HDRINCL)', () => {
  it('says everything but what the kernel fills in', () => {
    const template = ipv4Template(parseIpv4('1.1.1.1'), parseIpv4('2.2.2.2'), 64, 0xb8, true);
    const buf = Buffer.alloc(40, 0xa5);
    writeIpv4(viewOf(buf), 10, 1500, viewOf(template));
    expect(buf.toString('hex', 10, 30)).toBe('45b805dc00014000402f00000101010102020202');
    expect(buf[9]).toBe(0xa5);
    expect(buf[30]).toBe(0xa5);
  });

  it('has an identification of its own, never 0', () => {
    const template = ipv4Template(parseIpv4('1.1.1.1'), parseIpv4('2.2.2.2'), 64, 0, true);
    const ids = new Set<number>();
    const buf = Buffer.alloc(IPV4_LEN);
    for (let i = 0; i < 0x10000; i++) {
      writeIpv4(viewOf(buf), 0, 100, viewOf(template));
      ids.add(buf.readUInt16BE(4));
    }
    expect(ids.size).toBe(0xffff);
    expect(ids.has(0)).toBe(false);
  });

  it('leaves DF clear when fragments are allowed', () => {
    expect(ipv4Template(parseIpv4('1.1.1.1'), parseIpv4('2.2.2.2'), 1, 0, false)[6]).toBe(0);
  });
});
