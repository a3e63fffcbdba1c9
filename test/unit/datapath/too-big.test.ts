/** A frame that does not fit is answered as a router would, and only where a router may. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LaneMtu } from '../../../src/datapath/lane-mtu.ts';
import { TooBigAnswer } from '../../../src/datapath/too-big.ts';
import { type Batch, createBatch, resetBatch } from '../../../src/frame/batch.ts';
import {
  ethernetFrame,
  type FrameOptions,
  hex,
  ipv4Packet,
  ipv6Packet,
  isSummed,
  onesSum,
  QINQ,
  VLAN,
} from './ip-frames.ts';

const MTU = 1430;
const BIG = Buffer.alloc(1452, 0x5a);
const V4_TOO_BIG = 3;
const V6_TOO_BIG = 2;

function batchOf(frame: Uint8Array): Batch {
  const batch = createBatch(2000, 2);
  resetBatch(batch);
  batch.arena.fill(0xa5);
  batch.arena.set(frame, batch.at[0]!);
  batch.len[0] = frame.length;
  batch.count = 1;
  return batch;
}

/** The answer to `frame`; undefined where there is none. */
function answerTo(
  frame: Uint8Array,
  answer = new TooBigAnswer(new LaneMtu(null, MTU), () => 0),
): Buffer | undefined {
  const reply = createBatch(1400, 2);
  resetBatch(reply);
  const batch = batchOf(frame);
  const before = Buffer.from(batch.arena);
  if (!answer.answer(batch, 0, reply)) {
    expect(reply.count).toBe(0);
    return undefined;
  }
  expect(batch.arena).toEqual(before);
  expect([reply.count, reply.verdict[0]]).toEqual([1, 0]);
  return Buffer.from(reply.arena.subarray(reply.at[0]!, reply.at[0]! + reply.len[0]!));
}

const echo = (type: number, code = 0): Buffer => Buffer.concat([Buffer.from([type, code, 0, 0]), BIG]);

describe('an answer to an IPv4 packet with DF', () => {
  const packet = ipv4Packet(BIG);

  it.each<[string, string, number]>([
    ['without VLAN tag', '', 1430],
    ['in a VLAN, whose tag stays', VLAN, 1426],
    ['in QinQ', QINQ, 1422],
  ])('%s is "fragmentation needed", from where the packet was sent to', (_, tags, mtu) => {
    const answer = answerTo(ethernetFrame('0800', packet, { tags }))!;
    const ipAt = 14 + hex(tags).length;
    expect(answer.subarray(0, ipAt)).toEqual(hex(`02000000000a 02000000000b ${tags} 0800`));
    const ip = answer.subarray(ipAt);
    expect(onesSum(ip.subarray(0, 20))).toBe(0xffff);
    expect(ip.subarray(0, 2)).toEqual(hex('45c0'));
    expect(ip.readUInt16BE(2)).toBe(ip.length);
    expect(ip.subarray(6, 10)).toEqual(hex('4000 40 01'));
    expect(ip.subarray(12, 20)).toEqual(hex('c0a80102 c0a80101'));
    const icmp = ip.subarray(20);
    expect(onesSum(icmp)).toBe(0xffff);
    expect([icmp[0], icmp[1], icmp.readUInt32BE(4)]).toEqual([V4_TOO_BIG, 4, mtu]);
    // No longer than what every host takes.
    expect(ip.length).toBe(576);
    expect(icmp.subarray(8)).toEqual(packet.subarray(0, 548));
  });

  it('comes for a ping too, and for the first fragment', () => {
    expect(answerTo(ethernetFrame('0800', ipv4Packet(echo(8), { protocol: 1 })))).toBeDefined();
    expect(answerTo(ethernetFrame('0800', ipv4Packet(BIG, { fragment: 0x6000 })))).toBeDefined();
  });

  it('quotes a packet of no more octets than 548 whole', () => {
    const small = ipv4Packet(Buffer.alloc(100, 1));
    const answer = answerTo(ethernetFrame('0800', small), new TooBigAnswer(new LaneMtu(null, 100), () => 0))!;
    expect(answer.subarray(14 + 28)).toEqual(small);
  });
});

