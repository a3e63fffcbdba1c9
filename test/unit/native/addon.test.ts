/** The addon by itself: argument checks, errors, waiting, several threads at once, sockets on the loopback. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { FrameArrays, PortHandle, SystemError } from '../../../src/native/addon.ts';
import { loadAddon } from '../../../src/native/load.ts';

const addon = loadAddon();
const folder = mkdtempSync(join(tmpdir(), 'l2vpnd-native-'));
afterAll(() => rmSync(folder, { recursive: true }));

function errorOf(call: () => unknown): SystemError {
  try {
    call();
  } catch (error) {
    return error as SystemError;
  }
  throw new Error('expected an exception');
}

function framesOf(count: number, slot = 256): FrameArrays {
  return {
    arena: new Uint8Array(count * slot),
    at: Uint32Array.from({ length: count }, (_, i) => i * slot),
    len: new Uint32Array(count),
    verdict: new Uint8Array(count),
  };
}

describe('errors', () => {
  it('of a system call carry code, errno and syscall', () => {
    const error = errorOf(() => addon.linkInfo('l2vpnd-none'));
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ code: 'ENODEV', errno: 19, syscall: 'ioctl SIOCGIFINDEX' });
    expect(error.message).toBe('ioctl SIOCGIFINDEX l2vpnd-none: No such device');
  });

  it('of a caller name the argument', () => {
    expect(errorOf(() => addon.linkState(0)).message).toBe('"index" expected an interface\'s index');
    expect(errorOf(() => addon.linkIndex('a-name-that-is-too-long')).message).toContain('"ifname"');
    expect(errorOf(() => addon.linkInfo(5 as never)).message).toBe('"ifname" expected a string');
    expect(errorOf(() => addon.linkInfo('a-name-that-is-too-long')).message).toBe(
      '"ifname" expected a shorter string',
    );
    expect(errorOf(() => addon.linkInfo('a\0b')).message).toContain('without NUL');
    expect(errorOf(() => (addon.waitFor as (...args: unknown[]) => boolean)()).message).toBe(
      'too few arguments',
    );
    expect(errorOf(() => addon.closePort({} as PortHandle)).message).toBe('"port" expected an open handle');
    const ring = addon.openKeyring(1);
    expect(errorOf(() => addon.setKey(ring, 0, 'aes-128-gcm', new Uint8Array(15))).message).toContain(
      '16 octets',
    );
    expect(errorOf(() => addon.setKey(ring, 0, 'aes-256-gcm', new Uint8Array(16))).message).toContain(
      '32 octets',
    );
    expect(() => addon.setKey(ring, 0, 'aes-192-gcm' as never, new Uint8Array(24))).toThrow(RangeError);
    expect(errorOf(() => addon.openKeyring(256)).message).toContain('1 to 255');
  });

  it('a handle of one kind, or a closed one, is no handle of another', () => {
    const port = addon.openSocketPort(0);
    expect(() => addon.clearKey(port as never, 0)).toThrow('"ring" expected an open handle');
    addon.closePort(port);
    expect(() => addon.closePort(port)).toThrow('open handle');
    const ring = addon.openKeyring(1);
    addon.closeKeyring(ring);
    expect(() => addon.clearKey(ring, 0)).toThrow('open handle');
  });
});

describe('waiting and eventfd', () => {
  it('a signalled event is readable until it is cleared', () => {
    const event = addon.openEvent();
    const epoll = addon.openEpoll();
    const ready = new Int32Array(4);
    addon.epollSet(epoll, event, 1);
    expect(addon.epollReady(epoll, ready, 0)).toBe(0);
    expect(addon.waitFor(event, 1, 0)).toBe(false);
    addon.signalEvent(event);
    addon.signalEvent(event);
    expect(addon.epollReady(epoll, ready, -1)).toBe(1);
    expect([...ready]).toEqual([event, 1, 0, 0]);
    expect(addon.waitFor(event, 1, -1)).toBe(true);
    expect(addon.clearEvent(event)).toBe(true);
    expect(addon.clearEvent(event)).toBe(false);
    addon.epollSet(epoll, event, 0);
    addon.signalEvent(event);
    expect(addon.epollReady(epoll, ready, 0)).toBe(0);
    addon.closeFd(event);
    // Taking out what is closed already is no fault.
    addon.epollSet(epoll, event, 0);
    expect(() => addon.epollSet(epoll, event, 1)).toThrow('Bad file descriptor');
    expect(() => addon.epollReady(epoll, new Int32Array(1), 0)).toThrow(RangeError);
    addon.closeFd(epoll);
  });
});

describe('batched reads and writes', () => {
  it('never look outside the arena, whatever at, len, count and room say', () => {
    const port = addon.openSocketPort(-1);
    const status = new Int32Array(1);
    const word = fc.oneof(fc.nat(600), fc.nat(0xffffffff));
    fc.assert(
      fc.property(word, word, word, word, (at, len, count, room) => {
        const frames = framesOf(2);
        frames.at.fill(at);
        frames.len.fill(len);
        const fits = count <= 2 && (count === 0 || at + len <= 512);
        const send = (): number => addon.socketSend(port, frames, 0, count, status);
        if (fits) expect(send()).toBeLessThanOrEqual(count);
        else expect(send).toThrow(RangeError);
        const slotFits = count <= 2 && room <= 512 && (count === 0 || at + room <= 512);
        const receive = (): number => addon.socketReceive(port, frames, count, room, status);
        if (slotFits) expect(receive()).toBe(0);
        else expect(receive).toThrow(RangeError);
      }),
    );
    expect(addon.socketSend(port, { ...framesOf(1), len: Uint32Array.of(1) }, 0, 1, status)).toBe(0);
    expect(status[0]).toBe(9);
  });

  it('a packet goes from one end to the other, dead frames do not, long ones say how long', () => {
    const fds = new Int32Array(2);
    addon.openPair(fds);
    const frames = framesOf(4);
    frames.len.set([3, 4, 5, 256]);
    frames.verdict.set([0, 9, 0, 0]);
    frames.arena.fill(0xa5);
    const status = new Int32Array(1);
    const [near, far] = [addon.openSocketPort(fds[0]!), addon.openSocketPort(fds[1]!)];
    expect(addon.socketSend(near, frames, 0, 4, status)).toBe(4);
    const got = framesOf(4);
    got.verdict.fill(77);
    expect(addon.socketReceive(far, got, 4, 100, status)).toBe(3);
    expect([...got.len]).toEqual([3, 5, 256, 0]);
    expect([...got.verdict]).toEqual([0, 0, 255, 77]);
    expect([...got.arena.subarray(0, 4)]).toEqual([0xa5, 0xa5, 0xa5, 0]);
    expect(got.arena.subarray(512 + 100).every((octet) => octet === 0)).toBe(true);
    expect(addon.socketReceive(far, got, 4, 100, status)).toBe(0);
    expect(status[0]).toBe(0);
    for (const fd of fds) addon.closeFd(fd);
  });

  it('an address that is not of this host, or of another family, is refused by name', () => {
    const opts = { df: true, ttl: 64, tos: 0, hdrIncl: false, sndBuf: 4096, rcvBuf: 4096 };
    expect(errorOf(() => addon.openUdpSocket('192.0.2.1', null, 24755, opts))).toMatchObject({
      code: 'EADDRNOTAVAIL',
      message: 'bind 192.0.2.1: Cannot assign requested address',
    });
    expect(errorOf(() => addon.openUdpSocket('127.0.0.1', '::1', 24755, opts)).code).toBe('EAFNOSUPPORT');
    expect(errorOf(() => addon.openUdpSocket('host', null, 24755, opts)).code).toBe('EINVAL');
    expect(addon.pathMtu('127.0.0.1', '127.0.0.1')).toBeGreaterThan(1500);
  });

  it('the source of the way to an address is what the kernel chooses', () => {
    expect(addon.sourceTo('127.0.0.9')).toBe('127.0.0.1');
    expect(addon.sourceTo('::1')).toBe('::1');
    expect(errorOf(() => addon.sourceTo('host')).code).toBe('EINVAL');
    expect(errorOf(() => addon.sourceTo('ff02::1%nowhere0')).code).toBe('EINVAL');
  });

  it('a route is that of the table, between addresses of one family', () => {
    expect(addon.routeTo('127.0.0.1', '127.0.0.2')).toEqual({ ifindex: 1, mtu: 0, locked: false });
    expect(errorOf(() => addon.routeTo('127.0.0.1', '::1')).code).toBe('EINVAL');
    expect(errorOf(() => addon.routeTo('host', '127.0.0.1')).code).toBe('EINVAL');
  });

  it('ICMP is heard of two families, into memory that is large enough', () => {
    expect(errorOf(() => addon.openIcmpSocket(5)).message).toBe('"family" expected 4 or 6');
    const [into, short] = [new Uint8Array(64), new Uint8Array(4)];
    expect(errorOf(() => addon.receiveIcmp(0, into, short)).message).toBe('"from" expected 16 octets');
    expect(errorOf(() => addon.receiveIcmp(-1, into, new Uint8Array(16))).code).toBe('EBADF');
  });
});

describe('several threads', () => {
  it('load the addon at once, each with keys of its own, while the main thread works too', async () => {
    const code = `
      const { parentPort, workerData } = require('node:worker_threads');
      const addon = require(workerData.file);
      const ring = addon.openKeyring(2);
      addon.setKey(ring, 1, 'aes-128-gcm', new Uint8Array(16).fill(workerData.n));
      const job = { arena: new Uint8Array(2000), at: new Uint32Array(8).fill(10), aadLen: new Uint32Array(8).fill(28),
        textLen: new Uint32Array(8).fill(1400), iv: new Uint8Array(96), slot: new Uint8Array(8).fill(255), ok: new Uint8Array(8) };
      job.slot[0] = 1;
      let right = 0;
      for (let i = 0; i < 500; i++) right += addon.aeadSeal(ring, job, 8, 16) + addon.aeadOpen(ring, job, 8, 16);
      parentPort.postMessage(right);
    `;
    const file = new URL('../../../native/build/Release/l2vpnd.node', import.meta.url).pathname;
    const rounds = [1, 2, 3].map(
      (n) =>
        new Promise<number>((resolve, reject) => {
          const worker = new Worker(code, { eval: true, workerData: { file, n } });
          worker.once('message', resolve);
          worker.once('error', reject);
        }),
    );
    expect(addon.opensslVersion()).toContain('OpenSSL 3');
    expect(await Promise.all(rounds)).toEqual([1000, 1000, 1000]);
  });
});
