/** Sending by several source ports over the loopback: who sends what, what a full queue and an ICMP error do. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Batch, createBatch, createBatchOf, resetBatch } from '../../../src/frame/batch.ts';
import { Drop } from '../../../src/frame/drop.ts';
import { Icmp } from '../../../src/frame/icmp.ts';
import { Traffic, untoldTraffic } from '../../../src/frame/lane-counters.ts';
import { closeFds } from '../../../src/host/close.ts';
import { openUdpSenders, openUdpSocket } from '../../../src/host/socket.ts';
import { createEndpoint, endpointAddress } from '../../../src/ports/endpoint.ts';
import { FlowPort } from '../../../src/ports/flow-port.ts';
import { type UdpSocketPort, wrapUdpSocket } from '../../../src/ports/udp-socket-port.ts';

const PORT = 24954;
const open: number[] = [];
afterEach(() => closeFds(open.splice(0)));

const settings = (local: string, remote: string) => ({
  local,
  remote,
  port: PORT,
  df: true,
  ttl: 64,
  tos: 0,
});

function socket(local: string, remote: string): UdpSocketPort {
  const fd = openUdpSocket(settings(local, remote), 'gre');
  open.push(fd);
  return wrapUdpSocket(fd, createEndpoint(remote, PORT));
}

/** Frames for these ports, in that order; the first octet is the frame's number. */
function batchOf(flows: readonly number[], lengths: readonly number[] = [600]): Batch {
  const batch = createBatch(1500, flows.length);
  resetBatch(batch);
  flows.forEach((flow, i) => {
    batch.arena[batch.at[i]!] = i;
    batch.len[i] = lengths[i % lengths.length]!;
    batch.verdict[i] = 0;
    batch.flow[i] = flow;
  });
  batch.count = flows.length;
  return batch;
}