describe('an answer to an IPv6 packet', () => {
  it.each<[string, string, Buffer, number]>([
    ['of UDP', '', ipv6Packet(BIG), 1430],
    ['in a VLAN', VLAN, ipv6Packet(BIG), 1426],
    ['of a ping', '', ipv6Packet(echo(128), { next: 58 }), 1430],
    [
      'that is the first fragment of a ping',
      '',
      ipv6Packet(echo(128), { next: 44, extensions: '3a00 0001 00000007' }),
      1430,
    ],
    ['with extension headers', '', ipv6Packet(BIG, { next: 60, extensions: '1100 010400000000' }), 1430],
  ])('%s is "packet too big"', (_, tags, packet, mtu) => {
    const answer = answerTo(ethernetFrame('86dd', packet, { tags }))!;
    const ip = answer.subarray(14 + hex(tags).length);
    expect(ip.subarray(0, 4)).toEqual(hex('60000000'));
    expect(ip.length).toBe(1280);
    expect(ip.readUInt16BE(4)).toBe(1240);
    expect(ip.subarray(6, 8)).toEqual(hex('3a 40'));
    expect(ip.subarray(8, 40)).toEqual(Buffer.concat([packet.subarray(24, 40), packet.subarray(8, 24)]));
    const icmp = ip.subarray(40);
    expect(isSummed(ip, 58, icmp.length)).toBe(true);
    expect([icmp[0], icmp[1], icmp.readUInt32BE(4)]).toEqual([V6_TOO_BIG, 0, mtu]);
    expect(icmp.subarray(8)).toEqual(packet.subarray(0, 1232));
  });
});

describe('nobody is answered', () => {
  const v4 = (packet: Buffer, options: FrameOptions = {}): Buffer => ethernetFrame('0800', packet, options);
  const v6 = (packet: Buffer, options: FrameOptions = {}): Buffer => ethernetFrame('86dd', packet, options);
  it.each<[string, Buffer]>([
    ['for what is not IP', ethernetFrame('88b5', ipv4Packet(BIG))],
    ['for what is behind three VLAN tags', v4(ipv4Packet(BIG), { tags: QINQ + VLAN })],
    ['for IPv4 without DF', v4(ipv4Packet(BIG, { fragment: 0 }))],
    ['for a fragment behind the first', v4(ipv4Packet(BIG, { fragment: 0x4010 }))],
    ['for one of IPv6', v6(ipv6Packet(BIG, { next: 44, extensions: '1100 0008 00000007' }))],
    ...[3, 4, 5, 11, 12].map((type): [string, Buffer] => [
      `for the ICMP error ${type}`,
      v4(ipv4Packet(echo(type), { protocol: 1 })),
    ]),
    ...[1, 2, 3, 4, 127, 137].map((type): [string, Buffer] => [
      `for the ICMPv6 message ${type}`,
      v6(ipv6Packet(echo(type), { next: 58 })),
    ]),
    [
      'for an ICMPv6 error in a first fragment',
      v6(ipv6Packet(echo(1), { next: 44, extensions: '3a00 0001 00000007' })),
    ],
    ['to broadcast', v4(ipv4Packet(BIG), { dst: 'ffffffffffff' })],
    ['to an Ethernet group', v4(ipv4Packet(BIG), { dst: '01005e000001' })],
    ['from an Ethernet group', v4(ipv4Packet(BIG), { src: '030000000001' })],
    ['to an IPv4 group', v4(ipv4Packet(BIG, { dst: 'e0000001' }))],
    ['to the limited broadcast address', v4(ipv4Packet(BIG, { dst: 'ffffffff' }))],
    ['from no address', v4(ipv4Packet(BIG, { src: '00000000' }))],
    ['from loopback', v4(ipv4Packet(BIG, { src: '7f000001' }))],
    ['to an IPv6 group', v6(ipv6Packet(BIG, { dst: `ff02${'00'.repeat(13)}01` }))],
    ['from the unspecified IPv6 address', v6(ipv6Packet(BIG, { src: '00'.repeat(16) }))],
    ['from the IPv6 loopback address', v6(ipv6Packet(BIG, { src: `${'00'.repeat(15)}01` }))],
    [
      'for a packet that fits, in a frame that was padded',
      v4(Buffer.concat([ipv4Packet(Buffer.alloc(9)), BIG])),
    ],
    ['for IPv6 by the name of IPv4', v4(ipv6Packet(BIG))],
    ['for a header that is cut off', v4(ipv4Packet(BIG).subarray(0, 15))],
  ])('%s', (_, frame) => {
    expect(answerTo(frame)).toBeUndefined();
  });

  it('for a frame that was longer than its slot, whose octets are not there', () => {
    const batch = batchOf(ethernetFrame('0800', ipv4Packet(BIG)));
    batch.room = 1400;
    const reply = createBatch(1400, 2);
    resetBatch(reply);
    expect(new TooBigAnswer(new LaneMtu(null, MTU)).answer(batch, 0, reply)).toBe(false);
  });
});

