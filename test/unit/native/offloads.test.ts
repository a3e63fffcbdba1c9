/**
 * Super-frames: cut as they come from a TAP, joined as they go to it (virtio_net_hdr; the kernel's GSO and GRO). A
 * pair of packet sockets stands for the TAP's descriptor and the kernel behind it.
 */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Batch, createBatch, HEADROOM, resetBatch, TAILROOM } from '../../../src/frame/batch.ts';
import type { PortHandle } from '../../../src/native/addon.ts';
import { loadAddon } from '../../../src/native/load.ts';
import { HOP_BY_HOP, IP_OPTIONS, SHAPES, TIMESTAMPS, VLAN } from './offload-shapes.ts';
import {
  ACK,
  buildFrame,
  CWR,
  cutByHand,
  FIN,
  hasRightChecksums,
  internetSum,
  layoutOf,
  octets,
  type PacketSpec,
  PSH,
  pseudoHeader,
  SYN,
  URG,
  vnetHeader,
} from './packets.ts';

const addon = loadAddon();
const { JOIN_TCP, JOIN_UDP, VERDICT_MALFORMED } = addon.constants;
const status = new Int32Array(1);
const fds = new Int32Array(2);
let tap: PortHandle;
let kernel: PortHandle;

beforeEach(() => {
  addon.openPair(fds);
  tap = addon.openTapPort(fds[0]!, JOIN_TCP | JOIN_UDP, 0);
  kernel = addon.openSocketPort(fds[1]!);
});
afterEach(() => {
  for (const port of [tap, kernel]) addon.closePort(port);
  for (const fd of fds) addon.closeFd(fd);
});

function fill(batch: Batch, frames: readonly Uint8Array[]): void {
  resetBatch(batch);
  for (const [i, frame] of frames.entries()) {
    batch.arena.set(frame, batch.at[i]!);
    batch.len[i] = frame.length;
    batch.verdict[i] = 0;
  }
  batch.count = frames.length;
}

function framesIn(batch: Batch, count: number): Buffer[] {
  return Array.from({ length: count }, (_, i) =>
    Buffer.from(batch.arena.subarray(batch.at[i]!, batch.at[i]! + batch.len[i]!)),
  );
}

/** The kernel puts a frame with its header into the TAP. */
function give(vnet: Uint8Array, frame: Uint8Array): void {
  const batch = createBatch(126_000, 1);
  fill(batch, [Buffer.concat([vnet, frame])]);
  expect(addon.socketSend(kernel, batch, 0, 1, status)).toBe(1);
}

/** What the kernel finds in the TAP, each with its 10 octets of header. */
function taken(): Buffer[] {
  const batch = createBatch(70_000, 128);
  resetBatch(batch);
  return framesIn(batch, addon.socketReceive(kernel, batch, 128, 70_000, status));
}

function read(max = 64, room = 1500): Buffer[] {
  const batch = createBatch(room, 64);
  const got: Buffer[] = [];
  for (;;) {
    resetBatch(batch);
    const count = addon.tapRead(tap, batch, max, batch.slotLen - HEADROOM - TAILROOM);
    expect([...batch.verdict.subarray(0, count)].every((verdict) => verdict === 0)).toBe(true);
    got.push(...framesIn(batch, count));
    if (count < max) return got;
  }
}

function write(frames: readonly Uint8Array[]): void {
  const batch = createBatch(9000, Math.max(frames.length, 1));
  fill(batch, frames);
  expect(addon.tapWrite(tap, batch, 0, frames.length, status, 26)).toBe(0);
}

const CASES = SHAPES.map(({ name, spec, mss }) => [name, spec, mss] as const);

