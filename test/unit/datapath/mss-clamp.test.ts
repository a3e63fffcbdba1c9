/** The MSS clamp: what TCP announces is lowered, its checksum stays right, and nothing else is touched. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clampMss, type MssClamp } from '../../../src/datapath/mss-clamp.ts';
import { createBatch, resetBatch } from '../../../src/frame/batch.ts';
import {
  ACK,
  ethernetFrame,
  hex,
  ipv4Packet,
  isSummed,
  mssOptions,
  onesSum,
  pseudoHeader,
  QINQ,
  SYN,
  SYN_ACK,
  tcpOverIpv4,
  tcpOverIpv6,
  tcpSegment,
  VLAN,
} from './ip-frames.ts';

const MTU = 1430;

/** `frame` after the clamp, alone in a batch of 0xa5; what lies around it must not have changed. */
function clamped(frame: Uint8Array, clamp: MssClamp = 'auto', mtu = MTU): Buffer {
  const batch = createBatch(2000, 1);
  resetBatch(batch);
  batch.arena.fill(0xa5);
  batch.arena.set(frame, batch.at[0]!);
  batch.len[0] = frame.length;
  batch.count = 1;
  clampMss(batch, clamp, mtu);
  const at = batch.at[0]!;
  expect(batch.verdict[0]).toBe(0);
  expect(batch.arena.subarray(0, at).every((octet) => octet === 0xa5)).toBe(true);
  expect(batch.arena.subarray(at + frame.length).every((octet) => octet === 0xa5)).toBe(true);
  return Buffer.from(batch.arena.subarray(at, at + frame.length));
}

/** The MSS that a frame with `mssOptions` announces, its TCP header `tcpAt` octets behind its beginning. */
const mssOf = (frame: Buffer, tcpAt: number): number => frame.readUInt16BE(tcpAt + 22);

