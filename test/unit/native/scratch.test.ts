/** Ports share the memory for their system calls: no port sees what another one's call left there. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Batch, createBatch, HEADROOM, resetBatch, TAILROOM } from '../../../src/frame/batch.ts';
import type { FrameArrays, PortHandle } from '../../../src/native/addon.ts';
import { loadAddon } from '../../../src/native/load.ts';
import { SHAPES } from './offload-shapes.ts';
import { buildFrame, cutByHand, octets, vnetHeader } from './packets.ts';

const addon = loadAddon();
const { ENDPOINT_LEN, JOIN_TCP, UDP_AREA_LEN } = addon.constants;
const POLLIN = 1;
const status = new Int32Array(1);

/** One slot that holds `frame`. */
function batchOf(frame: Uint8Array): FrameArrays {
  return {
    arena: frame,
    at: new Uint32Array(1),
    len: Uint32Array.of(frame.length),
    verdict: new Uint8Array(1),
  };
}

describe('super-frames of several TAPs', () => {
  const MSS = 1378;
  const fds: number[] = [];
  let ends: { tap: PortHandle; kernel: PortHandle }[];
  beforeEach(() => {
    ends = [0, 1, 2].map(() => {
      const pair = new Int32Array(2);
      addon.openPair(pair);
      fds.push(...pair);
      return { tap: addon.openTapPort(pair[0]!, JOIN_TCP, 0), kernel: addon.openSocketPort(pair[1]!) };
    });
  });
  afterEach(() => {
    for (const fd of fds.splice(0)) addon.closeFd(fd);
  });

  /** Gives TAP `n` a super-frame; returns the frames that it stands for. */
  function give(n: number, payload: number): Buffer[] {
    const spec = { ...SHAPES[0]!.spec, payload: octets(payload, n + 1) };
    const frame = Buffer.concat([vnetHeader(spec, MSS), buildFrame(spec, true)]);
    expect(addon.socketSend(ends[n]!.kernel, batchOf(frame), 0, 1, status)).toBe(1);
    return cutByHand(spec, MSS);
  }

  const batch: Batch = createBatch(1500, 10);
  /** The next frames of TAP `n`, ten at most. */
  function read(n: number): Buffer[] {
    resetBatch(batch);
    const count = addon.tapRead(ends[n]!.tap, batch, 10, batch.slotLen - HEADROOM - TAILROOM);
    return Array.from({ length: count }, (_, i) =>
      Buffer.from(batch.arena.subarray(batch.at[i]!, batch.at[i]! + batch.len[i]!)),
    );
  }

  it.each([1, 2])('are cut by turns, each from where its own was left, time %i', (times) => {
    for (let time = 0; time < times; time++) {
      const wanted = [give(0, 60_000), give(1, 40_000), give(2, 3000)];
      const got: Buffer[][] = [[], [], []];
      for (let turn = 0; turn < 6; turn++) for (const n of [0, 1, 2]) got[n]!.push(...read(n));
      expect(got).toEqual(wanted);
    }
  });

  it('go with their port, and the others are not touched', () => {
    const wanted = [give(0, 60_000), give(1, 40_000)];
    expect(read(0)).toEqual(wanted[0]!.slice(0, 10));
    expect(read(1)).toEqual(wanted[1]!.slice(0, 10));
    addon.closePort(ends[0]!.tap);
    expect(read(2)).toEqual([]);
    expect(read(1)).toEqual(wanted[1]!.slice(10, 20));
    give(2, 5000);
    expect(read(2).length).toBe(4);
    expect(read(1)).toEqual(wanted[1]!.slice(20, 30));
    expect(read(1)).toEqual([]);
  });
});

