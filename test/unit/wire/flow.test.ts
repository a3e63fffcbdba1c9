/** The number of a flow: the same for all its frames, spread over all others. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { viewOf } from '../../../src/frame/view.ts';
import { flowOf } from '../../../src/wire/flow.ts';
import {
  ACK,
  ethernetFrame,
  hex,
  ipv4Packet,
  ipv6Packet,
  QINQ,
  SYN,
  tcpOverIpv4,
  tcpOverIpv6,
  tcpSegment,
  u16,
  VLAN,
} from '../datapath/ip-frames.ts';

const SEED = 0x1234_5678;

function flow(frame: Buffer, seed = SEED): number {
  return flowOf(frame, viewOf(frame), 0, frame.length, seed);
}

/** A datagram between ports. */
function datagram(src: number, dst: number, data = 'data'): Buffer {
  return Buffer.concat([u16(src), u16(dst), u16(8 + data.length), u16(0), Buffer.from(data)]);
}

const udp4 = (src: number, data = 'data'): Buffer =>
  ethernetFrame('0800', ipv4Packet(datagram(src, 53, data)));

describe('the frames of one flow have one number', () => {
  it.each<[string, Buffer, Buffer]>([
    ['whatever they say', udp4(1000, 'one'), udp4(1000, 'another, and longer')],
    [
      'whatever their identification and class',
      ethernetFrame('0800', ipv4Packet(datagram(1, 2), { id: 1 })),
      ethernetFrame('0800', ipv4Packet(datagram(1, 2), { id: 2 })),
    ],
    [
      'whatever the flags and options of TCP',
      ethernetFrame('0800', tcpOverIpv4(tcpSegment(SYN, '0204 05b4'))),
      ethernetFrame('0800', tcpOverIpv4(tcpSegment(ACK, '', Buffer.from('data')))),
    ],
    [
      'over IPv6',
      ethernetFrame('86dd', tcpOverIpv6(tcpSegment(SYN, '0204 05b4'))),
      ethernetFrame('86dd', tcpOverIpv6(tcpSegment(ACK, '', Buffer.from('data')))),
    ],
    [
      'in a VLAN',
      ethernetFrame('0800', ipv4Packet(datagram(1, 2, 'a')), { tags: VLAN }),
      ethernetFrame('0800', ipv4Packet(datagram(1, 2, 'b')), { tags: VLAN }),
    ],
    [
      'where all are fragments: the first too, which alone has the ports',
      ethernetFrame('0800', ipv4Packet(datagram(1, 2), { fragment: 0x2000 })),
      ethernetFrame('0800', ipv4Packet(Buffer.from('the rest'), { fragment: 0x0001 })),
    ],
    [
      'where all are fragments over IPv6',
      ethernetFrame('86dd', ipv6Packet(datagram(1, 2), { next: 44, extensions: '1100000100000001' })),
      ethernetFrame('86dd', ipv6Packet(Buffer.from('rest'), { next: 44, extensions: '1100001000000001' })),
    ],
    [
      'where they have no ports',
      ethernetFrame('0800', ipv4Packet(hex('0800 1111 0001 0001'), { protocol: 1 })),
      ethernetFrame('0800', ipv4Packet(hex('0000 2222 0001 0002'), { protocol: 1 })),
    ],
    [
      'where they are no IP',
      ethernetFrame('88b5', Buffer.from('one')),
      ethernetFrame('88b5', Buffer.from('another')),
    ],
  ])('%s', (_, one, other) => {
    expect(flow(one)).toBe(flow(other));
  });
});

describe('frames of different flows', () => {
  const base = udp4(1000);
  it.each<[string, Buffer]>([
    ['of another source port', udp4(1001)],
    ['of another destination port', ethernetFrame('0800', ipv4Packet(datagram(1000, 54)))],
    ['of another source address', ethernetFrame('0800', ipv4Packet(datagram(1000, 53), { src: 'c0a80109' }))],
    ['of another destination', ethernetFrame('0800', ipv4Packet(datagram(1000, 53), { dst: 'c0a80109' }))],
    ['of another protocol', ethernetFrame('0800', ipv4Packet(datagram(1000, 53), { protocol: 132 }))],
    [
      'from another station',
      ethernetFrame('0800', ipv4Packet(datagram(1000, 53)), { src: '02 00 00 00 00 99' }),
    ],
    [
      'to another station',
      ethernetFrame('0800', ipv4Packet(datagram(1000, 53)), { dst: '02 00 00 00 00 99' }),
    ],
    ['in a VLAN', ethernetFrame('0800', ipv4Packet(datagram(1000, 53)), { tags: VLAN })],
    ['in another VLAN', ethernetFrame('0800', ipv4Packet(datagram(1000, 53)), { tags: '8100 0065' })],
    ['in QinQ', ethernetFrame('0800', ipv4Packet(datagram(1000, 53)), { tags: QINQ })],
    ['of another EtherType', ethernetFrame('88b5', ipv4Packet(datagram(1000, 53)))],
  ])('%s have another number', (_, other) => {
    expect(flow(other)).not.toBe(flow(base));
  });

  it('of ESP are told by their SPI', () => {
    const esp = (spi: string): Buffer =>
      ethernetFrame('0800', ipv4Packet(hex(`${spi} 00000001`), { protocol: 50 }));
    expect(flow(esp('00000100'))).not.toBe(flow(esp('00000101')));
  });

  it('spread evenly over 16 ports, with each of several seeds', () => {
    for (const seed of [0, 1, SEED, 0xffff_ffff]) {
      const counts = new Array<number>(16).fill(0);
      for (let port = 0; port < 4096; port++) counts[flow(udp4(1024 + port), seed) % 16]!++;
      // 256 each; the deviation of a binomial distribution is 15.5.
      for (const count of counts) expect(Math.abs(count - 256)).toBeLessThan(5 * 15.5);
    }
  });

  it('collide otherwise with another seed', () => {
    const numbers = (seed: number): number[] =>
      Array.from({ length: 64 }, (_, i) => flow(udp4(1024 + i), seed) % 16);
    expect(numbers(1)).not.toEqual(numbers(2));
  });
});

it('reads nothing past the end of a frame, whatever the frame', () => {
  const octets = fc.uint8Array({ minLength: 14, maxLength: 90 });
  const type = fc.constantFrom('0800', '86dd', '8100', '88a8', '0806');
  fc.assert(
    fc.property(octets, type, (frame, etherType) => {
      frame.set(Buffer.from(etherType, 'hex'), 12);
      const alone = new Uint8Array(frame);
      const whole = Buffer.concat([frame, Buffer.alloc(64, 0x11)]);
      const number = flowOf(alone, viewOf(alone), 0, alone.length, SEED);
      expect(flowOf(whole, viewOf(whole), 0, frame.length, SEED)).toBe(number);
      expect(number).toBeGreaterThanOrEqual(0);
    }),
    { numRuns: 2000 },
  );
});
