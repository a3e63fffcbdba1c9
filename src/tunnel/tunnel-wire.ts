/** The socket of a tunnel, and what hangs on it: where the peer is, its place at a UDP port, its Uncontrolled Port. */
import type { GreConfig } from '../encap/config.ts';
import type { HandedSockets, OpenedWire, OpenUdp, PeerAddress } from '../encap/encap.ts';
import { type EncapSpec, endpointOf, flowSendersOf, openWire } from '../encap/kinds.ts';
import { closeFds } from '../host/close.ts';
import type { FdSink, FdSource } from '../host/descriptors.ts';
import { socketDrops } from '../host/socket.ts';
import { endpointAddress } from '../ports/endpoint.ts';
import { PortSeat, type Seated } from './port-seat.ts';
import type { SharedPorts } from './shared-ports.ts';

/** What goes over to another process; descriptors are places among those that go over. */
export interface HandedWire {
  readonly fd: number;
  readonly senders: readonly number[];
  /** What `senders` are bound to. */
  readonly ports: readonly number[];
  readonly peer: PeerAddress | null;
}

/** The sockets themselves, which are ours from now on. */
export function socketsOf({ fd, senders, ports }: HandedWire, source: FdSource): HandedSockets {
  return { fd: source.take(fd), senders: { fds: senders.map((one) => source.take(one)), ports } };
}

export class TunnelWire {
  readonly spec: EncapSpec;
  readonly fd: number;
  readonly #gre: GreConfig;
  readonly #tunnel: Seated;
  readonly #opened: OpenedWire<EncapSpec>;
  /** Null: it is no socket over UDP. */
  readonly #seat: PortSeat | null;

  /**
   * Opens it. `place`: where the configuration names it (`tunnels[0].gre`); `peer`: where a peer that may move is; `ports`: those
   * that it shares with other tunnels; `handed`: it is open already. Throws L2vpnError.
   */
  constructor(
    tunnel: Seated,
    gre: GreConfig,
    place: string,
    peer: PeerAddress | null,
    ports: SharedPorts,
    handed: HandedSockets | null = null,
  ) {
    this.#tunnel = tunnel;
    this.#gre = gre;
    this.#opened =
      handed === null ? openAt(gre, place, peer, ports) : goOnAt(gre, place, peer, ports, handed);
    this.spec = this.#opened.spec;
    this.fd = this.#opened.fd;
    this.#seat = gre.encap === 'udp' ? new PortSeat(tunnel, gre, this.#opened, ports) : null;
    tunnel.uncontrolled?.open(this.spec, this.fd);
    this.#seat?.enter();
  }

  /** Where packets go, in shared memory; null where the socket knows. */
  get endpoint(): Uint8Array | null {
    return endpointOf(this.spec);
  }

  /** Packets that its socket has dropped; null: the kernel does not say. */
  get socketDrops(): number | null {
    return socketDrops(this.fd);
  }

  /** Where its packets go; null: nobody knows yet. */
  get peer(): PeerAddress | null {
    const { endpoint } = this;
    if (endpoint !== null) return endpointAddress(endpoint);
    const { remote, port } = this.#gre;
    return remote === 'dynamic' ? null : { address: remote, port };
  }

  /** What data leaves by, where `gre.sourcePort` is flow; else none. */
  get sourcePorts(): readonly number[] {
    return flowSendersOf(this.spec)?.ports ?? [];
  }

  /** For the receive lane: frames that name another tunnel of the port. */
  get strays(): SharedArrayBuffer | null {
    return this.#seat?.strays.ring ?? null;
  }

  /** For another process. */
  handOn(sink: FdSink): HandedWire {
    const { fd, senders } = this.#opened;
    return {
      fd: sink.add(fd),
      senders: senders.map((one) => sink.add(one)),
      ports: this.sourcePorts,
      peer: this.peer,
    };
  }

  /** The receive lane has learned the peer at another place. */
  peerMoved(): void {
    this.#seat?.follow();
  }

  /** Frames that name another tunnel of the port wait in the ring of the receive lane. */
  straysTold(): void {
    this.#seat?.strays.told();
  }

  /** After the lanes have gone. */
  close(): void {
    this.#tunnel.uncontrolled?.close();
    this.#seat?.close();
    closeFds([this.fd, ...this.#opened.senders]);
  }
}

function goOnAt(
  gre: GreConfig,
  place: string,
  peer: PeerAddress | null,
  ports: SharedPorts,
  handed: HandedSockets,
): OpenedWire<EncapSpec> {
  const openUdp: OpenUdp = (settings) => {
    ports.adopt(settings, handed.fd);
    return handed.fd;
  };
  return openWire(gre, place, peer, openUdp, handed);
}

function openAt(
  gre: GreConfig,
  place: string,
  peer: PeerAddress | null,
  ports: SharedPorts,
): OpenedWire<EncapSpec> {
  let fd: number | null = null;
  const openUdp: OpenUdp = (settings, at) => {
    fd = ports.open(settings, at);
    return fd;
  };
  try {
    return openWire(gre, place, peer, openUdp);
  } catch (error) {
    if (fd !== null) ports.leave(fd);
    throw error;
  }
}
