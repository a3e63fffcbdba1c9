/** Datagrams that have a type of service each, over the loopback: what was sent with a frame is what is received with it. */
import { afterEach, describe, expect, it } from 'vitest';
import { type Batch, createBatch, createBatchOf, resetBatch } from '../../../src/frame/batch.ts';
import { Drop } from '../../../src/frame/drop.ts';
import { closeFds } from '../../../src/host/close.ts';
import { openPair } from '../../../src/host/pair.ts';
import { openUdpSocket } from '../../../src/host/socket.ts';
import { loadAddon } from '../../../src/native/load.ts';
import { createEndpoint } from '../../../src/ports/endpoint.ts';
import { wrapRawSocket } from '../../../src/ports/raw-socket-port.ts';
import { type UdpSocketPort, wrapUdpSocket } from '../../../src/ports/udp-socket-port.ts';

const PORT = 24854;
const open: number[] = [];
afterEach(() => closeFds(open.splice(0)));

function portAt(
  local: string,
  port: number,
  remote: string,
  remotePort: number,
  carriesTos = true,
): UdpSocketPort {
  const fd = openUdpSocket({ local, remote, port, df: true, ttl: 64, tos: 0x28 }, 'tunnels[0].gre');
  open.push(fd);
  return wrapUdpSocket(fd, createEndpoint(remote, remotePort), undefined, carriesTos);
}

/** Frames of `len` octets that have these types of service, the first octet their number. */
function batchOf(toses: readonly number[], len = 600): Batch {
  const batch = createBatch(1500, toses.length);
  resetBatch(batch);
  toses.forEach((tos, i) => {
    batch.arena[batch.at[i]!] = i;
    batch.len[i] = len;
    batch.verdict[i] = 0;
    batch.tos[i] = tos;
  });
  batch.count = toses.length;
  return batch;
}

/** Number and type of service of what arrives. */
async function receiveAll(port: UdpSocketPort, count: number): Promise<[number, number][]> {
  const batch = createBatchOf(port.receiveLayout);
  const got: [number, number][] = [];
  for (let tries = 0; got.length < count && tries < 200; tries++) {
    resetBatch(batch);
    const received = port.receive(batch, batch.capacity);
    for (let i = 0; i < received; i++) got.push([batch.arena[batch.at[i]!]!, batch.tos[i]!]);
    if (received === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return got;
}

describe.each([
  ['IPv4', '127.0.0.1', '127.0.0.2'],
  ['IPv6', '::1', '::1'],
])('UDP over %s', (_, left, right) => {
  it.each<[string, number[]]>([
    ['one', [0xb8]],
    ['a train of one class', new Array<number>(60).fill(0x02)],
    ['classes in turn', Array.from({ length: 100 }, (__, i) => (i % 2 === 0 ? 0xb9 : 0x00))],
    [
      'stretches of classes',
      Array.from({ length: 120 }, (__, i) => [0, 0xb8, 0x03, 0xff][Math.floor(i / 30)]!),
    ],
    ['every octet', Array.from({ length: 256 }, (__, i) => i)],
  ])('%s', async (__, toses) => {
    const near = portAt(left, PORT, right, PORT + 1);
    const far = portAt(right, PORT + 1, left, PORT);
    expect(near.send(batchOf(toses), 0)).toBe(toses.length);
    expect(await receiveAll(far, toses.length)).toEqual(toses.map((tos, i) => [i, tos]));
  });

  it('without it they have the type of service of the socket', async () => {
    const near = portAt(left, PORT, right, PORT + 1, false);
    const far = portAt(right, PORT + 1, left, PORT);
    near.send(batchOf([0xb8, 0xb8]), 0);
    expect(await receiveAll(far, 2)).toEqual([
      [0, 0x28],
      [1, 0x28],
    ]);
  });

  it('of a train that is refused the frames go one by one, each with its own', async () => {
    const near = portAt(left, PORT, right, PORT + 1);
    const far = portAt(right, PORT + 1, left, PORT);
    const toses = [0xb8, 0xb8, 0x02, 0x02, 0x02];
    const batch = batchOf(toses);
    // Longer than any datagram: it refuses its train.
    const long = createBatch(70_000, toses.length);
    resetBatch(long);
    for (let i = 0; i < toses.length; i++) {
      batch.arena.copy(long.arena, long.at[i]!, batch.at[i]!, batch.at[i]! + 600);
      long.len[i] = i === 2 ? 65_530 : 600;
      long.verdict[i] = 0;
      long.tos[i] = toses[i]!;
    }
    long.count = toses.length;
    expect(near.send(long, 0)).toBe(toses.length);
    expect(long.verdict[2]).toBe(Drop.WireTooLong);
    expect(await receiveAll(far, 4)).toEqual([
      [0, 0xb8],
      [1, 0xb8],
      [3, 0x02],
      [4, 0x02],
    ]);
  });
});

describe('carryTos', () => {
  it('is without effect on sockets that have none', () => {
    const fds = openPair();
    open.push(...fds);
    const [near, far] = [wrapRawSocket(fds[0], undefined, true), wrapRawSocket(fds[1], undefined, true)];
    expect(near.send(batchOf([1, 2, 3]), 0)).toBe(3);
    const into = createBatch(1500, 4);
    resetBatch(into);
    expect(far.receive(into, 4)).toBe(3);
  });

  it('is for sockets: a TAP has no type of service', () => {
    const fds = openPair();
    open.push(...fds);
    const addon = loadAddon();
    expect(() => addon.carryTos(addon.openTapPort(fds[0], 0, 0))).toThrow('an open socket or UDP port');
    const closed = addon.openSocketPort(fds[0]);
    addon.closePort(closed);
    expect(() => addon.carryTos(closed)).toThrow('an open socket or UDP port');
  });
});
