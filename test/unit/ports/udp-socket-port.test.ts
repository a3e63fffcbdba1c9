/** UDP ports over the loopback: trains both ways (UDP_SEGMENT, UDP_GRO), who is heard, and whom we answer. */
import { afterEach, describe, expect, it } from 'vitest';
import { type Batch, createBatch, createBatchOf, resetBatch } from '../../../src/frame/batch.ts';
import { Drop } from '../../../src/frame/drop.ts';
import { closeFds } from '../../../src/host/close.ts';
import { openUdpSocket } from '../../../src/host/socket.ts';
import { createEndpoint, endpointText } from '../../../src/ports/endpoint.ts';
import { type UdpSocketPort, wrapUdpSocket } from '../../../src/ports/udp-socket-port.ts';

const PORT = 24754;
const open: number[] = [];
afterEach(() => closeFds(open.splice(0)));

function portAt(
  local: string,
  remote: string,
  endpoint = createEndpoint(remote, PORT),
  port = PORT,
): UdpSocketPort {
  const fd = openUdpSocket({ local, remote, port, df: true, ttl: 64, tos: 0 }, 'tunnels[0].gre');
  open.push(fd);
  return wrapUdpSocket(fd, endpoint);
}

function batchOf(lengths: readonly number[]): Batch {
  const batch = createBatch(9000, Math.max(lengths.length, 1));
  resetBatch(batch);
  for (const [i, length] of lengths.entries()) {
    batch.arena.fill(i + 1, batch.at[i]!, batch.at[i]! + length);
    batch.len[i] = length;
  }
  batch.count = lengths.length;
  return batch;
}

