/** What an ICMP "too big" has to quote to be believed (RFC 792, RFC 1812 4.3.2.3, RFC 4443 2.4 c). */
import { describe, expect, it } from 'vitest';
import { judgeQuote, type OwnPackets } from '../../../src/path/quote.ts';
import { readTooBigV4, readTooBigV6, type TooBig } from '../../../src/path/too-big.ts';
import { fragNeeded, greFrame, type Quoted, tooBigV6, udpFrame } from './kit.ts';

const SECY = { sci: '0000001111110001', isRecent: (an: number, pn: number) => an === 0 && pn === 7 };
const GRE: OwnPackets = { udp: null, gre: { key: null, checksum: false }, secy: SECY };
const UDP: OwnPackets = { ...GRE, udp: { localPorts: [4754, 50_001], remotePort: 4754 } };

function read(packet: Buffer): TooBig {
  const message = readTooBigV4(packet, packet.length);
  if (message === null) throw new Error('not read');
  return message;
}

const gre = (transport: Buffer, more: Partial<Quoted> = {}): TooBig =>
  read(fragNeeded(1400, { protocol: 47, transport, ...more }));
const udp = (transport: Buffer): TooBig => read(fragNeeded(1400, { protocol: 17, transport }));

describe('a quoted packet', () => {
  it('of a transmit SA with our SCI and a recent packet number is proven to be ours', () => {
    expect(judgeQuote(gre(greFrame()), GRE).verdict).toBe('proven');
    expect(judgeQuote(gre(greFrame({ sci: null })), GRE).verdict).toBe('proven');
    expect(judgeQuote(udp(udpFrame(greFrame(), 1480)), UDP).verdict).toBe('proven');
  });

  it.each([
    ['another SCI', greFrame({ sci: '0000002222220001' }), /another SCI \(0000002222220001\)/],
    ['an old packet number', greFrame({ pn: 6 }), /a packet number \(6\) that was not sent a moment ago/],
    ['one not sent yet', greFrame({ pn: 8 }), /a packet number \(8\)/],
    ['another AN', greFrame({ an: 1 }), /a packet number \(7\)/],
    ['a GRE key', greFrame({ gre: '20006558 00000001' }), /another GRE header/],
    ['another GRE protocol', greFrame({ gre: '00000800' }), /another GRE header/],
    ['no SecTAG', Buffer.concat([greFrame().subarray(0, 16), Buffer.alloc(40)]), /no SecTAG/],
  ])('with %s is refused', (_, transport, why) => {
    const judgement = judgeQuote(gre(transport), GRE);
    expect(judgement).toMatchObject({ verdict: 'refused', why: expect.stringMatching(why) });
  });

  it('that fits the MTU which is named, or might be fragmented, was not too big', () => {
    expect(judgeQuote(gre(greFrame(), { dataLen: 1380 }), GRE)).toMatchObject({
      why: 'fits the MTU that is named',
    });
    expect(judgeQuote(gre(greFrame(), { df: false }), GRE)).toMatchObject({ why: 'might be fragmented' });
  });

  it('over UDP has our ports, and a length that it can have', () => {
    const verdict = (transport: Buffer) => judgeQuote(udp(transport), UDP).verdict;
    expect(verdict(udpFrame(greFrame(), 1480, [4754, 53]))).toBe('refused');
    expect(verdict(udpFrame(greFrame(), 1480, [4755, 4754]))).toBe('refused');
    // One of those that the flows of a tunnel leave by.
    expect(verdict(udpFrame(greFrame(), 1480, [50_001, 4754]))).toBe('proven');
    expect(verdict(udpFrame(greFrame(), 9000))).toBe('refused');
  });

  it('of the other encapsulation is not ours', () => {
    expect(judgeQuote(gre(greFrame()), UDP).verdict).toBe('refused');
    expect(judgeQuote(udp(udpFrame(greFrame(), 1480)), GRE).verdict).toBe('refused');
  });

  it.each([8, 17, 18, 33])('of which %i octets are there is plausible, no more', (octets) => {
    expect(judgeQuote(gre(greFrame().subarray(0, octets)), GRE).verdict).toBe('plausible');
  });

  it('of 8 octets is refused where they show that it is not ours', () => {
    const keyed: OwnPackets = { ...GRE, gre: { key: 7, checksum: false } };
    const quote = (key: string) => gre(greFrame({ gre: `20006558 ${key}` }).subarray(0, 8));
    expect(judgeQuote(quote('00000007'), keyed).verdict).toBe('plausible');
    expect(judgeQuote(quote('00000008'), keyed).verdict).toBe('refused');
    expect(judgeQuote(udp(udpFrame(greFrame(), 1480).subarray(0, 8)), UDP).verdict).toBe('plausible');
    expect(judgeQuote(udp(udpFrame(greFrame(), 1480).subarray(0, 7)), UDP).verdict).toBe('refused');
  });

  it('without MACsec is plausible at best', () => {
    expect(judgeQuote(gre(greFrame()), { ...GRE, secy: null }).verdict).toBe('plausible');
  });

  it('over IPv6 is judged alike, extension headers passed over', () => {
    const of = (quoted: Quoted) => {
      const message = tooBigV6(1400, quoted);
      return judgeQuote(readTooBigV6(message, message.length)!, GRE).verdict;
    };
    expect(of({ protocol: 47, transport: greFrame() })).toBe('proven');
    expect(of({ protocol: 47, transport: greFrame({ pn: 1 }) })).toBe('refused');
    const options = Buffer.concat([Buffer.from('2f00040104010100', 'hex'), greFrame()]);
    expect(of({ protocol: 60, transport: options })).toBe('proven');
  });
});

describe('an ICMP message', () => {
  it('that is damaged, cut off or about something else is not read', () => {
    const packet = fragNeeded(1400, { protocol: 47, transport: greFrame() });
    expect(readTooBigV4(packet, packet.length)).not.toBeNull();
    packet[40]! ^= 1;
    expect(readTooBigV4(packet, packet.length)).toBeNull();
    for (let end = 0; end < packet.length; end++) readTooBigV4(packet, end);
    const tcp = fragNeeded(1400, { protocol: 6, transport: Buffer.alloc(8) });
    expect(readTooBigV4(tcp, tcp.length)).toBeNull();
  });

  it('says who sent the packet to whom, and how long it was', () => {
    const { mtu, packet } = read(fragNeeded(1400, { protocol: 47, transport: greFrame() }));
    expect(mtu).toBe(1400);
    expect(packet).toMatchObject({ src: '1.1.1.1', dst: '2.2.2.2', totalLen: 1500, df: true });
    const v6 = tooBigV6(1300, { protocol: 17, transport: udpFrame(greFrame(), 1460) });
    expect(readTooBigV6(v6, v6.length)).toMatchObject({
      mtu: 1300,
      packet: { src: 'fd00:1::1', dst: 'fd00:2::2', totalLen: 1500, protocol: 17 },
    });
  });
});