describe('a super-frame from the TAP', () => {
  it.each(CASES)('is cut: %s', (_, spec, mss) => {
    const wanted = cutByHand(spec, mss);
    for (let round = 0; round < 3; round++) {
      give(vnetHeader(spec, mss), buildFrame(spec, true));
      const got = read();
      expect(got).toHaveLength(wanted.length);
      for (const [i, frame] of got.entries()) expect(frame.toString('hex')).toBe(wanted[i]!.toString('hex'));
      for (const frame of got) expect(hasRightChecksums(frame, layoutOf(spec))).toBe(true);
    }
  });

  it('that is larger than the batch goes on in the next, whatever comes in between', () => {
    const big = SHAPES[0]!.spec;
    const small: PacketSpec = { version: 4, protocol: 'udp', payload: octets(40) };
    for (const max of [1, 3, 7, 44, 64]) {
      const wanted: Buffer[] = [];
      for (const spec of [big, small, big, big, SHAPES[1]!.spec, big]) {
        const isBig = spec.payload.length > 1000;
        give(vnetHeader(spec, isBig ? 1358 : 0), buildFrame(spec, true));
        wanted.push(...cutByHand(spec, 1358));
      }
      expect(Buffer.concat(read(max)).equals(Buffer.concat(wanted))).toBe(true);
    }
  });

  it('whose frames do not fit their slots gives each its true length and a verdict', () => {
    const spec = SHAPES[0]!.spec;
    const batch = createBatch(1000, 64);
    resetBatch(batch);
    give(vnetHeader(spec, 1378), buildFrame(spec, true));
    expect(addon.tapRead(tap, batch, 64, 1000)).toBe(44);
    expect([...batch.verdict.subarray(0, 44)]).toEqual([...Array<number>(43).fill(255), 0]);
    expect(batch.len[0]).toBe(1378 + 54);
  });

  it('that its header describes wrongly is refused, not cut', () => {
    const spec = SHAPES[0]!.spec;
    const good = vnetHeader(spec, 1378);
    const edits: [number, number][] = [
      [1, 4],
      [1, 5],
      [1, 3],
      [4, 0],
      [6, 35],
    ];
    for (const [at, value] of edits) {
      const bad = Buffer.from(good);
      bad[at] = value;
      if (at === 4) bad[5] = 0;
      give(bad, buildFrame(spec, true));
      const batch = createBatch(1500, 64);
      resetBatch(batch);
      expect(addon.tapRead(tap, batch, 64, 1500)).toBe(1);
      expect(batch.verdict[0]).toBe(VERDICT_MALFORMED);
    }
  });

  it('that is longer than a TAP gives is refused, wherever its octets were expected', () => {
    const spec = SHAPES[0]!.spec;
    const batch = createBatch(1500, 128);
    for (const longer of [66_001, 125_000]) {
      resetBatch(batch);
      give(vnetHeader(spec, 1378), buildFrame(spec, true));
      const cut = addon.tapRead(tap, batch, 128, 1500);
      expect(cut).toBe(Math.ceil(60_000 / 1378));
      for (const mss of [1378, 900]) {
        resetBatch(batch);
        give(
          vnetHeader(spec, mss),
          Buffer.concat([buildFrame(spec, true), Buffer.alloc(longer)]).subarray(0, longer),
        );
        expect(addon.tapRead(tap, batch, 128, 1500)).toBe(1);
        expect([batch.verdict[0], batch.len[0]]).toEqual([VERDICT_MALFORMED, longer]);
      }
    }
  });

  it('never crashes the addon, whatever it holds', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 10, maxLength: 3000 }), fc.nat(0xffff), (frame, gsoSize) => {
        const vnet = Buffer.from(frame.subarray(0, 10));
        vnet[1] = [0, 1, 4, 5, 0x81][vnet[1]! % 5]!;
        vnet.writeUInt16LE(gsoSize, 4);
        const batch = createBatch(200, 8);
        resetBatch(batch);
        give(vnet, frame.subarray(10));
        for (let i = 0; i < 3000 && addon.tapRead(tap, batch, 8, 200) === 8; i++) resetBatch(batch);
      }),
    );
  });
});

describe('a frame with an unfinished checksum', () => {
  it.each(['tcp', 'udp'] as const)('gets it finished: %s', (protocol) => {
    for (const length of [0, 1, 33, 1200]) {
      const spec: PacketSpec = { version: 4, protocol, payload: octets(length) };
      give(vnetHeader(spec, 0), buildFrame(spec, true));
      expect(read()[0]!.toString('hex')).toBe(buildFrame(spec).toString('hex'));
    }
  });
});

/** Frames of one flow that are joined. */
function train(count: number, mss: number, changes: Partial<PacketSpec> = {}): Buffer[] {
  return cutByHand({ version: 4, protocol: 'tcp', payload: octets(count * mss), ...changes }, mss);
}

