/** What a socket has dropped as its buffer was full, as the kernel tells it. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { closeFds } from '../../../src/host/close.ts';
import { txDropped } from '../../../src/host/link-stats.ts';
import { socketDrops } from '../../../src/host/socket.ts';
import { loadAddon } from '../../../src/native/load.ts';

describe('a socket', () => {
  it('tells how many packets its full buffer has cost', async () => {
    const options = { df: false, ttl: 64, tos: 0, hdrIncl: false, sndBuf: 65_536, rcvBuf: 4096 };
    const port = 40_000 + (process.pid % 20_000);
    const fd = loadAddon().openUdpSocket('127.0.0.1', null, port, options);
    const sender = createSocket('udp4');
    try {
      expect(socketDrops(fd)).toBe(0);
      for (let i = 0; i < 50; i++) sender.send(Buffer.alloc(1000), port, '127.0.0.1');
      for (let drops = 0; drops === 0; drops = socketDrops(fd)!) await new Promise(setImmediate);
      expect(socketDrops(fd)).toBeLessThanOrEqual(50);
    } finally {
      closeFds([fd]);
      sender.close();
      await once(sender, 'close');
    }
  });

  it('that is none tells nothing', () => {
    expect(socketDrops(-1)).toBeNull();
  });
});

describe('a link', () => {
  it('tells what it could not send; one that is not there tells nothing', () => {
    expect(txDropped(1)).toBeGreaterThanOrEqual(0);
    expect(txDropped(0x7fff_fff0)).toBeNull();
  });
});
