/** What strangers can make a server of ours hold: connections, requests, answers. */
import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { BoundedServer } from '../../../src/api/bounded-server.ts';

const CONNECTIONS = 4;
const ANSWER = 'x'.repeat(200_000);

let server: BoundedServer;
let answered = 0;
const sockets: Socket[] = [];
const atServer: Socket[] = [];

async function open(): Promise<number> {
  answered = 0;
  server = new BoundedServer(CONNECTIONS, (_req, res) => {
    answered++;
    res.end(ANSWER);
  });
  server.on('connection', (socket) => atServer.push(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function dial(port: number): Socket {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  sockets.push(socket);
  return socket;
}

function text(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let all = '';
    socket.setEncoding('latin1').on('data', (part) => {
      all += part;
    });
    socket.on('close', () => resolve(all));
  });
}

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  atServer.length = 0;
  server.close();
  server.closeAllConnections();
});

const GET = 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n';

describe('a bounded server', () => {
  it('answers one request, whole, and closes', async () => {
    const socket = dial(await open());
    socket.write(GET);
    const answer = await text(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer).toMatch(/connection: close/i);
    expect(answer.endsWith(ANSWER)).toBe(true);
  });

  it('has no more connections than its limit, and gives the place of the longest idle one to a new one', async () => {
    const port = await open();
    const idle: Socket[] = [];
    const closed: Promise<string>[] = [];
    for (let i = 0; i < 20; i++) {
      const socket = dial(port);
      idle.push(socket);
      closed.push(text(socket));
      await once(socket, 'connect');
    }
    await Promise.all(closed.slice(0, -CONNECTIONS));
    expect([server.evicted, server.refused]).toEqual([20 - CONNECTIONS, 0]);
    expect(idle.slice(-CONNECTIONS).some(({ destroyed }) => destroyed)).toBe(false);
    const late = dial(port);
    late.write(GET);
    expect(await text(late)).toMatch(/^HTTP\/1\.1 200/);
  });

  it('answers however many hold connections, say half of a request, and come back', async () => {
    const port = await open();
    let isOver = false;
    const part = 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nx';
    const again = (what: string): void => {
      if (isOver) return;
      const socket = dial(port).on('close', () => again(what));
      socket.write(what);
    };
    for (let i = 0; i < 300; i++) again(i % 2 === 0 ? '' : part);
    for (let i = 0; i < 10; i++) {
      const socket = dial(port);
      socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
      const got = await text(socket);
      if (got === '') continue;
      expect(got).toMatch(/^HTTP\/1\.1 200/);
      isOver = true;
      break;
    }
    expect(isOver).toBe(true);
  });

  it('closes a new connection at once, and counts it, where all are being worked on', async () => {
    const held: (() => void)[] = [];
    server = new BoundedServer(CONNECTIONS, (_req, res) => void held.push(() => res.end('done')));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const working = Array.from({ length: CONNECTIONS }, () => dial(port));
    for (const socket of working) socket.write(GET);
    while (held.length < CONNECTIONS) await new Promise(setImmediate);
    expect(await text(dial(port))).toBe('');
    expect([server.refused, server.evicted]).toEqual([1, 0]);
    for (const answer of held) answer();
    for (const socket of working) expect(await text(socket)).toMatch(/done$/);
  });

  it('takes the place of who does not read its answer', async () => {
    server = new BoundedServer(1, (_req, res) => void res.end('y'.repeat(50_000_000)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const slow = dial(port);
    slow.pause();
    slow.write(GET);
    await once(server, 'request');
    for (let got = ''; got === ''; ) {
      const next = dial(port);
      next.write(GET);
      got = await text(next);
    }
    expect(server.evicted).toBeGreaterThan(0);
  });

  it('keeps one answer a connection at most, however many requests come at once and whether anybody reads', async () => {
    const port = await open();
    for (let i = 0; i < CONNECTIONS; i++) {
      const socket = dial(port);
      socket.pause();
      socket.write(GET.repeat(20_000));
    }
    while (atServer.length < CONNECTIONS || atServer.some((socket) => !socket.destroyed))
      await new Promise(setImmediate);
    expect(answered).toBeLessThanOrEqual(CONNECTIONS);
    expect(server.pipelined).toBe(CONNECTIONS);
    expect(atServer.reduce((sum, socket) => sum + socket.writableLength, 0)).toBeLessThan(
      CONNECTIONS * (ANSWER.length + 1000),
    );
  });

  it('lets an answer end whose request was given up in the middle', async () => {
    const ended = new Promise<string>((resolve) => {
      server = new BoundedServer(CONNECTIONS, async (req, res) => {
        for await (const _ of req) break;
        try {
          await new Promise((next) => setImmediate(next));
          res.end('too long');
          resolve('ended');
        } catch (error) {
          resolve(String(error));
        }
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = dial((server.address() as AddressInfo).port);
    socket.write(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n${'x'.repeat(1000)}`);
    expect(await ended).toBe('ended');
  });

  it('refuses headers above its limit', async () => {
    const socket = dial(await open());
    socket.write(`GET / HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(10_000)}\r\n\r\n`);
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 431/);
    expect(answered).toBe(0);
  });

  it('closes a connection that says nothing', async () => {
    const socket = dial(await open());
    expect(await text(socket)).toBe('');
    expect(answered).toBe(0);
  });
});