describe('frames to the TAP', () => {
  it.each(CASES.filter(([name]) => name !== 'IPv4 options'))(
    'that were one super-frame are one again: %s',
    (_, spec, mss) => {
      const frames = cutByHand(spec, mss).slice(0, 64);
      write(frames);
      const got = taken();
      expect(got).toHaveLength(1);
      const payload = spec.payload.subarray(0, 64 * mss);
      expect(got[0]!.subarray(10).toString('hex')).toBe(
        buildFrame({ ...spec, payload }, true).toString('hex'),
      );
      expect(got[0]!.subarray(0, 10).toString('hex')).toBe(vnetHeader(spec, mss).toString('hex'));
    },
  );

  it('of several flows are joined however they are interleaved', () => {
    const flows = [1, 2, 3, 4, 5].map((port) => train(10, 1000, { srcPort: port, seq: port * 1e6 }));
    write(Array.from({ length: 50 }, (_, i) => flows[i % 5]![Math.floor(i / 5)]!));
    expect(taken().map((frame) => frame.length)).toEqual(Array(5).fill(10 + 54 + 10_000));
  });

  it('whose checksum is wrong pass as they came, and are never joined', () => {
    const frames = train(5, 1000);
    frames[2]![500]! ^= 1;
    const before = frames.map((frame) => frame.toString('hex'));
    write(frames);
    const got = taken();
    expect(got.map((frame) => frame.length - 10 - 54)).toEqual([2000, 1000, 2000]);
    expect(got[1]!.subarray(10).toString('hex')).toBe(before[2]);
    expect(got[1]!.subarray(0, 10).every((octet) => octet === 0)).toBe(true);
  });

  it('a wrong IPv4 header checksum is not repaired either', () => {
    const frames = train(2, 1000);
    frames[0]![25]! ^= 1;
    write(frames);
    expect(taken().map((frame) => frame.subarray(10).length)).toEqual([1054, 1054]);
  });

  const DIFFERENCES: [string, Partial<PacketSpec>][] = [
    ['another window', { window: 501 }],
    ['another acknowledgement', { ack: 8 }],
    ['other options', { tcpOptions: TIMESTAMPS }],
    ['SYN', { flags: ACK | SYN }],
    ['URG', { flags: ACK | URG }],
    ['CWR on the second', { flags: ACK | CWR }],
    ['another type of service', { tos: 4 }],
    ['another time to live', { ttl: 63 }],
    ['no DF', { df: false }],
    ['an identification that does not step by one', { id: 5 }],
    ['a gap in the sequence', { seq: 2000 }],
    ['a longer segment', { payload: octets(1001) }],
    ['no data', { payload: octets(0) }],
    ['IPv4 options', { ipOptions: IP_OPTIONS }],
    ['another tag', { tags: VLAN }],
  ];
  it.each(DIFFERENCES)('are not joined over %s, and keep their order', (_, change) => {
    const base: PacketSpec = { version: 4, protocol: 'tcp', payload: octets(1000) };
    const frames = [buildFrame(base), buildFrame({ ...base, id: 1, seq: 1000, ...change })];
    write(frames);
    expect(taken().map((frame) => frame.subarray(10).toString('hex'))).toEqual(
      frames.map((f) => f.toString('hex')),
    );
  });

  it('PSH, FIN or a shorter segment end a train', () => {
    const short = train(3, 1000, { payload: octets(2500) });
    const pushed = cutByHand(
      { version: 4, protocol: 'tcp', seq: 2500, id: 3, flags: ACK | PSH, payload: octets(2000) },
      1000,
    );
    const rest = train(2, 1000, { seq: 4500, id: 5 });
    write([...short, ...pushed, ...rest]);
    expect(taken().map((frame) => frame.length - 64)).toEqual([2500, 2000, 2000]);
  });

  it('a train never outgrows an IP packet', () => {
    write(train(64, 1400));
    expect(taken().map((frame) => frame.length - 64)).toEqual([46 * 1400, 18 * 1400]);
  });

  it('a bare acknowledgement of a flow does not fall behind its data', () => {
    const data = train(4, 1000);
    const ack = buildFrame({ version: 4, protocol: 'tcp', id: 2, seq: 2000, payload: octets(0) });
    write([data[0]!, data[1]!, ack, data[2]!, data[3]!]);
    expect(taken().map((frame) => frame.length - 64)).toEqual([2000, 0, 2000]);
  });

  it('what is no IP, cut short or padded passes untouched', () => {
    const padded = Buffer.concat([
      buildFrame({ version: 4, protocol: 'tcp', payload: octets(3) }),
      Buffer.alloc(3),
    ]);
    const fragment = buildFrame({ version: 4, protocol: 'udp', payload: octets(300) });
    fragment[20] = 0x20;
    const frames = [
      Buffer.alloc(14, 0xff),
      Buffer.from('0180c2000000020000000001002642', 'hex'),
      padded,
      padded,
      fragment,
    ];
    write([...frames, ...frames.map((frame) => frame.subarray(0, 14))]);
    const got = taken().map((frame) => frame.subarray(10).toString('hex'));
    expect(got.slice(0, 5)).toEqual(frames.map((frame) => frame.toString('hex')));
    expect(got).toHaveLength(10);
  });

  it('that the TAP refuses get the verdict, all of a train', () => {
    const batch = createBatch(1500, 4);
    fill(batch, [...train(3, 1000), Buffer.alloc(20)]);
    const port = addon.openTapPort(-1, JOIN_TCP, 0);
    expect(addon.tapWrite(port, batch, 0, 4, status, 26)).toBe(9);
    expect([...batch.verdict]).toEqual([26, 26, 26, 26]);
  });
});

