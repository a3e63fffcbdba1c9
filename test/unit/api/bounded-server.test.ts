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

  it('closes at once, and counts, the connections above its limit; those within are served', async () => {
    const port = await open();
    const within = Array.from({ length: CONNECTIONS }, () => dial(port));
    await Promise.all(within.map((socket) => once(socket, 'connect')));
    const above = Array.from({ length: 20 }, () => dial(port));
    await Promise.all(above.map((socket) => text(socket)));
    expect(server.refused).toBe(20);
    within[0]?.write(GET);
    expect(await text(within[0]!)).toMatch(/^HTTP\/1\.1 200/);
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
