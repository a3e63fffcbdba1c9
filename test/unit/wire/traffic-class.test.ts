/** DSCP and ECN of what a frame carries, and RFC 6040 figure 4, cell by cell. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decapsulateEcn, trafficClassAt } from '../../../src/wire/traffic-class.ts';
import { ethernetFrame, ipv4Packet, ipv6Packet, onesSum, QINQ, VLAN } from '../datapath/ip-frames.ts';

const NOT_ECT = 0;
const ECT_1 = 1;
const ECT_0 = 2;
const CE = 3;
const NAMES = ['Not-ECT', 'ECT(1)', 'ECT(0)', 'CE'];
const DROPPED = null;
const EF = 46 << 2;

/** An IPv4 packet of this class, with a right checksum. */
function v4(tos: number, options = ''): Buffer {
  const packet = ipv4Packet(Buffer.from('what it carries'), { options });
  packet[1] = tos;
  packet.writeUInt16BE(0, 10);
  packet.writeUInt16BE(~onesSum(packet.subarray(0, headerLen(packet))) & 0xffff, 10);
  return packet;
}

function v6(tos: number): Buffer {
  const packet = ipv6Packet(Buffer.from('what it carries'));
  packet.writeUInt32BE(0x6000_0000 + tos * 0x10_0000 + 0xf_1234, 0);
  return packet;
}

const headerLen = (packet: Buffer): number => (packet[0]! & 15) * 4;

/** The frame after decapsulation out of a packet of class `outer`, or null where it is to be dropped. */
function decapsulated(frame: Buffer, outer: number): Buffer | null {
  const arena = Buffer.alloc(frame.length + 64, 0xa5);
  arena.set(frame, 32);
  const kept = decapsulateEcn(arena, 32, 32 + frame.length, outer);
  expect(arena.subarray(0, 32).every((octet) => octet === 0xa5)).toBe(true);
  expect(arena.subarray(32 + frame.length).every((octet) => octet === 0xa5)).toBe(true);
  const after = Buffer.from(arena.subarray(32, 32 + frame.length));
  if (!kept) expect(after).toEqual(frame);
  return kept ? after : null;
}

const KINDS: [string, string, (tos: number) => Buffer, string][] = [
  ['IPv4', '0800', v4, ''],
  ['IPv4 with options', '0800', (tos) => v4(tos, '94040000'), ''],
  ['IPv4 in a VLAN', '0800', v4, VLAN],
  ['IPv4 in QinQ', '0800', v4, QINQ],
  ['IPv6', '86dd', v6, ''],
  ['IPv6 in a VLAN', '86dd', v6, VLAN],
  ['IPv6 in QinQ', '86dd', v6, QINQ],
];

describe('the class of a frame', () => {
  it.each(KINDS)('is all 8 bits of %s', (_, type, packet, tags) => {
    for (let tos = 0; tos < 256; tos++) {
      const frame = ethernetFrame(type, packet(tos), { tags });
      expect(trafficClassAt(frame, 0, frame.length)).toBe(tos);
    }
  });

  it.each<[string, Buffer]>([
    ['ARP', ethernetFrame('0806', Buffer.alloc(28, 0xff))],
    ['an 802.3 length', ethernetFrame('0040', Buffer.alloc(64, 0x45))],
    ['MACsec within', ethernetFrame('88e5', v4(0xff))],
    ['three tags', ethernetFrame('0800', v4(0xff), { tags: `${QINQ} 8100 0007` })],
    ['version 6 behind the EtherType of IPv4', ethernetFrame('0800', v6(0xff))],
    ['version 4 behind the EtherType of IPv6', ethernetFrame('86dd', v4(0xff))],
    ['half an IPv4 header', ethernetFrame('0800', v4(0xff).subarray(0, 19))],
    ['half an IPv6 header', ethernetFrame('86dd', v6(0xff).subarray(0, 39))],
    ['a tag and nothing more', ethernetFrame('8100', Buffer.alloc(0))],
    ['nothing', ethernetFrame('0800', Buffer.alloc(0))],
  ])('is 0 where it carries %s, and a mark leaves it alone', (_, frame) => {
    expect(trafficClassAt(frame, 0, frame.length)).toBe(0);
    expect(decapsulated(frame, CE)).toEqual(frame);
  });
});

