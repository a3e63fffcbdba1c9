/** Tunnels at one local port, over the loopback: whose socket gets what. */
import { createSocket, type Socket } from 'node:dgram';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type ClaimedName, sciName } from '../../../src/encap/claimed-name.ts';
import { createBatchOf, resetBatch } from '../../../src/frame/batch.ts';
import { closeFds } from '../../../src/host/close.ts';
import type { UdpSettings } from '../../../src/host/socket.ts';
import { createEndpoint, endpointText, moveEndpoint } from '../../../src/ports/endpoint.ts';
import { wrapUdpSocket } from '../../../src/ports/udp-socket-port.ts';
import { PACKETS_PER_LOOK, PACKETS_PER_TUNNEL } from '../../../src/tunnel/door.ts';
import { NameTable } from '../../../src/tunnel/name-table.ts';
import { PortGuest } from '../../../src/tunnel/port-guest.ts';
import { SharedPorts } from '../../../src/tunnel/shared-ports.ts';
import type { AdmittedPacket } from '../../../src/worker/messages.ts';

const PORT = 24_790;
function greOf(local: string): UdpSettings {
  return { local, remote: 'dynamic', port: PORT, ttl: 64, tos: 0, df: true };
}

/** A GRE packet with a SecTAG that has this SCI. */
function packetOf(sci: string, mark = 0): Buffer {
  const frame = `ffffffffffff020000010001 88e5 2c00 00000001 ${sci}`.replaceAll(' ', '');
  return Buffer.concat([Buffer.from(`00006558${frame}`, 'hex'), Buffer.alloc(60, mark)]);
}

const sciOf = (n: number): string => `02000001000${n}0001`;

const socketOf = (host: string): 'udp4' | 'udp6' => (host.includes(':') ? 'udp6' : 'udp4');

/** A peer with a socket of its own. */
class Peer {
  readonly #host: string;
  readonly #socket: Socket;

  constructor(host: string) {
    this.#host = host;
    this.#socket = createSocket(socketOf(host));
  }