describe('senders of several UDP ports', () => {
  const opts = { df: true, ttl: 64, tos: 0, hdrIncl: false, sndBuf: 65536, rcvBuf: 65536 };
  const frames: FrameArrays = {
    arena: new Uint8Array(UDP_AREA_LEN),
    at: new Uint32Array(64),
    len: new Uint32Array(64),
    verdict: new Uint8Array(64),
  };
  let peers: Socket[];
  let ends: { fd: number; port: PortHandle; number: number }[];

  beforeEach(async () => {
    peers = await Promise.all([0, 1].map(openPeer));
    ends = await Promise.all(peers.map(openEnd));
  });
  afterEach(() => {
    for (const peer of peers) peer.close();
    for (const { fd } of ends) addon.closeFd(fd);
  });

  async function openPeer(): Promise<Socket> {
    const peer = createSocket('udp4');
    peer.bind(0, '127.0.0.1');
    await once(peer, 'listening');
    return peer;
  }

  /** A UDP port, and the number that the kernel gave it, as `peer` sees it. */
  async function openEnd(peer: Socket): Promise<(typeof ends)[number]> {
    const fd = addon.openUdpSocket('127.0.0.1', null, 0, opts);
    const port = addon.openUdpPort(fd);
    const endpoint = new Uint8Array(ENDPOINT_LEN);
    addon.setEndpoint(endpoint, '127.0.0.1', peer.address().port);
    const heard = once(peer, 'message') as Promise<[Buffer, { port: number }]>;
    expect(addon.udpSend(port, batchOf(Buffer.from('hello')), 0, 1, status, endpoint)).toBe(1);
    return { fd, port, number: (await heard)[1].port };
  }

  /** Has peer `n` send to port `n`, and receives it. */
  async function receive(n: number): Promise<number> {
    await new Promise((sent) => peers[n]!.send('hello', ends[n]!.number, '127.0.0.1', sent));
    expect(addon.waitFor(ends[n]!.fd, POLLIN, 5000)).toBe(true);
    return addon.udpReceive(ends[n]!.port, frames, 1, 64, status);
  }

  function learned(port: PortHandle): string | null {
    const endpoint = new Uint8Array(ENDPOINT_LEN);
    addon.udpLearn(port, 0, endpoint);
    return addon.endpointText(endpoint);
  }

  const nameOf = (peer: Socket): string => `127.0.0.1:${peer.address().port}`;

  it("are learned from a port's own last receive only", async () => {
    const [first, second] = ends.map(({ port }) => port) as [PortHandle, PortHandle];
    expect(await receive(0)).toBe(1);
    expect(learned(first)).toBe(nameOf(peers[0]!));
    expect(() => learned(second)).toThrow(RangeError);
    expect(await receive(1)).toBe(1);
    expect(learned(second)).toBe(nameOf(peers[1]!));
    expect(() => learned(first)).toThrow('the port of the last udpReceive');
    expect(addon.udpReceive(first, frames, 1, 64, status)).toBe(0);
    expect(() => learned(first)).toThrow('a frame of the last udpReceive');
    expect(() => learned(second)).toThrow(RangeError);
  });

  it('are kept while another port sends, and gone with their own', async () => {
    const [first, second] = ends.map(({ port }) => port) as [PortHandle, PortHandle];
    expect(await receive(0)).toBe(1);
    const endpoint = new Uint8Array(ENDPOINT_LEN);
    addon.setEndpoint(endpoint, '127.0.0.1', 9);
    addon.udpSend(second, batchOf(Buffer.from('hello')), 0, 1, status, endpoint);
    expect(learned(first)).toBe(nameOf(peers[0]!));
    addon.closePort(first);
    expect(() => learned(addon.openUdpPort(ends[0]!.fd))).toThrow(RangeError);
  });
});

describe('thousands of ports', () => {
  it('take less than 4 KiB each, though each has been used', () => {
    const pair = new Int32Array(2);
    addon.openPair(pair);
    const frames = batchOf(new Uint8Array(UDP_AREA_LEN));
    const many = {
      ...frames,
      at: new Uint32Array(64),
      len: new Uint32Array(64),
      verdict: new Uint8Array(64),
    };
    /** A port of each kind, each of which has been used. */
    const open = (): PortHandle[] => {
      const ports = [
        addon.openTapPort(pair[0]!, JOIN_TCP, 0),
        addon.openUdpPort(pair[0]!),
        addon.openSocketPort(pair[0]!),
      ];
      addon.tapRead(ports[0]!, frames, 1, 1500);
      addon.udpReceive(ports[1]!, many, 1, 64, status);
      addon.socketReceive(ports[2]!, frames, 1, 1500, status);
      return ports;
    };
    const ports = Array.from({ length: 200 }, open).flat();
    const before = process.memoryUsage().rss;
    for (let n = 0; n < 2000; n++) ports.push(...open());
    const octetsEach = (process.memoryUsage().rss - before) / 6000;
    expect(octetsEach).toBeLessThan(4096);
    for (const port of ports) addon.closePort(port);
    for (const fd of pair) addon.closeFd(fd);
  });
});
