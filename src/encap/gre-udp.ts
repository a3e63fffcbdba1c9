/**
 * GRE-in-UDP (RFC 8086), what `ip link add … type gretap … encap fou` speaks with `ip fou add port 4754 ipproto 47`.
 *
 *     | outer IPv4 or IPv6 | UDP | GRE | frame |
 *
 * The kernel writes the outer headers, and moves trains of packets. Where `gre.remote` is dynamic, the peer is where the
 * newest authentic frame came from, and several tunnels may share a port (`tunnel/shared-port.ts`). Where `gre.sourcePort` is flow, lanes send by sockets of their own.
 */
import { randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import type { Batch } from '../frame/batch.ts';
import { closeFds } from '../host/close.ts';
import { openUdpSenders, type UdpSenders, type UdpSettings } from '../host/socket.ts';
import { createEndpoint } from '../ports/endpoint.ts';
import { FlowPort, type FlowSenders } from '../ports/flow-port.ts';
import { SharedUdpPort } from '../ports/shared-udp-port.ts';
import { wrapUdpSocket } from '../ports/udp-socket-port.ts';
import type { GreOptions } from '../wire/gre.ts';
import { IPV4_LEN } from '../wire/ipv4.ts';
import { IPV6_LEN } from '../wire/ipv6.ts';
import { UDP_LEN } from '../wire/udp.ts';
import { type GreConfig, ownTos } from './config.ts';
import type {
  Encap,
  EncapHeaders,
  EncapKind,
  HandedSockets,
  OpenUdp,
  PeerAddress,
  Rehearsal,
  Wire,
} from './encap.ts';
import { greHeaderMax, greOptionsOf, greOverhead, pullGre, pushGre, takeUnsummed } from './gre.ts';
import { type GretapSpec, nothing } from './gretap.ts';

/** Source ports of a tunnel that spreads its flows. */
export const FLOW_PORTS = 16;

/** Of the hash of flows: of this process, and told nobody. */
const FLOW_SEED: number = randomBytes(4).readUInt32LE();

/** What a lane is told. Survives a structured clone. */
export interface GreUdpSpec {
  readonly kind: 'gre-udp';
  readonly gre: GreOptions;
  /** Where the peer is, in shared memory (`createEndpoint`). */
  readonly endpoint: Uint8Array;
  /** The receive lane moves the endpoint to where authentic frames come from. */
  readonly learns: boolean;
  /** The type of service of a datagram is that in `batch.tos`, both ways. */
  readonly inheritsTos: boolean;
  /** The sockets that lanes send by; null: the one that they receive by. */
  readonly flow: FlowSenders | null;
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
  open(
    config: GreConfig,
    place: string,
    peer: PeerAddress | null,
    openUdp: OpenUdp,
    handed: HandedSockets | null,
  ) {
    const settings = { ...config, tos: ownTos(config) };
    const fd = openUdp(settings, place);
    const learns = config.remote === 'dynamic';
    const family = peer === null ? 0 : isIP(peer.address);
    const known = learns && family === config.family ? peer : null;
    const endpoint = learns
      ? createEndpoint(known?.address ?? null, known?.port ?? 0)
      : createEndpoint(config.remote, config.port);
    const flow =
      config.sourcePort === 'flow'
        ? { ...(handed?.senders ?? openSenders(settings, place, fd)), seed: FLOW_SEED }
        : null;
    const inheritsTos = config.tos === 'inherit';
    const spec = { kind: 'gre-udp', gre: greOptionsOf(config), endpoint, learns, inheritsTos, flow } as const;
    return { fd, senders: flow?.fds ?? [], spec };
  },
  attach(spec: GreUdpSpec, fd: number, traffic: Float64Array): Wire {
    const { gre, endpoint, learns, inheritsTos, flow } = spec;
    const port = wrapUdpSocket(fd, endpoint, traffic, inheritsTos);
    const encap = new GreUdp(gre);
    if (learns) return sharedWire(new SharedUdpPort(port, endpoint), encap);
    return {
      port: flow === null ? port : new FlowPort(port, endpoint, flow.fds, inheritsTos),
      encap,
      learn: null,
      senderOf: (frame, into) => port.senderOf(frame, into),
      shared: null,
    };
  },
  // The outer header is the kernel's.
  beside: ({ gre }: GreUdpSpec) => new GreUdp(gre),
  rehearsal(): Rehearsal<GreUdpSpec, GretapSpec> {
    const gre = { key: null, checksum: false };
    const nobody: GreUdpSpec = {
      kind: 'gre-udp',
      gre,
      endpoint: createEndpoint(null, 0),
      learns: false,
      inheritsTos: false,
      flow: null,
    };
    // What it sends is what a UDP socket would deliver, were there one between.
    const sends: GretapSpec = { kind: 'gretap', family: 6, gre, header: null, inheritsTos: false };
    return { sends, receives: nobody, alsoSends: [nobody], outer: Buffer.alloc(0) };
  },
};

/** Of a peer that may be anywhere, and whose datagrams may come to another socket of the port. */
function sharedWire(shared: SharedUdpPort, encap: Encap): Wire {
  return {
    port: shared,
    encap,
    learn: (frame) => shared.learn(frame),
    senderOf: (frame, into) => shared.senderOf(frame, into),
    shared,
  };
}

/** The sockets beside `fd`, which is closed where they cannot be opened. */
function openSenders(settings: UdpSettings, place: string, fd: number): UdpSenders {
  try {
    return openUdpSenders(settings, FLOW_PORTS, place);
  } catch (error) {
    closeFds([fd]);
    throw error;
  }
}