  async open(): Promise<this> {
    await new Promise<void>((resolve) => this.#socket.bind(0, this.#host, resolve));
    return this;
  }

  get port(): number {
    return this.#socket.address().port;
  }

  get endpoint(): Uint8Array {
    return createEndpoint(this.#host, this.port);
  }

  async send(packet: Uint8Array): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.send(packet, PORT, this.#host, () => resolve()));
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }
}

describe.each(['127.0.0.1', '::1'])('tunnels at one UDP port of %s', (host) => {
  let ports: SharedPorts;
  let admitted: AdmittedPacket[];
  let said: string[];
  const peers: Peer[] = [];
  const fds: number[] = [];

  beforeEach(() => {
    admitted = [];
    said = [];
    const log = pino({ level: 'warn' }, { write: (line: string) => void said.push(line) });
    ports = new SharedPorts({ log, admit: (packets) => void admitted.push(...packets) });
  });

  afterEach(async () => {
    for (const fd of fds) ports.leave(fd);
    closeFds(fds.splice(0));
    await Promise.all(peers.splice(0).map((peer) => peer.close()));
  });

  async function peer(): Promise<Peer> {
    const one = await new Peer(host).open();
    peers.push(one);
    return one;
  }

  /** Tunnel `n`, whose peer has `sciOf(n)`, and frames for itself given to `delivered`. */
  function tunnel(n: number, delivered: Uint8Array[] = []): PortGuest {
    const fd = ports.open(greOf(host), 'tunnels[0].gre');
    fds.push(fd);
    const endpoint = createEndpoint(null, 0);
    const names: ClaimedName[] = [sciName(sciOf(n))];
    const guest = new PortGuest({
      ...{ tunnel: `t${n}`, fd, greKey: null, endpoint },
      spec: {
        kind: 'gre-udp',
        gre: { key: null, checksum: false },
        endpoint,
        learns: true,
        inheritsTos: false,
        flow: null,
      },
      keys: { mka: null, secy: null },
      uncontrolled: { etherTypes: [0x88b5], deliver: (frame) => void delivered.push(frame) },
    });
    vi.spyOn(guest, 'names', 'get').mockReturnValue(names);
    ports.enter(guest);
    return guest;
  }

  /** The marks of the packets that wait in the socket of a tunnel. */
  function waitingAt({ parts: { fd, endpoint } }: PortGuest): number[] {
    const socket = wrapUdpSocket(fd, endpoint);
    const batch = createBatchOf(socket.receiveLayout);
    resetBatch(batch);
    const count = socket.receive(batch, batch.capacity);
    socket.close();
    return Array.from({ length: count }, (_, i) => batch.arena[batch.at[i]! + batch.len[i]! - 1]!);
  }

  /** As many marks as have come to the socket, when so many have: the loopback too takes a moment. */
  async function received(guest: PortGuest, count = 1): Promise<number[]> {
    const got: number[] = [];
    await vi.waitUntil(() => got.push(...waitingAt(guest)) >= count, { timeout: 5000, interval: 2 });
    return got;
  }

  /** The peer was authentic there. */
  function learned(guest: PortGuest, at: Uint8Array): void {
    moveEndpoint(guest.parts.endpoint, at);
    ports.follow(guest);
  }

  const untilAdmitted = (count: number): Promise<unknown> =>
    vi.waitUntil(() => admitted.length >= count, { timeout: 5000, interval: 5 });

  it('hear their peers alone once those are known, and nobody before; the door hands over what names them', async () => {
    const [one, other] = [tunnel(1), tunnel(2)];
    const [a, b] = [await peer(), await peer()];
    await a.send(packetOf(sciOf(1), 11));
    await b.send(packetOf(sciOf(2), 12));
    await untilAdmitted(2);
    expect(admitted.map(({ tunnel, sender }) => [tunnel, endpointText(sender)])).toEqual([
      ['t1', endpointText(a.endpoint)],
      ['t2', endpointText(b.endpoint)],
    ]);
    expect(Buffer.from(admitted[0]!.packet)).toEqual(packetOf(sciOf(1), 11));
    expect([waitingAt(one), waitingAt(other)]).toEqual([[], []]);

    learned(one, a.endpoint);
    learned(other, b.endpoint);
    await a.send(packetOf(sciOf(1), 21));
    await b.send(packetOf(sciOf(2), 22));
    expect([await received(one), await received(other)]).toEqual([[21], [22]]);
  });

  it('are followed to another address, and what comes from the one before is nobody’s again', async () => {
    const [one] = [tunnel(1), tunnel(2)];
    const [a, b] = [await peer(), await peer()];
    learned(one, a.endpoint);
    learned(one, b.endpoint);
    await b.send(packetOf(sciOf(1), 31));
    await a.send(packetOf(sciOf(1), 32));
    await untilAdmitted(1);
    expect(await received(one)).toEqual([31]);
    expect(admitted[0]!.packet.at(-1)).toBe(32);
  });

  it('give an address up to the tunnel whose peer was authentic there last, and take it back the same way', async () => {
    const [one, other] = [tunnel(1), tunnel(2)];
    const a = await peer();
    learned(one, a.endpoint);
    learned(other, a.endpoint);
    await a.send(packetOf(sciOf(2), 41));
    expect(await received(other)).toEqual([41]);
    expect(waitingAt(one)).toEqual([]);
    learned(one, a.endpoint);
    await a.send(packetOf(sciOf(1), 42));
    expect(await received(one)).toEqual([42]);
    expect(waitingAt(other)).toEqual([]);
  });

  it('hand a frame that names another to that one, and keep their own', () => {
    const own: Uint8Array[] = [];
    const others: Uint8Array[] = [];
    const [one] = [tunnel(1, own), tunnel(2, others)];
    const { fd } = one.parts;
    const sender = createEndpoint('192.0.2.9', 9);
    const came = (octets: Buffer, greKey: number | null) => ({
      ...{ frame: octets, sender, cameLen: octets.length, greKey },
    });
    const frame = (sci: string): Buffer => packetOf(sci, 51).subarray(4);
    expect(ports.stray(fd, came(frame(sciOf(1)), null))).toBe(false);
    expect(ports.stray(fd, came(frame(sciOf(7)), null))).toBe(false);
    expect(ports.stray(fd, came(frame(sciOf(2)), 5))).toBe(false);
    expect(admitted).toEqual([]);
    expect(ports.stray(fd, came(frame(sciOf(2)), null))).toBe(true);
    expect(admitted).toMatchObject([{ tunnel: 't2' }]);
    expect(Buffer.from(admitted[0]!.packet)).toEqual(packetOf(sciOf(2), 51));
    const control = Buffer.from(
      `0180c200000e0200000100028 8b56c32767001010000${sciOf(2)}`.replace(' ', ''),
      'hex',
    );
    expect(ports.stray(fd, came(control, null))).toBe(true);
    expect([own.length, others.length]).toEqual([0, 1]);
  });

  it('ask nobody else about what the own peer sends, and all of them rarely', () => {
    onTestFinished(() => void vi.restoreAllMocks());
    const asked = vi.spyOn(NameTable.prototype, 'refresh');
    const [one] = [tunnel(1), tunnel(2)];
    const came = (sci: string) => {
      const frame = packetOf(sci, 51).subarray(4);
      return { frame, sender: createEndpoint('192.0.2.9', 9), cameLen: frame.length, greKey: null };
    };
    for (let i = 0; i < 100; i++) expect(ports.stray(one.parts.fd, came(sciOf(1)))).toBe(false);
    expect(asked).not.toHaveBeenCalled();
    vi.spyOn(performance, 'now').mockReturnValue(performance.now());
    for (let i = 0; i < 100; i++) expect(ports.stray(one.parts.fd, came(sciOf(2)))).toBe(true);
    expect(asked).toHaveBeenCalledTimes(1);
  });

  it('let one that is alone hear everybody, until another comes', async () => {
    const one = tunnel(1);
    const [a, b] = [await peer(), await peer()];
    learned(one, a.endpoint);
    await b.send(packetOf(sciOf(9), 61));
    expect(await received(one)).toEqual([61]);
    tunnel(2);
    await a.send(packetOf(sciOf(1), 62));
    expect(await received(one)).toEqual([62]);
    await b.send(packetOf(sciOf(1), 63));
    await untilAdmitted(1);
    expect(waitingAt(one)).toEqual([]);
  });

  it('can be bound to by no other program, whoever it is', async () => {
    tunnel(1);
    tunnel(2);
    for (const reuse of [false, true]) {
      const stranger = createSocket({ type: socketOf(host), reuseAddr: reuse });
      const failed = new Promise<Error>((resolve) => stranger.once('error', resolve));
      stranger.bind(PORT, host);
      expect(await failed).toMatchObject({ code: 'EADDRINUSE' });
      stranger.close();
    }
    const others = new SharedPorts({ log: pino({ level: 'silent' }), admit: () => {} });
    expect(() => others.open(greOf(host), 'tunnels[0].gre')).toThrow(
      /tunnels\[0\]\.gre\.port: another program holds it/,
    );
  });

  it('are handed no more than the bound of what strangers send in one name, and another’s gets through', async () => {
    tunnel(1);
    tunnel(2);
    const [stranger, b] = [await peer(), await peer()];
    for (let i = 0; i < 40; i++) await stranger.send(packetOf(sciOf(1), i));
    await b.send(packetOf(sciOf(2), 99));
    await vi.waitUntil(() => admitted.some(({ tunnel }) => tunnel === 't2'), { timeout: 5000, interval: 5 });
    expect(admitted.length).toBeLessThanOrEqual(PACKETS_PER_LOOK);
    const looks = Math.ceil(admitted.filter(({ tunnel }) => tunnel === 't1').length / PACKETS_PER_TUNNEL);
    expect(looks).toBeLessThanOrEqual(5);
  });

  it('say once what came that names none of them', async () => {
    tunnel(1);
    tunnel(2);
    const stranger = await peer();
    await stranger.send(packetOf(sciOf(7)));
    await vi.waitUntil(() => said.length > 0, { timeout: 5000, interval: 5 });
    await stranger.send(packetOf(sciOf(7)));
    const b = await peer();
    await b.send(packetOf(sciOf(1)));
    await untilAdmitted(1);
    expect(said).toHaveLength(1);
    expect(JSON.parse(said[0]!)).toMatchObject({
      datagrams: 1,
      msg: expect.stringContaining(`datagrams from unknown senders name no tunnel of UDP port ${host} 24790`),
    });
  });

  it('go one by one, and the port with the last', async () => {
    const [one, other] = [tunnel(1), tunnel(2)];
    for (const { parts } of [one, other]) {
      ports.leave(parts.fd);
      closeFds([parts.fd]);
    }
    fds.length = 0;
    const next = createSocket(socketOf(host));
    await new Promise<void>((resolve) => next.bind(PORT, host, resolve));
    next.close();
  });
});