describe('the MSS of a SYN', () => {
  const options = mssOptions(1460);
  const v4 = tcpOverIpv4(tcpSegment(SYN, options));
  const v4Options = tcpOverIpv4(tcpSegment(SYN, options), { options: '94040000 01010100' });
  const v6 = tcpOverIpv6(tcpSegment(SYN, options));
  const hopByHop = { next: 0, extensions: '3c00 050200000100 0601 0104000000000000000000000000' };
  const v6Extensions = tcpOverIpv6(tcpSegment(SYN, options), hopByHop);

  it.each<[string, string, string, Buffer, number, number]>([
    ['IPv4', '0800', '', v4, 34, 1390],
    ['a SYN-ACK', '0800', '', tcpOverIpv4(tcpSegment(SYN_ACK, options)), 34, 1390],
    [
      'a SYN with data (TCP Fast Open)',
      '0800',
      '',
      tcpOverIpv4(tcpSegment(SYN, options, Buffer.alloc(99, 7))),
      34,
      1390,
    ],
    ['IPv4 with options', '0800', '', v4Options, 42, 1390],
    ['IPv4 in a VLAN', '0800', VLAN, v4, 38, 1386],
    ['IPv4 in QinQ', '0800', QINQ, v4, 42, 1382],
    ['IPv6', '86dd', '', v6, 54, 1370],
    ['IPv6 in a VLAN', '86dd', VLAN, v6, 58, 1366],
    ['IPv6 in QinQ', '86dd', QINQ, v6, 62, 1362],
    ['IPv6 with extension headers', '86dd', '', v6Extensions, 78, 1370],
  ])('of %s is lowered to what the tunnel carries', (_, etherType, tags, packet, tcpAt, mss) => {
    const frame = ethernetFrame(etherType, packet, { tags });
    const after = clamped(frame);
    expect(mssOf(after, tcpAt)).toBe(mss);
    const ipAt = frame.length - packet.length;
    expect(isSummed(after.subarray(ipAt), 6, frame.length - tcpAt)).toBe(true);
    // Nothing but MSS and checksum.
    const expected = Buffer.from(frame);
    after.copy(expected, tcpAt + 16, tcpAt + 16, tcpAt + 18);
    expected.writeUInt16BE(mss, tcpAt + 22);
    expect(after).toEqual(expected);
  });

  it('is found at an odd offset too, where the checksum sees its octets in two words', () => {
    const packet = tcpOverIpv4(tcpSegment(SYN, '01 0204 05b4 01 0402'));
    const after = clamped(ethernetFrame('0800', packet));
    expect(after.readUInt16BE(34 + 23)).toBe(1390);
    expect(isSummed(after.subarray(14), 6, 28)).toBe(true);
  });

  it('is lowered in a frame that was padded, by what the segment has', () => {
    const packet = tcpOverIpv4(tcpSegment(SYN, '0204 05b4'));
    const padded = Buffer.concat([ethernetFrame('0800', packet), Buffer.from('ffff', 'hex')]);
    const after = clamped(padded);
    expect(after.readUInt16BE(34 + 22)).toBe(1390);
    expect(isSummed(after.subarray(14, 58), 6, 24)).toBe(true);
    expect(after.subarray(58)).toEqual(padded.subarray(58));
  });

  it.each<[MssClamp, number, number]>([
    [1200, MTU, 1200],
    [1200, 9000, 1200],
    ['auto', 1600, 1460],
    ['auto', 68, 88],
    [false, MTU, 1460],
  ])('with %j over a tunnel that carries %i octets becomes %i', (clamp, mtu, mss) => {
    expect(mssOf(clamped(ethernetFrame('0800', v4), clamp, mtu), 34)).toBe(mss);
  });

  it('stays as it is where it fits', () => {
    const frame = ethernetFrame('0800', tcpOverIpv4(tcpSegment(SYN, mssOptions(1390))));
    expect(clamped(frame)).toEqual(frame);
  });

  it('a checksum that the sender left to an offload stays the sum of the pseudo header', () => {
    const packet = Buffer.from(v4);
    const partial = onesSum(pseudoHeader(packet, 6, 40));
    packet.writeUInt16BE(partial, 20 + 16);
    const after = clamped(ethernetFrame('0800', packet)).subarray(14);
    expect(after.readUInt16BE(20 + 22)).toBe(1390);
    expect(after.readUInt16BE(20 + 16)).toBe(partial);
    // As whoever completes it will do.
    after.writeUInt16BE(~onesSum(after.subarray(20)) & 0xffff, 20 + 16);
    expect(isSummed(after, 6, 40)).toBe(true);
  });

  it('a wrong checksum stays wrong', () => {
    const packet = Buffer.from(v4);
    packet[20 + 16]! ^= 0x10;
    expect(isSummed(clamped(ethernetFrame('0800', packet)).subarray(14), 6, 40)).toBe(false);
  });
});

describe('what stays as it is', () => {
  const segment = tcpSegment(SYN, mssOptions(1460));
  it.each<[string, Buffer]>([
    [
      'a segment that is no SYN, whatever its options',
      ethernetFrame('0800', tcpOverIpv4(tcpSegment(ACK, mssOptions(1460)))),
    ],
    ['the same over IPv6', ethernetFrame('86dd', tcpOverIpv6(tcpSegment(ACK, mssOptions(1460))))],
    [
      'the same in a VLAN',
      ethernetFrame('0800', tcpOverIpv4(tcpSegment(ACK, mssOptions(1460))), { tags: VLAN }),
    ],
    ['a SYN without MSS', ethernetFrame('0800', tcpOverIpv4(tcpSegment(SYN, '01010402 00000000')))],
    [
      'an MSS behind the end of the options',
      ethernetFrame('0800', tcpOverIpv4(tcpSegment(SYN, '00 0204 05b4 000000'))),
    ],
    ['an MSS of another length', ethernetFrame('0800', tcpOverIpv4(tcpSegment(SYN, '0203 05b4 0204 05b4')))],
    ['an option of length 0', ethernetFrame('0800', tcpOverIpv4(tcpSegment(SYN, '0800 0000 0204 05b4')))],
    ['UDP', ethernetFrame('0800', ipv4Packet(segment))],
    ['the first fragment of a packet', ethernetFrame('0800', tcpOverIpv4(segment, { fragment: 0x2000 }))],
    ['a fragment behind it', ethernetFrame('0800', tcpOverIpv4(segment, { fragment: 0x0010 }))],
    [
      'a fragment of IPv6',
      ethernetFrame('86dd', tcpOverIpv6(segment, { next: 44, extensions: '0600 0000 00000001' })),
    ],
    ['three VLAN tags', ethernetFrame('0800', tcpOverIpv4(segment), { tags: QINQ + VLAN })],
    ['another EtherType', ethernetFrame('88b5', tcpOverIpv4(segment))],
    ['IPv6 by the name of IPv4', ethernetFrame('0800', tcpOverIpv6(segment))],
  ])('%s', (_, frame) => {
    expect(clamped(frame)).toEqual(frame);
  });

  it('whatever is cut off: no octet past the end is read or written', () => {
    for (const packet of [tcpOverIpv4(segment), tcpOverIpv6(segment)]) {
      const frame = ethernetFrame(packet[0]! >> 4 === 4 ? '0800' : '86dd', packet, { tags: VLAN });
      // The MSS option ends 4 octets behind the fixed header.
      const optionEnd = frame.length - segment.length + 24;
      for (let len = 14; len < optionEnd; len++)
        expect(clamped(frame.subarray(0, len))).toEqual(frame.subarray(0, len));
    }
  });

  it('a frame that is dropped already', () => {
    const frame = ethernetFrame('0800', tcpOverIpv4(segment));
    const batch = createBatch(2000, 1);
    resetBatch(batch);
    batch.arena.set(frame, batch.at[0]!);
    batch.len[0] = frame.length;
    batch.verdict[0] = 1;
    batch.count = 1;
    clampMss(batch, 'auto', MTU);
    expect(batch.arena.subarray(batch.at[0], batch.at[0]! + frame.length)).toEqual(frame);
  });
});

