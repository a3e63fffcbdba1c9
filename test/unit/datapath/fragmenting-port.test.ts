/** IPv4 that may be fragmented is, in its place among the other frames, whatever the batch has room for. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FragmentingPort } from '../../../src/datapath/fragmenting-port.ts';
import { LaneMtu } from '../../../src/datapath/lane-mtu.ts';
import { Workspaces } from '../../../src/datapath/workspace.ts';
import { createBatch, resetBatch, slots } from '../../../src/frame/batch.ts';
import { Drop } from '../../../src/frame/drop.ts';
import { memoryPortPair } from '../../../src/ports/memory-port.ts';
import { ethernetFrame, hex, ipv4Packet, ipv6Packet, onesSum, QINQ, VLAN } from './ip-frames.ts';

const MAX_LEN = 2000;
const data = (len: number, seed = 0): Buffer =>
  Buffer.from(Array.from({ length: len }, (_, i) => (i * 7 + seed) & 0xff));

/** A port over `frames`; `read(max)` is one `receive`. */
function port(frames: readonly Buffer[], mtu = 1430, capacity = 128) {
  const [, tap] = memoryPortPair({ capacity: 10_000 });
  for (const frame of frames) tap.push(frame);
  const shelf = new Workspaces().shelf(slots(MAX_LEN, capacity));
  const laneMtu = new LaneMtu(null, mtu);
  const fragmenting = new FragmentingPort(tap, laneMtu, shelf);
  const batch = createBatch(MAX_LEN, capacity);
  const read = (max = capacity): Buffer[] => {
    resetBatch(batch);
    batch.room = MAX_LEN;
    const count = fragmenting.receive(batch, max);
    expect(count).toBe(batch.count);
    return Array.from({ length: count }, (_, i) =>
      Buffer.from(batch.arena.subarray(batch.at[i]!, batch.at[i]! + batch.len[i]!)),
    );
  };
  const all = (max = capacity): Buffer[] => {
    const got: Buffer[] = [];
    for (let some = read(max); ; some = read(max)) {
      got.push(...some);
      // As the lane: less than it asked for means that nothing more waits.
      if (some.length < max) return got;
    }
  };
  return { read, all, shelf, laneMtu, batch, tap };
}

interface Fragment {
  readonly offset: number;
  readonly more: boolean;
  readonly header: Buffer;
  readonly data: Buffer;
}

function fragmentOf(frame: Buffer, ipAt: number): Fragment {
  const headerLen = (frame[ipAt]! & 0x0f) * 4;
  const header = frame.subarray(ipAt, ipAt + headerLen);
  expect(onesSum(header)).toBe(0xffff);
  expect(header.readUInt16BE(2)).toBe(frame.length - ipAt);
  const flags = header.readUInt16BE(6);
  expect(flags & 0xc000).toBe(0);
  return {
    offset: (flags & 0x1fff) * 8,
    more: (flags & 0x2000) !== 0,
    header,
    data: frame.subarray(ipAt + headerLen),
  };
}

/** The data that fragments carry, each where it belongs (RFC 791 §3.2). */
function reassembled(frames: readonly Buffer[], ipAt = 14): Buffer {
  const parts = frames.map((frame) => fragmentOf(frame, ipAt));
  const first = parts[0]!.offset;
  const whole = Buffer.alloc(
    Math.max(...parts.map(({ offset, data: part }) => offset + part.length)) - first,
  );
  for (const { offset, data: part } of parts) part.copy(whole, offset - first);
  return whole;
}

describe('an IPv4 packet without DF that does not fit', () => {
  it.each([
    ['', 1430],
    [VLAN, 1426],
    [QINQ, 1422],
  ])('is fragmented (tags "%s"); each fragment fits, and all together are the packet', (tags, mtu) => {
    const payload = data(1472);
    const frames = port([
      ethernetFrame('0800', ipv4Packet(payload, { fragment: 0, id: 0x1234 }), { tags }),
    ]).all();
    const ipAt = 14 + hex(tags).length;
    expect(frames).toHaveLength(2);
    for (const frame of frames) {
      expect(frame.length - ipAt).toBeLessThanOrEqual(mtu);
      expect(frame.subarray(0, ipAt)).toEqual(hex(`02000000000b 02000000000a ${tags} 0800`));
      expect(frame.readUInt16BE(ipAt + 4)).toBe(0x1234);
    }
    expect(frames.map((frame) => fragmentOf(frame, ipAt).more)).toEqual([true, false]);
    expect(reassembled(frames, ipAt)).toEqual(payload);
  });

  it('that is a fragment itself goes on where it was, and its last part has more behind it if it had', () => {
    const payload = data(1480);
    const frames = port([ethernetFrame('0800', ipv4Packet(payload, { fragment: 0x2000 | 185 }))]).all();
    expect(frames.map((frame) => fragmentOf(frame, 14))).toMatchObject([
      { offset: 1480, more: true },
      { more: true },
    ]);
    expect(reassembled(frames)).toEqual(payload);
  });

  it('has the options that are copied in every fragment, the others in the first', () => {
    const recordRoute = '07 07 04 00000000';
    const routerAlert = '94 04 0000';
    const packet = ipv4Packet(data(1460), { fragment: 0, options: `${recordRoute} ${routerAlert} 00` });
    const [first, second] = port([ethernetFrame('0800', packet)]).all();
    expect(fragmentOf(first!, 14).header.subarray(20)).toEqual(hex(`${recordRoute} ${routerAlert} 00`));
    expect(fragmentOf(second!, 14).header.subarray(20)).toEqual(hex(`01010101010101 ${routerAlert} 00`));
    expect(reassembled([first!, second!])).toEqual(data(1460));
  });

  it('loses what was behind it in the frame', () => {
    const padded = Buffer.concat([
      ethernetFrame('0800', ipv4Packet(data(1472), { fragment: 0 })),
      Buffer.alloc(9, 0xee),
    ]);
    expect(reassembled(port([padded]).all())).toEqual(data(1472));
  });
});