describe('a flow', () => {
  it('is told ten times a second at most; another has answers of its own', () => {
    let now = 0;
    const answer = new TooBigAnswer(new LaneMtu(null, MTU), () => now);
    const tell = (src: string): boolean =>
      answerTo(ethernetFrame('0800', ipv4Packet(BIG, { src })), answer) !== undefined;
    expect([tell('c0a80101'), tell('c0a80101'), tell('c0a80109'), tell('c0a80109')]).toEqual([
      true,
      false,
      true,
      false,
    ]);
    now = 99;
    expect(tell('c0a80101')).toBe(false);
    now = 100;
    expect(tell('c0a80101')).toBe(true);
  });
});

it('an answer follows the path', () => {
  const mtu = new LaneMtu(null, 1430);
  const answer = new TooBigAnswer(mtu, () => 0);
  mtu.lowerMtu = 1300;
  expect(answerTo(ethernetFrame('0800', ipv4Packet(BIG)), answer)!.readUInt16BE(14 + 26)).toBe(1300);
});

it('whatever a frame holds, an answer is whole and right, or there is none', () => {
  const seeds = [
    ipv4Packet(echo(8), { protocol: 1 }),
    ipv6Packet(echo(128), { next: 58 }),
    ipv6Packet(BIG, { next: 0, extensions: '2c00 050200000100 1100 0000 00000007' }),
  ];
  const frames = seeds.flatMap((packet) =>
    ['', VLAN, QINQ].map((tags) => ethernetFrame(packet[0]! >> 4 === 4 ? '0800' : '86dd', packet, { tags })),
  );
  const damage = fc.array(fc.tuple(fc.nat(110), fc.nat(255)), { maxLength: 3 });
  fc.assert(
    fc.property(
      fc.constantFrom(...frames),
      damage,
      fc.integer({ min: 14, max: 1600 }),
      (frame, changes, cut) => {
        const damaged = Buffer.from(frame.subarray(0, cut));
        for (const [at, value] of changes) if (at < damaged.length) damaged[at] = value;
        const answer = answerTo(damaged, new TooBigAnswer(new LaneMtu(null, 60), () => 0));
        if (answer === undefined) return;
        if (damaged.readUInt16BE(12) === 0x0800) {
          expect(onesSum(answer.subarray(14, 34))).toBe(0xffff);
          expect(onesSum(answer.subarray(34))).toBe(0xffff);
        }
        expect(answer.length).toBeLessThanOrEqual(14 + 8 + 1280);
      },
    ),
    { numRuns: 1000 },
  );
});