describe('whatever a frame holds', () => {
  const flags = fc.integer({ min: 0, max: 255 });
  const options = fc
    .array(
      fc.oneof(
        fc.constant('01'),
        fc.constant('0402'),
        fc.constant('030307'),
        fc.integer({ min: 0, max: 0xffff }).map((mss) => `0204${mss.toString(16).padStart(4, '0')}`),
      ),
      { maxLength: 7 },
    )
    .map((list) => {
      const octets = hex(list.join(''));
      return Buffer.concat([octets, Buffer.alloc(-octets.length & 3)])
        .subarray(0, 40)
        .toString('hex');
    });
  const segment = fc
    .tuple(flags, options, fc.uint8Array({ maxLength: 40 }))
    .map(([f, o, data]) => tcpSegment(f, o, data));
  const tags = fc.constantFrom('', VLAN, QINQ);

  it('the checksum of TCP is right after as before, and only a SYN is touched', () => {
    fc.assert(
      fc.property(
        segment,
        tags,
        fc.boolean(),
        fc.integer({ min: 68, max: 2000 }),
        (tcp, tagged, isV4, mtu) => {
          const packet = isV4 ? tcpOverIpv4(tcp) : tcpOverIpv6(tcp);
          const frame = ethernetFrame(isV4 ? '0800' : '86dd', packet, { tags: tagged });
          const after = clamped(frame, 'auto', mtu);
          expect(isSummed(after.subarray(frame.length - packet.length), 6, tcp.length)).toBe(true);
          if ((tcp[13]! & SYN) === 0) expect(after).toEqual(frame);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('never throws, and changes four octets at most', () => {
    const seeds = [
      tcpOverIpv4(tcpSegment(SYN, mssOptions(1460))),
      tcpOverIpv6(tcpSegment(SYN, mssOptions(1460))),
    ];
    const frames = seeds.flatMap((packet) =>
      ['', VLAN, QINQ].map((tagged) =>
        ethernetFrame(packet[0]! >> 4 === 4 ? '0800' : '86dd', packet, { tags: tagged }),
      ),
    );
    const damage = fc.array(fc.tuple(fc.nat(130), fc.nat(255)), { maxLength: 4 });
    fc.assert(
      fc.property(fc.constantFrom(...frames), damage, fc.nat(130), (frame, changes, cut) => {
        const damaged = Buffer.from(frame.subarray(0, Math.max(14, cut)));
        for (const [at, value] of changes) if (at < damaged.length) damaged[at] = value;
        const after = clamped(damaged);
        expect(after.filter((octet, i) => octet !== damaged[i]).length).toBeLessThanOrEqual(4);
      }),
      { numRuns: 2000 },
    );
  });
});