describe('what stays as it is', () => {
  const broken = ethernetFrame('0800', ipv4Packet(data(1472), { fragment: 0 }));
  broken[14 + 10]! ^= 1;
  it.each<[string, Buffer]>([
    ['a packet with DF', ethernetFrame('0800', ipv4Packet(data(1472)))],
    ['IPv6', ethernetFrame('86dd', ipv6Packet(data(1440)))],
    ['what is not IP', ethernetFrame('88b5', data(1480))],
    ['a header whose checksum is wrong', broken],
    [
      'a packet that is not all there',
      ethernetFrame('0800', ipv4Packet(data(1600), { fragment: 0 }).subarray(0, 1480)),
    ],
    [
      'a fragment that ends behind 64 KiB',
      ethernetFrame('0800', ipv4Packet(data(1472), { fragment: 0x1fff })),
    ],
    ['a packet that fits', ethernetFrame('0800', ipv4Packet(data(1400), { fragment: 0 }))],
    [
      'a packet that fits in a frame that does not',
      Buffer.concat([ethernetFrame('0800', ipv4Packet(data(1000), { fragment: 0 })), data(500)]),
    ],
  ])('%s', (_, frame) => {
    const { all, shelf } = port([frame]);
    expect(all()).toEqual([frame]);
    expect(shelf.made).toBe(0);
  });

  it('a packet whose header fills all that the tunnel carries', () => {
    const frame = ethernetFrame('0800', ipv4Packet(data(100), { fragment: 0, options: '01'.repeat(40) }));
    expect(port([frame], 64).all()).toEqual([frame]);
  });

  it('a frame that is longer than its slot keeps its length and verdict', () => {
    const frames = [
      ethernetFrame('0800', ipv4Packet(data(1472), { fragment: 0 })),
      Buffer.alloc(MAX_LEN + 100, 1),
    ];
    const { read, batch } = port(frames);
    expect(read()).toHaveLength(3);
    expect([...batch.verdict.subarray(0, 3)]).toEqual([0, 0, Drop.Oversized]);
    expect(batch.len[2]).toBe(MAX_LEN + 100);
  });
});

describe('a batch', () => {
  /** Frames of every kind, each told by its identification. */
  const mixed = (kinds: readonly number[]): Buffer[] =>
    kinds.map((len, i) => ethernetFrame('0800', ipv4Packet(data(len, i), { fragment: 0, id: i + 1 })));
  /** Data by identification, in the order in which the frames came. */
  const flows = (frames: readonly Buffer[]): [number, Buffer][] => {
    const groups: Buffer[][] = [];
    for (const frame of frames) {
      const last = groups.at(-1);
      if (last !== undefined && last[0]!.readUInt16BE(18) === frame.readUInt16BE(18)) last.push(frame);
      else groups.push([frame]);
    }
    return groups.map((group) => [group[0]!.readUInt16BE(18), reassembled(group)]);
  };

  it('of nothing but such packets loses none: they come in turn, as there is room', () => {
    const frames = mixed(Array.from({ length: 128 }, () => 1472));
    const { read, all, shelf } = port(frames);
    const first = read();
    expect(first).toHaveLength(128);
    expect(flows([...first, ...all()]).map(([id]) => id)).toEqual(frames.map((_, i) => i + 1));
    expect(shelf.made).toBe(1);
  });

  it('keeps the order and every octet, whatever comes and however few frames are asked for', () => {
    const lens = fc.array(
      fc.oneof(fc.constant(60), fc.constant(1410), fc.constant(1472), fc.integer({ min: 1, max: 1900 })),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(
        lens,
        fc.integer({ min: 1, max: 8 }),
        fc.constantFrom(100, 576, 1430),
        (kinds, max, mtu) => {
          const { all, shelf } = port(mixed(kinds), mtu, 8);
          const frames = all(max);
          for (const frame of frames) expect(frame.length - 14).toBeLessThanOrEqual(mtu);
          expect(flows(frames)).toEqual(kinds.map((len, i) => [i + 1, data(len, i)]));
          expect(shelf.made).toBeLessThanOrEqual(1);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('goes back to the short way when all of them have gone', () => {
    const { read, tap, shelf } = port(mixed([1472]));
    expect(read()).toHaveLength(2);
    tap.push(mixed([60])[0]!);
    const workspace = shelf.take();
    expect(read()).toHaveLength(1);
    shelf.giveBack(workspace);
    expect(shelf.made).toBe(1);
  });

  it('of a tunnel whose path grew between two fragments loses the rest of that packet, and nothing else', () => {
    const { read, all, laneMtu } = port(mixed([1472, 60]));
    expect(read(1)).toHaveLength(1);
    laneMtu.lowerMtu = 1500;
    expect(all().map((frame) => frame.readUInt16BE(18))).toEqual([2]);
  });
});
