import { createSocket } from 'node:dgram';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Batch, createBatchOf, resetBatch } from '../../../src/frame/batch.ts';
import { closeFds } from '../../../src/host/close.ts';
import { openUdpSocket } from '../../../src/host/socket.ts';
import { createEndpoint, ENDPOINT_LEN, endpointText } from '../../../src/ports/endpoint.ts';
import { SharedUdpPort } from '../../../src/ports/shared-udp-port.ts';
import { wrapUdpSocket } from '../../../src/ports/udp-socket-port.ts';

const PORT = 24_791;

describe('a UDP port that takes what came elsewhere', () => {
  let fd: number;
  let endpoint: Uint8Array;
  let port: SharedUdpPort;
  let batch: Batch;

  beforeEach(() => {
    fd = openUdpSocket(
      { local: '127.0.0.1', remote: 'dynamic', port: PORT, df: true, ttl: 64, tos: 0 },
      'gre',
    );
    endpoint = createEndpoint(null, 0);
    port = new SharedUdpPort(wrapUdpSocket(fd, endpoint), endpoint);
    batch = createBatchOf(port.receiveLayout);
  });
  afterEach(() => {
    port.close();
    closeFds([fd]);
  });

  function receive(): string[] {
    resetBatch(batch);
    const count = port.receive(batch, batch.capacity);
    expect(batch.count).toBe(count);
    return Array.from({ length: count }, (_, i) =>
      batch.arena.toString('latin1', batch.at[i], batch.at[i]! + batch.len[i]!),
    );
  }

  function senderOf(frame: number): string | null {
    const into = new Uint8Array(ENDPOINT_LEN);
    port.senderOf(frame, into);
    return endpointText(into);
  }

  it('gives it before what its socket has, with its sender, and learns that', async () => {
    const peer = createSocket('udp4');
    await new Promise<void>((resolve) => peer.send('socket', PORT, '127.0.0.1', () => resolve()));
    const own = `127.0.0.1:${peer.address().port}`;
    port.admit(Buffer.from('one'), createEndpoint('192.0.2.1', 1));
    port.admit(Buffer.from('two'), createEndpoint('192.0.2.2', 2));
    expect(receive()).toEqual(['one', 'two']);
    expect([senderOf(0), senderOf(1)]).toEqual(['192.0.2.1:1', '192.0.2.2:2']);
    expect(port.moved).toBe(false);
    port.learn(1);
    expect([endpointText(endpoint), port.moved]).toEqual(['192.0.2.2:2', true]);
    port.moved = false;
    // It is there already, and its datagrams come elsewhere: that is to be told too.
    port.learn(1);
    expect(port.moved).toBe(true);
    port.moved = false;

    await vi.waitUntil(() => receive()[0] === 'socket', { timeout: 5000, interval: 2 });
    expect(senderOf(0)).toBe(own);
    port.learn(0);
    expect([endpointText(endpoint), port.moved]).toEqual([own, true]);
    port.moved = false;
    port.learn(0);
    expect(port.moved).toBe(false);
    expect(receive()).toEqual([]);
    peer.close();
  });

  it('keeps no more than sixteen, and nothing that is too long', () => {
    port.admit(new Uint8Array(70_000), endpoint);
    for (let i = 0; i < 20; i++) port.admit(Buffer.from(`${i}`), endpoint);
    const got = [...receive(), ...receive()];
    expect(got).toEqual(Array.from({ length: 16 }, (_, i) => `${i}`));
  });
});
