/** The ICMP error that says "too big", of IPv4 and IPv6. */
import { describe, expect, it } from 'vitest';
import { describeTooBig, isTooBig, quotedEnd, tooBigMtuAt } from '../../../src/wire/icmp.ts';
import { IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_UDP } from '../../../src/wire/ip.ts';
import { alwaysReadsOnly, fromHex, lines, readsOnly } from './codec.ts';

const V4 = '03 04 abcd 00 00 0578';
const V6 = '02 00 abcd 00000500';

describe('"too big" (RFC 792 and RFC 1191 §4, RFC 4443 §3.2)', () => {
  it.each([
    ['ICMP 3/4', V4, IPPROTO_ICMP, true],
    ['ICMP 3/4 as ICMPv6', V4, IPPROTO_ICMPV6, false],
    ['ICMPv6 2', V6, IPPROTO_ICMPV6, true],
    ['ICMPv6 2 as ICMP', V6, IPPROTO_ICMP, false],
    ['ICMP 3/3, port unreachable', '03 03 abcd 00000000', IPPROTO_ICMP, false],
    ['ICMP 8, echo', '08 00 abcd 00000000', IPPROTO_ICMP, false],
    ['UDP', V4, IPPROTO_UDP, false],
    ['ICMP 3/4 of 7 octets', V4.slice(0, -2), IPPROTO_ICMP, false],
    ['nothing', '', IPPROTO_ICMP, false],
  ])('%s', (_, octets, protocol, expected) => {
    const found = readsOnly(fromHex(octets), (buf, at, end) => isTooBig(buf, at, end, protocol));
    expect(found).toBe(expected);
  });

  it('names the MTU of the next link', () => {
    expect(lines(readsOnly(fromHex(V4), describeTooBig))).toEqual([
      'type: 3 (destination unreachable)',
      'code: 4 (fragmentation needed)',
      'checksum: 0xabcd',
      'MTU: 1400 (of the link that the packet is too big for)',
    ]);
    expect(lines(readsOnly(fromHex(V6), describeTooBig))).toEqual([
      'type: 2 (packet too big)',
      'code: 0',
      'checksum: 0xabcd',
      'MTU: 1280 (of the link that the packet is too big for)',
    ]);
    expect(tooBigMtuAt(fromHex('02 00 0000 ffffffff'), 0)).toBe(0xffffffff);
  });

  it('may come from an old router, which names none', () => {
    expect(lines(describeTooBig(fromHex('03 04 0000 00000000'), 0)).at(-1)).toBe(
      'MTU: 0 (the router does not name it)',
    );
  });

  it('quotes the packet up to its end, or as many words as RFC 4884 counts', () => {
    expect(quotedEnd(fromHex(V4), 0, 100)).toBe(100);
    expect(quotedEnd(fromHex('03 04 0000 00 20 0578'), 0, 200)).toBe(8 + 128);
    expect(quotedEnd(fromHex('03 04 0000 00 ff 0578'), 0, 200)).toBe(200);
    expect(quotedEnd(fromHex('02 00 0000 00 20 0578'), 0, 200)).toBe(200);
  });

  it('is read without an octet around it', () =>
    alwaysReadsOnly(
      [0, 40],
      (buf, at, end) =>
        [IPPROTO_ICMP, IPPROTO_ICMPV6].map((protocol) => {
          if (!isTooBig(buf, at, end, protocol)) return null;
          const quoteEnd = quotedEnd(buf, at, end) - at;
          expect(quoteEnd).toBeGreaterThanOrEqual(8);
          expect(quoteEnd).toBeLessThanOrEqual(end - at);
          return [describeTooBig(buf, at), tooBigMtuAt(buf, at), quoteEnd];
        }),
      [V4, V6],
    ));
});
