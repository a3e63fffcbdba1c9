import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Claim, claimedNameOf, claimOf } from '../../../src/encap/claimed-name.ts';

const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ''), 'hex');
const MACS = '0180c2000003 020000010001';
const SCI = '0200000100010001';
const SECTAG = `${MACS} 88e5 2c00 00000001 ${SCI} 0800 45`;
/** EAPOL, MKA, then a Basic set with the CKN 5a01. */
const MKPDU = `${MACS} 888e 03 05 0044 01 80 701e ${SCI} ${'11'.repeat(12)} 00000001 0080c201 5a01`;

function claim(gre: string, frame: string): Claim | null {
  const packet = hex(gre + frame);
  return claimOf(packet, 0, packet.length);
}

describe('whose a packet claims to be', () => {
  it.each<[string, string, string, Partial<Claim> | null]>([
    ['the SCI of a SecTAG', '00006558', SECTAG, { name: `sci ${SCI}`, greKey: null, frameAt: 4 }],
    ['behind a GRE key', '20006558 00000007', SECTAG, { name: `sci ${SCI}`, greKey: 7, frameAt: 8 }],
    ['behind all options', 'b0006558 12340000 00000007 00000001', SECTAG, { greKey: 7, frameAt: 16 }],
    ['ES: the source address', '00006558', `${MACS} 88e5 4c00 00000001 0800 45`, { name: `sci ${SCI}` }],
    ['no SCI at all', '00006558', `${MACS} 88e5 0c00 00000001 0800 4500`, null],
    ['the CKN of an MKPDU', '00006558', `${MKPDU}${'00'.repeat(26)}${'22'.repeat(16)}`, { name: 'ckn 5a01' }],
    ['EAPOL that is no MKA', '00006558', `${MACS} 888e 0301 0000 ${'00'.repeat(40)}`, null],
    ['an MKPDU that ends in its CKN', '00006558', MKPDU.slice(0, -2), null],
    ['a control frame', '00006558', `${MACS} 88b5 6c327670 01 01 0000 ${SCI}`, { name: `sci ${SCI}` }],
    ['another protocol of its EtherType', '00006558', `${MACS} 88b5 00000000 01 01 0000 ${SCI}`, null],
    ['a control frame that ends in its SCI', '00006558', `${MACS} 88b5 6c327670 01 01 0000 020000`, null],
    ['a frame in clear', '00006558', `${MACS} 0800 45`, null],
    ['GRE of something else', '00000800', SECTAG, null],
    ['GRE that ends in its key', '20006558 00', '', null],
    ['nothing', '', '', null],
  ])('%s', (_what, gre, frame, expected) => {
    const found = claim(gre, frame);
    if (expected === null) expect(found).toBeNull();
    else expect(found).toMatchObject(expected);
  });

  it('is not told by octets behind the packet', () => {
    const packet = hex(`00006558 ${SECTAG}`);
    for (let end = 0; end < packet.length; end++) {
      const alone = Buffer.from(packet.subarray(0, end));
      expect(claimOf(packet, 0, end)).toEqual(claimOf(alone, 0, end));
    }
  });

  it('never throws, and does not depend on what is around the packet', () => {
    const octets = fc.uint8Array({ maxLength: 96 });
    const start = fc.constantFrom(
      '',
      '00006558',
      `00006558${MACS}88e5`,
      `20006558${MACS}888e0305`,
      `00006558${MACS}88b5`,
    );
    fc.assert(
      fc.property(start, octets, fc.nat(255), (head, tail, fill) => {
        const packet = Buffer.concat([hex(head), tail]);
        const around = Buffer.alloc(packet.length + 40, fill);
        packet.copy(around, 20);
        const [one, other] = [claimOf(packet, 0, packet.length), claimOf(around, 20, 20 + packet.length)];
        expect(other === null ? null : { ...other, frameAt: other.frameAt - 20 }).toEqual(one);
        if (one !== null) expect(claimedNameOf(packet, one.frameAt, packet.length)).toBe(one.name);
      }),
    );
  });
});
