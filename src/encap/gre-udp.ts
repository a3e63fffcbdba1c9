/**
 * GRE-in-UDP (RFC 8086), what `ip link add … type gretap … encap fou` speaks with `ip fou add port 4754 ipproto 47`.
 *
 *     | outer IPv4 or IPv6 | UDP | GRE | frame |
 *
 * The kernel writes the outer headers, and moves trains of packets. Where `gre.remote` is dynamic, the peer is where the
 * newest authentic frame came from, and several tunnels may share a port (`tunnel/shared-port.ts`).
 */
import { isIP } from 'node:net';
import type { Batch } from '../frame/batch.ts';
import { createEndpoint } from '../ports/endpoint.ts';
import { SharedUdpPort } from '../ports/shared-udp-port.ts';
import { wrapUdpSocket } from '../ports/udp-socket-port.ts';
import type { GreOptions } from '../wire/gre.ts';
import { IPV4_LEN } from '../wire/ipv4.ts';
import { IPV6_LEN } from '../wire/ipv6.ts';
import { UDP_LEN } from '../wire/udp.ts';
import type { GreConfig } from './config.ts';
import type { Encap, EncapHeaders, EncapKind, OpenUdp, PeerAddress, Rehearsal, Wire } from './encap.ts';
import { greHeaderMax, greOptionsOf, greOverhead, pullGre, pushGre, takeUnsummed } from './gre.ts';
import { type GretapSpec, nothing } from './gretap.ts';

/** What a lane is told. Survives a structured clone. */
export interface GreUdpSpec {
  readonly kind: 'gre-udp';
  readonly gre: GreOptions;
  /** Where the peer is, in shared memory (`createEndpoint`). */
  readonly endpoint: Uint8Array;
  /** The receive lane moves the endpoint to where authentic frames come from. */
  readonly learns: boolean;
}

class GreUdp implements Encap {
  readonly #gre: GreOptions;

  constructor(gre: GreOptions) {
    this.#gre = gre;
  }

  push(batch: Batch): void {
    pushGre(batch, this.#gre);
  }

  pull(batch: Batch, verified: boolean): number {
    pullGre(batch, this.#gre);
    return this.#gre.checksum && verified ? takeUnsummed(batch, nothing) : 0;
  }
}

export const greUdp: EncapKind<GreUdpSpec, GretapSpec> = {
  overhead: (config: EncapHeaders) => [
    config.family === 4 ? { name: 'IPv4', octets: IPV4_LEN } : { name: 'IPv6', octets: IPV6_LEN },
    { name: 'UDP', octets: UDP_LEN },
    ...greOverhead(config),
  ],
  // The kernel takes IP and UDP headers off.
  headersMax: (config: EncapHeaders) => greHeaderMax(config),
  open(config: GreConfig, place: string, peer: PeerAddress | null, openUdp: OpenUdp) {
    const fd = openUdp(config, place);
    const learns = config.remote === 'dynamic';
    const family = peer === null ? 0 : isIP(peer.address);
    const known = learns && family === config.family ? peer : null;
    const endpoint = learns
      ? createEndpoint(known?.address ?? null, known?.port ?? 0)
      : createEndpoint(config.remote, config.port);
    return { fd, spec: { kind: 'gre-udp', gre: greOptionsOf(config), endpoint, learns } };
  },
  attach({ gre, endpoint, learns }: GreUdpSpec, fd: number, traffic: Float64Array): Wire {
    const socket = wrapUdpSocket(fd, endpoint, traffic);
    const encap = new GreUdp(gre);
    if (!learns) {
      return {
        port: socket,
        encap,
        learn: null,
        senderOf: (frame, into) => socket.senderOf(frame, into),
        shared: null,
      };
    }
    const shared = new SharedUdpPort(socket, endpoint);
    return {
      port: shared,
      encap,
      learn: (frame) => shared.learn(frame),
      senderOf: (frame, into) => shared.senderOf(frame, into),
      shared,
    };
  },
  // The outer header is the kernel's.
  beside: ({ gre }: GreUdpSpec) => new GreUdp(gre),
  rehearsal(): Rehearsal<GreUdpSpec, GretapSpec> {
    const gre = { key: null, checksum: false };
    const nobody: GreUdpSpec = { kind: 'gre-udp', gre, endpoint: createEndpoint(null, 0), learns: false };
    // What it sends is what a UDP socket would deliver, were there one between.
    const sends: GretapSpec = { kind: 'gretap', family: 6, gre, header: null };
    return { sends, receives: nobody, alsoSends: [nobody], outer: Buffer.alloc(0) };
  },
};