/** Lengths of what arrives, each checked to hold the octet that `batchOf` gave it. */
async function receiveAll(port: UdpSocketPort, count: number): Promise<number[]> {
  const batch = createBatchOf(port.receiveLayout);
  const lengths: number[] = [];
  for (let tries = 0; lengths.length < count && tries < 200; tries++) {
    resetBatch(batch);
    const got = port.receive(batch, batch.capacity);
    for (let i = 0; i < got; i++) {
      const frame = batch.arena.subarray(batch.at[i]!, batch.at[i]! + batch.len[i]!);
      expect(frame.every((octet) => octet === ((lengths.length + 1) & 0xff))).toBe(true);
      expect(batch.verdict[i]).toBe(0);
      lengths.push(frame.length);
    }
    if (got === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return lengths;
}

describe.each([
  ['IPv4', '127.0.0.1', '127.0.0.2'],
  ['IPv6', '::1', '::1'],
])('UDP over %s', (_, left, right) => {
  const sameHost = left === right;
  const rightPort = sameHost ? PORT + 1 : PORT;
  function pair(): [UdpSocketPort, UdpSocketPort] {
    return [
      portAt(left, right, createEndpoint(right, rightPort)),
      portAt(right, left, createEndpoint(left, PORT), rightPort),
    ];
  }

  it.each([
    ['one', [100]],
    ['a train', Array<number>(40).fill(1472)],
    ['a train with a short end', [...Array<number>(10).fill(1000), 7]],
    ['more than a train', Array<number>(200).fill(300)],
    ['trains longer than a packet', Array<number>(30).fill(8000)],
    ['all lengths', Array.from({ length: 120 }, (__, i) => 1 + ((i * 997) % 1400))],
    ['ascending', [10, 20, 30, 30, 30, 20, 20, 40]],
  ])('brings %s across, in order', async (__, lengths) => {
    const [near, far] = pair();
    const batch = batchOf(lengths);
    expect(near.send(batch, 0)).toBe(lengths.length);
    expect([...batch.verdict]).toEqual(lengths.map(() => 0));
    expect(await receiveAll(far, lengths.length)).toEqual(lengths);
  });

  it('passes over dead frames', async () => {
    const [near, far] = pair();
    const batch = batchOf([50, 50, 50]);
    batch.verdict[0] = Drop.PnExhausted;
    batch.arena.fill(1, batch.at[1]!, batch.at[1]! + 50);
    batch.arena.fill(2, batch.at[2]!, batch.at[2]! + 50);
    expect(near.send(batch, 0)).toBe(3);
    expect(await receiveAll(far, 2)).toEqual([50, 50]);
  });
});

it('a batch without room for one train is refused, not starved', () => {
  const near = portAt('127.0.0.1', '127.0.0.2');
  expect(() => near.receive(createBatchOf({ kind: 'areas', frames: 63, areas: 4 }), 63)).toThrow(
    '64 to 1024 frames',
  );
  expect(() => near.receive(createBatch(4096, 64), 64)).toThrow('1 to 128 areas');
});

describe('the peer of a UDP tunnel', () => {
  it('may send from any port, as RFC 8086 lets it; nobody else is heard', async () => {
    const near = portAt('127.0.0.1', '127.0.0.2');
    const ephemeral = portAt('127.0.0.2', '127.0.0.1', createEndpoint('127.0.0.1', PORT), PORT + 7);
    const stranger = portAt('127.0.0.3', '127.0.0.1', createEndpoint('127.0.0.1', PORT));
    stranger.send(batchOf([11]), 0);
    ephemeral.send(batchOf([10]), 0);
    expect(await receiveAll(near, 1)).toEqual([10]);
    expect(near.receive(createBatchOf(near.receiveLayout), 64)).toBe(0);
  });

  it("shares its local port with another peer's tunnel, each hearing its own", async () => {
    const two = portAt('127.0.0.1', '127.0.0.2');
    const three = portAt('127.0.0.1', '127.0.0.3');
    portAt('127.0.0.2', '127.0.0.1').send(batchOf([2, 2]), 0);
    portAt('127.0.0.3', '127.0.0.1').send(batchOf([3]), 0);
    expect(await receiveAll(three, 1)).toEqual([3]);
    expect(await receiveAll(two, 2)).toEqual([2, 2]);
  });

  it('that is dynamic is unknown until it is learned from a frame', async () => {
    const endpoint = createEndpoint(null, PORT);
    const hub = portAt('127.0.0.1', 'dynamic', endpoint);
    const early = batchOf([9]);
    expect(endpointText(endpoint)).toBeNull();
    expect(hub.send(early, 0)).toBe(1);
    expect(early.verdict[0]).toBe(Drop.NoEndpoint);

    const spoke = portAt('127.0.0.2', '127.0.0.1', createEndpoint('127.0.0.1', PORT), PORT + 3);
    const other = portAt('127.0.0.3', '127.0.0.1', createEndpoint('127.0.0.1', PORT), PORT + 4);
    spoke.send(batchOf([5, 5]), 0);
    expect(await receiveAll(hub, 2)).toEqual([5, 5]);
    expect(hub.learn(1)).toBe(true);
    expect(hub.learn(0)).toBe(false);
    expect(endpointText(endpoint)).toBe(`127.0.0.2:${PORT + 3}`);
    expect(() => hub.learn(2)).toThrow(RangeError);

    hub.send(batchOf([7]), 0);
    expect(await receiveAll(spoke, 1)).toEqual([7]);
    other.send(batchOf([6]), 0);
    expect(await receiveAll(hub, 1)).toEqual([6]);
    expect(hub.learn(0)).toBe(true);
    expect(endpointText(endpoint)).toBe(`127.0.0.3:${PORT + 4}`);
  });

  it('that is not there costs nothing but its frames', async () => {
    const near = portAt('127.0.0.1', '127.0.0.9');
    for (let i = 0; i < 20; i++) expect(near.send(batchOf([100, 100, 50]), 0)).toBe(3);
    expect(near.receive(createBatchOf(near.receiveLayout), 64)).toBe(0);
    const there = portAt('127.0.0.9', '127.0.0.1');
    near.send(batchOf([100]), 0);
    expect(await receiveAll(there, 1)).toEqual([100]);
  });
});
