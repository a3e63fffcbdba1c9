/** TCP's MSS option: found where it is, and only there. */
import { describe, expect, it } from 'vitest';
import { ipv6UpperAt } from '../../../src/wire/ipv6.ts';
import { isSyn, lowerMss, mssAt } from '../../../src/wire/tcp.ts';
import { payloadAt, payloadTypeAt } from '../../../src/wire/vlan.ts';
import { alwaysReadsOnly, fromHex, readsOnly } from './codec.ts';

const FIXED = 'a0010016 01020304 00000000';
const REST = 'fff0 0000 0000';

describe('the MSS of a TCP header (RFC 9293 §3.2)', () => {
  it.each([
    ['alone', `${FIXED} 60 02 ${REST} 0204 05b4`, 22],
    ['behind others', `${FIXED} 80 02 ${REST} 01 030307 0402 0204 05b4 0000`, 28],
    ['at an odd offset', `${FIXED} 70 02 ${REST} 01 0204 05b4 010101`, 23],
    ['cut off by the header', `${FIXED} 60 02 ${REST} 0101 0204 05b4 0000`, -1],
    ['cut off by the end', `${FIXED} 70 02 ${REST} 01010101 0204`, -1],
    ['with a header longer than the segment', `${FIXED} f0 02 ${REST} 0204 05b4`, -1],
    ['with a header shorter than one', `${FIXED} 10 02 ${REST} 0204 05b4`, -1],
    ['behind the end of options', `${FIXED} 70 02 ${REST} 00 0204 05b4 0000 00`, -1],
    ['behind an option of length 1', `${FIXED} 70 02 ${REST} 0801 0204 05b4 0000`, -1],
  ])('%s', (_, text, found) => {
    expect(
      readsOnly(fromHex(text), (buf, at, end) =>
        [isSyn(buf, at), mssAt(buf, at, end)].map((said) =>
          typeof said === 'number' && said >= 0 ? said - at : said,
        ),
      ),
    ).toEqual([true, found]);
  });

  it('is looked for within the segment, whatever the octets', () => {
    alwaysReadsOnly(
      [20, 80],
      (buf, at, end) => {
        const found = mssAt(buf, at, end);
        expect(found === -1 || (found >= at + 22 && found + 2 <= end)).toBe(true);
        return found === -1 ? -1 : found - at;
      },
      [`${FIXED} f002 ${REST} 0101 0204 05b4`],
    );
  });

  it('is not raised', () => {
    const packet = fromHex(`4500002c 00004000 40060000 01010101 02020202 ${FIXED} 6002 ${REST} 0204 05b4`);
    const before = Buffer.from(packet);
    expect(lowerMss(packet, 0, 20, 44, 1460)).toBe(false);
    expect(packet).toEqual(before);
  });
});

describe('where what a frame carries begins', () => {
  const macs = '02000000aa01 02000000aa02';
  it.each([
    ['without tags', `${macs} 0800 45`, 14, 0x0800],
    ['behind a tag', `${macs} 8100 0064 86dd 60`, 18, 0x86dd],
    ['behind two', `${macs} 88a8 0001 8100 0064 0800 45`, 22, 0x0800],
    ['behind three: at the third', `${macs} 88a8 0001 8100 0064 8100 0002 0800`, 22, 0x8100],
    ['behind a tag that is cut off', `${macs} 8100 0064 08`, -1, 0],
  ])('%s', (_, text, found, type) => {
    const said = readsOnly(fromHex(text), (buf, at, end) => {
      const payload = payloadAt(buf, at, end);
      return payload < 0 ? [-1, 0] : [payload - at, payloadTypeAt(buf, payload)];
    });
    expect(said).toEqual([found, type]);
  });

  it('is inside the frame, whatever the octets', () => {
    alwaysReadsOnly(
      [14, 40],
      (buf, at, end) => {
        const payload = payloadAt(buf, at, end);
        expect(payload <= end).toBe(true);
        return payload < 0 ? -1 : payload - at;
      },
      [`${macs} 8100 0064`, `${macs} 88a8 0001 8100 0064`],
    );
  });
});

describe('what is behind IPv6 extension headers (RFC 8200 §4)', () => {
  const ip = (next: string): string => `60000000 0020 ${next} 40 ${'20010db8'.repeat(8)}`;
  it.each([
    ['at once', `${ip('06')} aa`, 40],
    [
      'behind hop-by-hop and destination options',
      `${ip('00')} 3c00000000000000 0601${'00'.repeat(14)} aa`,
      64,
    ],
    ['not what was looked for', `${ip('11')} aa`, -1],
    ['a fragment', `${ip('2c')} 0600000000000001 aa`, -1],
    ['behind more headers than any host sends', ip('00') + '0000000000000000'.repeat(12), -1],
    ['behind a header that is cut off', `${ip('00')} 06000000`, -1],
    ['behind a header that ends past the packet', `${ip('00')} 0605000000000000`, -1],
  ])('%s', (_, text, found) => {
    const said = readsOnly(fromHex(text), (buf, at, end) => {
      const upper = ipv6UpperAt(buf, at, end, 6);
      return upper < 0 ? -1 : upper - at;
    });
    expect(said).toBe(found);
  });

  it('is inside the packet, whatever the octets', () => {
    alwaysReadsOnly(
      [40, 120],
      (buf, at, end) => {
        const upper = ipv6UpperAt(buf, at, end, 6);
        expect(upper <= end).toBe(true);
        return upper < 0 ? -1 : upper - at;
      },
      [ip('00'), ip('3c'), ip('06')],
    );
  });
});