describe('joining and cutting again', () => {
  const segment = fc.record({
    flow: fc.nat(3),
    length: fc.constantFrom(0, 1, 100, 100, 100, 100, 101),
    flags: fc.constantFrom(ACK, ACK, ACK, ACK, ACK | PSH, ACK | FIN, ACK | CWR, ACK | URG),
    broken: fc.nat(12).map((n) => n === 0),
    jump: fc.nat(12).map((n) => n === 0),
  });
  const kinds: Partial<PacketSpec>[] = [
    { version: 4, protocol: 'tcp' },
    { version: 6, protocol: 'tcp', tcpOptions: TIMESTAMPS },
    { version: 4, protocol: 'udp', tags: VLAN },
    { version: 6, protocol: 'udp', hopByHop: HOP_BY_HOP },
  ];

  it('gives back the same octets, in the same order within each flow', () => {
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 60 }), (segments) => {
        const seq = [0, 0, 0, 0];
        const ids = [0, 0, 0, 0];
        const frames = segments.map(({ flow, length, flags, broken, jump }, n) => {
          if (jump) seq[flow]! += 1000;
          const place = { seq: seq[flow]!, id: ids[flow]! };
          seq[flow]! += length;
          ids[flow]! += 1;
          const spec = { ...kinds[flow], ...place, srcPort: flow, flags, payload: octets(length, n) };
          const frame = buildFrame(spec as PacketSpec);
          if (broken) frame[frame.length - 1]! ^= 0x55;
          return { flow, frame };
        });
        write(frames.map(({ frame }) => frame));
        for (const message of taken()) give(message.subarray(0, 10), message.subarray(10));
        const got = read(64, 200).map((frame) => frame.toString('hex'));
        const wanted = frames.map(({ frame }) => frame.toString('hex'));
        expect([...got].sort()).toEqual([...wanted].sort());
        for (let flow = 0; flow < 4; flow++) {
          const ofFlow = frames
            .filter((entry) => entry.flow === flow)
            .map(({ frame }) => frame.toString('hex'));
          const places = got.filter((text) => ofFlow.includes(text));
          expect(places).toEqual(ofFlow);
        }
      }),
      { numRuns: 150 },
    );
  });
});

describe('frames that came in clear', () => {
  it("joined by the peer's kernel, go to the TAP as the super-frame that they are", () => {
    const clear = addon.openTapPort(fds[0]!, 0, 1430);
    const spec: PacketSpec = { version: 4, protocol: 'tcp', payload: octets(20_000) };
    for (const partial of [true, false]) {
      const batch = createBatch(70_000, 1);
      fill(batch, [buildFrame(spec, partial)]);
      addon.tapWrite(clear, batch, 0, 1, status, 26);
      const got = taken()[0]!;
      expect(got.subarray(0, 10).toString('hex')).toBe(vnetHeader(spec, 1390).toString('hex'));
      expect(got.subarray(10).toString('hex')).toBe(buildFrame(spec, true).toString('hex'));
    }
  });

  it('with a checksum that a NIC should have finished are marked so', () => {
    const clear = addon.openTapPort(fds[0]!, 0, 1430);
    const spec: PacketSpec = { version: 6, protocol: 'udp', payload: octets(100) };
    const batch = createBatch(1500, 3);
    const wrong = buildFrame(spec);
    wrong[90]! ^= 1;
    fill(batch, [buildFrame(spec, true), buildFrame(spec), wrong]);
    addon.tapWrite(clear, batch, 0, 3, status, 26);
    const got = taken();
    expect(got.map((frame) => frame[0])).toEqual([1, 0, 0]);
    expect(got.map((frame) => frame.subarray(10).length)).toEqual([162, 162, 162]);
    expect(internetSum(pseudoHeader(buildFrame(spec), layoutOf(spec)))).toBe(
      got[0]!.readUInt16BE(10 + 54 + 6),
    );
  });
});
