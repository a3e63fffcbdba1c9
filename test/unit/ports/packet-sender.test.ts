/** One packet beside the lanes, over the loopback: its DSCP, errors that ICMP left, and where it goes. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { Drop } from '../../../src/frame/drop.ts';
import { closeFds } from '../../../src/host/close.ts';
import { openUdpSocket } from '../../../src/host/socket.ts';
import { createEndpoint, endpointText, moveEndpoint } from '../../../src/ports/endpoint.ts';
import { sendPacket } from '../../../src/ports/packet-sender.ts';

const CS6 = 0xc0;
const PORT = 24_760;
const open: number[] = [];
afterEach(() => closeFds(open.splice(0)));

function udpSocket(local: string, remote: string): number {
  const fd = openUdpSocket({ local, remote, port: PORT, df: true, ttl: 64, tos: 0 }, 'tunnels[0].gre');
  open.push(fd);
  return fd;
}

describe.each([
  ['IPv4', '127.0.0.1', '127.0.0.2', 'udp4'],
  ['IPv6', '::1', '::1', 'udp6'],
] as const)('one packet over %s', (_, local, remote, type) => {
  it('goes to its endpoint, whatever errors earlier ones have left on the socket', async () => {
    const fd = udpSocket(local, remote);
    const receiver = createSocket(type);
    await new Promise<void>((resolve) => receiver.bind(0, remote, resolve));
    const { port } = receiver.address();
    const [nobody, somebody] = [createEndpoint(remote, 9), createEndpoint(remote, port)];
    // Nobody listens there: the error of each waits for the next.
    for (let i = 0; i < 20; i++) {
      const message = once(receiver, 'message');
      sendPacket(fd, Buffer.from('lost'), CS6, nobody);
      expect(sendPacket(fd, Buffer.from(`packet ${i}`), CS6, somebody)).toBe(Drop.None);
      expect(String((await message)[0])).toBe(`packet ${i}`);
    }
    receiver.close();
  });

  it('is not sent while nobody knows where to', () => {
    const fd = udpSocket(local, 'dynamic');
    expect(sendPacket(fd, Buffer.from('x'), CS6, createEndpoint(null, 0))).toBe(Drop.NoEndpoint);
  });

  it('refuses what is no type of service', () => {
    const fd = udpSocket(local, remote);
    expect(() => sendPacket(fd, Buffer.from('x'), 256, createEndpoint(remote, 9))).toThrow(/"tos" expected/);
  });
});

describe('an endpoint', () => {
  it('moves to where another says, and to nowhere from one that says nothing', () => {
    const endpoint = createEndpoint('192.0.2.1', 4754);
    expect(moveEndpoint(endpoint, createEndpoint(null, 0))).toBe(false);
    expect(moveEndpoint(endpoint, createEndpoint('192.0.2.1', 4754))).toBe(false);
    expect(moveEndpoint(endpoint, createEndpoint('2001:db8::1', 41_000))).toBe(true);
    expect(endpointText(endpoint)).toBe('[2001:db8::1]:41000');
  });
});