/** Number and source port of what arrives. */
async function receiveAll(port: UdpSocketPort, count: number): Promise<[number, number][]> {
  const batch = createBatchOf(port.receiveLayout);
  const sender = createEndpoint(null, 0);
  const got: [number, number][] = [];
  for (let tries = 0; got.length < count && tries < 200; tries++) {
    resetBatch(batch);
    const received = port.receive(batch, batch.capacity);
    for (let i = 0; i < received; i++) {
      port.senderOf(i, sender);
      got.push([batch.arena[batch.at[i]!]!, endpointAddress(sender)!.port]);
    }
    if (received === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return got;
}

describe('a port of many sources', () => {
  const [left, right] = ['127.0.0.1', '127.0.0.2'];
  let near: FlowPort;
  let far: UdpSocketPort;

  beforeEach(() => {
    const fd = openUdpSocket(settings(left, right), 'gre');
    const { fds } = openUdpSenders(settings(left, right), 4, 'gre');
    open.push(fd, ...fds);
    const endpoint = createEndpoint(right, PORT);
    near = new FlowPort(wrapUdpSocket(fd, endpoint), endpoint, fds, false);
    far = socket(right, left);
  });

  it('gives each flow a dynamic port of its own, and keeps it in order', async () => {
    const flows = [0, 0, 0, 1, 2, 2, 3, 3, 3, 3];
    expect(near.send(batchOf(flows), 0)).toBe(flows.length);
    const got = await receiveAll(far, flows.length);
    const portOf = new Map(got.map(([number, port]) => [flows[number], port]));
    expect(new Set(portOf.values()).size).toBe(4);
    for (const port of portOf.values()) {
      expect(port).toBeGreaterThanOrEqual(49_152);
      expect(port).not.toBe(PORT);
    }
    for (const [number, port] of got) expect(port).toBe(portOf.get(flows[number]));
    for (const flow of [0, 1, 2, 3]) {
      const own = got.filter(([number]) => flows[number] === flow).map(([number]) => number);
      expect(own).toEqual([...own].sort((a, b) => a - b));
    }
  });

  it('passes over dead frames, trains or none', async () => {
    const batch = batchOf([0, 0, 1, 1, 1, 3], [600, 500, 400]);
    for (const i of [0, 3, 5]) batch.verdict[i] = Drop.PnExhausted;
    expect(near.send(batch, 0)).toBe(6);
    expect((await receiveAll(far, 3)).map(([number]) => number).sort()).toEqual([1, 2, 4]);
  });

  it('hears the peer by the own port of the tunnel', async () => {
    far.send(batchOf([0, 0]), 0);
    const batch = createBatchOf(near.receiveLayout);
    let received = 0;
    for (let tries = 0; received === 0 && tries < 200; tries++) {
      resetBatch(batch);
      received = near.receive(batch, batch.capacity);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(received).toBe(2);
  });
});

describe('errors on the sockets that only send', () => {
  it('an ICMP error costs no frame, and is counted by its kind, whichever socket has it', () => {
    const traffic = untoldTraffic();
    const fd = openUdpSocket(settings('127.0.0.1', '127.0.0.9'), 'gre');
    const { fds } = openUdpSenders(settings('127.0.0.1', '127.0.0.9'), 2, 'gre');
    open.push(fd, ...fds);
    const endpoint = createEndpoint('127.0.0.9', PORT);
    const near = new FlowPort(wrapUdpSocket(fd, endpoint, traffic), endpoint, fds, false);
    // Nobody is there: each packet is answered, and the next one finds the answer on its socket.
    for (let i = 0; i < 5; i++) {
      const batch = batchOf([0, 1]);
      expect(near.send(batch, 0)).toBe(2);
      expect([...batch.verdict]).toEqual([0, 0]);
    }
    expect(traffic[Traffic.icmp + Icmp.NoPort]).toBe(8);
  });

  it('what is too long for the path is dropped alone', () => {
    const fd = openUdpSocket(settings('127.0.0.1', '127.0.0.2'), 'gre');
    const { fds } = openUdpSenders(settings('127.0.0.1', '127.0.0.2'), 2, 'gre');
    open.push(fd, ...fds);
    socket('127.0.0.2', '127.0.0.1');
    const endpoint = createEndpoint('127.0.0.2', PORT);
    const near = new FlowPort(wrapUdpSocket(fd, endpoint), endpoint, fds, false);
    const batch = createBatch(70_000, 3);
    resetBatch(batch);
    batch.count = 3;
    batch.len.set([100, 65_530, 100]);
    batch.flow.set([0, 1, 1]);
    expect(near.send(batch, 0)).toBe(3);
    expect([...batch.verdict]).toEqual([0, Drop.WireTooLong, 0]);
  });
});

describe('the sockets that only send', () => {
  it('keep next to nothing of what somebody sends to them', async () => {
    const { fds } = openUdpSenders(settings('127.0.0.1', '127.0.0.2'), 1, 'gre');
    open.push(...fds);
    const endpoint = createEndpoint('127.0.0.2', PORT);
    const sender = wrapUdpSocket(fds[0]!, endpoint);
    const far = socket('127.0.0.2', '127.0.0.1');
    sender.send(batchOf([0]), 0);
    const [[, port]] = (await receiveAll(far, 1)) as [[number, number]];
    const back = createEndpoint('127.0.0.1', port);
    const fd = openUdpSocket({ ...settings('127.0.0.2', '127.0.0.1'), port: PORT + 1 }, 'gre');
    open.push(fd);
    const flood = wrapUdpSocket(fd, back);
    for (let i = 0; i < 50; i++) flood.send(batchOf(new Array<number>(100).fill(0), [1400]), 0);
    const batch = createBatchOf(sender.receiveLayout);
    let kept = 0;
    for (;;) {
      resetBatch(batch);
      const received = sender.receive(batch, batch.capacity);
      if (received === 0) break;
      kept += received;
    }
    expect(kept).toBeLessThan(200);
  });

  it('that cannot be opened are told by the setting, and none stays open', () => {
    expect(() => openUdpSenders(settings('192.0.2.1', '127.0.0.2'), 2, 'tunnels[0].gre')).toThrow(
      'tunnels[0].gre.local: 192.0.2.1 is not an address of this host',
    );
  });
});