describe('the ECN field where a tunnel ends (RFC 6040 figure 4)', () => {
  /** By inner and outer field. */
  const FIGURE_4: [number, number, number | null][] = [
    [NOT_ECT, NOT_ECT, NOT_ECT],
    [NOT_ECT, ECT_0, NOT_ECT],
    [NOT_ECT, ECT_1, NOT_ECT],
    [NOT_ECT, CE, DROPPED],
    [ECT_0, NOT_ECT, ECT_0],
    [ECT_0, ECT_0, ECT_0],
    [ECT_0, ECT_1, ECT_1],
    [ECT_0, CE, CE],
    [ECT_1, NOT_ECT, ECT_1],
    [ECT_1, ECT_0, ECT_1],
    [ECT_1, ECT_1, ECT_1],
    [ECT_1, CE, CE],
    [CE, NOT_ECT, CE],
    [CE, ECT_0, CE],
    [CE, ECT_1, CE],
    [CE, CE, CE],
  ];

  it.each(FIGURE_4)('inner %i, outer %i: %o', (inner, outer, expected) => {
    for (const [name, type, packet, tags] of KINDS) {
      const frame = ethernetFrame(type, packet(EF | inner), { tags });
      const after = decapsulated(frame, 0xb8 | outer);
      const what = `${name}: ${NAMES[inner]} in ${NAMES[outer]}`;
      if (expected === DROPPED) {
        expect(after, what).toBeNull();
        continue;
      }
      // DSCP stays; and the IPv4 checksum is that of a packet that was made so.
      expect(after, what).toEqual(ethernetFrame(type, packet(EF | expected), { tags }));
    }
  });

  it('leaves a right IPv4 checksum right, and a wrong one as wrong, whatever else is in the header', () => {
    const word = fc.integer({ min: 0, max: 0xffff });
    const header = fc.record({
      ...{ tos: fc.integer({ min: 0, max: 255 }), id: word, wrongBy: fc.constantFrom(0, 1, 0x8000) },
      ...{
        addresses: fc.uint8Array({ minLength: 8, maxLength: 8 }),
        outer: fc.integer({ min: 0, max: 255 }),
      },
    });
    fc.assert(
      fc.property(header, ({ tos, id, wrongBy, addresses, outer }) => {
        const packet = v4(tos);
        packet.writeUInt16BE(id, 4);
        packet.set(addresses, 12);
        packet.writeUInt16BE(0, 10);
        const right = ~onesSum(packet.subarray(0, 20)) & 0xffff;
        packet.writeUInt16BE(right ^ wrongBy, 10);
        const after = decapsulated(ethernetFrame('0800', packet), outer);
        if (after === null) return (tos & 3) === 0 && (outer & 3) === 3;
        return (onesSum(after.subarray(14, 34)) === 0xffff) === (wrongBy === 0);
      }),
      { numRuns: 3000 },
    );
  });

  it('never reads past the end of a frame, nor throws, whatever the frame', () => {
    const octets = fc.uint8Array({ minLength: 14, maxLength: 80 });
    const type = fc.constantFrom('0800', '86dd', '8100', '88a8');
    fc.assert(
      fc.property(octets, type, fc.integer({ min: 0, max: 255 }), (frame, etherType, outer) => {
        frame.set(Buffer.from(etherType, 'hex'), 12);
        const whole = Buffer.concat([frame, Buffer.alloc(64, 0x45)]);
        const part = trafficClassAt(Buffer.from(frame), 0, frame.length);
        expect(trafficClassAt(whole, 0, frame.length)).toBe(part);
        decapsulateEcn(Buffer.from(frame), 0, frame.length, outer);
      }),
    );
  });
});
