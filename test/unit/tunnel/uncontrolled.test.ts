/** A tunnel's Uncontrolled Port whose peer may be anywhere, over the loopback: where its frames go. */
import { createSocket, type Socket } from 'node:dgram';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { UncontrolledPort } from '../../../src/datapath/uncontrolled-port.ts';
import { closeFds } from '../../../src/host/close.ts';
import { openUdpSocket } from '../../../src/host/socket.ts';
import { createEndpoint, endpointText } from '../../../src/ports/endpoint.ts';
import { TunnelUncontrolledPort } from '../../../src/tunnel/uncontrolled.ts';

const EAPOL = 0x888e;
const PORT = 24_770;
const GRE_LEN = 4;

/** Somebody on the network, and what came to him: the last octet of each frame. */
class Somebody {
  readonly got: number[] = [];
  readonly #socket: Socket = createSocket('udp4');

  async open(): Promise<Uint8Array> {
    await new Promise<void>((resolve) => this.#socket.bind(0, '127.0.0.1', resolve));
    this.#socket.on('message', (packet) => this.got.push(packet.at(-1)!));
    return createEndpoint('127.0.0.1', this.#socket.address().port);
  }

  close(): void {
    this.#socket.close();
  }
}

describe('the Uncontrolled Port of a tunnel whose peer may be anywhere', () => {
  const somebodies: Somebody[] = [];
  let endpoint: Uint8Array;
  let fd: number;
  let tunnel: TunnelUncontrolledPort;
  let port: UncontrolledPort;

  beforeEach(() => {
    const settings = { local: '127.0.0.1', remote: 'dynamic', port: PORT, df: true, ttl: 64, tos: 0 };
    fd = openUdpSocket(settings, 'tunnels[0].gre');
    endpoint = createEndpoint(null, 0);
    tunnel = new TunnelUncontrolledPort();
    port = tunnel.use([EAPOL]);
    const spec = { kind: 'gre-udp', gre: { key: null, checksum: false }, endpoint, learns: true } as const;
    tunnel.open({ ...spec, inheritsTos: false, flow: null }, fd);
  });
  afterEach(() => {
    tunnel.close();
    closeFds([fd]);
    for (const one of somebodies.splice(0)) one.close();
  });

  async function somebody(): Promise<[Somebody, Uint8Array]> {
    const one = new Somebody();
    somebodies.push(one);
    return [one, await one.open()];
  }

  const send = (octet: number): void => port.send(new Uint8Array(60 - GRE_LEN).fill(octet));

  /** When everything that was sent before has come. */
  async function arrived(): Promise<void> {
    const before = endpointText(endpoint);
    const [last, at] = await somebody();
    port.peerIsAt(at);
    send(0);
    while (last.got.length === 0) await new Promise((resolve) => setImmediate(resolve));
    if (before !== null) {
      const colon = before.lastIndexOf(':');
      port.peerIsAt(createEndpoint(before.slice(0, colon), Number(before.slice(colon + 1))));
    }
  }

  it('sends one frame to who may be the peer, and stays where it is', async () => {
    const [peer, peerAt] = await somebody();
    const [other, otherAt] = await somebody();
    port.peerIsAt(peerAt);
    port.answerTo(otherAt);
    for (const octet of [1, 2, 3]) send(octet);
    expect(endpointText(endpoint)).toBe(endpointText(peerAt));
    await arrived();
    expect(peer.got).toEqual([1, 2, 3]);
    expect(other.got).toEqual([1]);
  });

  it('sends nothing while nobody is known, but answers', async () => {
    const [other, otherAt] = await somebody();
    send(1);
    port.answerTo(otherAt);
    send(2);
    send(3);
    expect(endpointText(endpoint)).toBeNull();
    await arrived();
    expect(other.got).toEqual([2]);
  });

  it('answers where the peer is with one frame, not two', async () => {
    const [peer, peerAt] = await somebody();
    port.peerIsAt(peerAt);
    port.answerTo(peerAt);
    send(1);
    port.answerTo(Uint8Array.from(peerAt));
    send(2);
    await arrived();
    expect(peer.got).toEqual([1, 2]);
  });

  it('has nobody to answer where the peer is where it is', async () => {
    const [other, otherAt] = await somebody();
    const [, peerAt] = await somebody();
    const elsewhere = new TunnelUncontrolledPort();
    const still = elsewhere.use([EAPOL]);
    const spec = {
      kind: 'gre-udp',
      gre: { key: null, checksum: false },
      endpoint: peerAt,
      learns: false,
      inheritsTos: false,
      flow: null,
    } as const;
    elsewhere.open(spec, fd);
    const where = endpointText(peerAt);
    still.answerTo(otherAt);
    still.peerIsAt(otherAt);
    still.send(new Uint8Array(60));
    expect(endpointText(peerAt)).toBe(where);
    await arrived();
    expect(other.got).toEqual([]);
    elsewhere.close();
  });
});
