/**
 * What lies between a frame and the socket. An encapsulation is two functions over a batch in the worker, and for the
 * main thread a description: its headers, for the MTU; its socket; what a worker has to know.
 */
import type { Batch } from '../frame/batch.ts';
import type { UdpSenders, UdpSettings } from '../host/socket.ts';
import type { FramePort } from '../ports/frame-port.ts';
import type { SharedUdpPort } from '../ports/shared-udp-port.ts';
import type { GreConfig } from './config.ts';

/** Puts headers before frames, and takes them off packets. Belongs to one lane. */
export interface Encap {
  /** Puts the headers before each living frame. HOT PATH: allocates nothing. */
  push(batch: Batch): void;
  /**
   * Takes them off each living packet, or gives it a verdict. `verified`: whatever is delivered has a right ICV, so that a
   * GRE checksum which was left to an offload may be absent. Returns how many packets were taken for that. HOT PATH:
   * allocates nothing, trusts nothing.
   */
  pull(batch: Batch, verified: boolean): number;
}

/** One header, and what it takes of the path's MTU. */
export interface OverheadPart {
  readonly name: string;
  readonly octets: number;
}

/** The far end of a lane, as a worker has it. */
export interface Wire {
  readonly port: FramePort;
  readonly encap: Encap;
  /**
   * The peer may move: packets go to where frame `frame` of the last `receive` came from. For authentic frames only.
   * Null: the peer is where it is.
   */
  readonly learn: ((frame: number) => void) | null;
  /** Writes where frame `frame` of the last `receive` came from, as an endpoint's octets; null where `learn` is. */
  readonly senderOf: ((frame: number, into: Uint8Array) => void) | null;
  /** `port`, where datagrams of the peer may come to another socket too; null: they do not. */
  readonly shared: SharedUdpPort | null;
}

/** The socket that a tunnel sends and receives by, and what its lanes are told of it. */
export interface OpenedWire<Spec> {
  readonly fd: number;
  /** Further sockets, which lanes send by only; whoever opened them closes them with the first. */
  readonly senders: readonly number[];
  readonly spec: Spec;
}

/** Sockets of a tunnel that another process has opened, with the same settings. */
export interface HandedSockets {
  readonly fd: number;
  readonly senders: UdpSenders;
}

/** What the warm-up of a worker needs to run lanes of a kind over socket pairs. */
export interface Rehearsal<Spec, Sends = Spec> {
  /** Of a transmit lane whose packets a receive lane of `receives` understands, without a kernel between. */
  readonly sends: Sends;
  readonly receives: Spec;
  /** Of transmit lanes that send to nobody. */
  readonly alsoSends: readonly Spec[];
  /** What comes before GRE in a packet that the receive lane gets. */
  readonly outer: Uint8Array;
}

/** Opens a UDP socket as `openUdpSocket` of `host/socket.ts` does, or one that shares its port with others. */
export type OpenUdp = (settings: UdpSettings, place: string) => number;

/** Where a peer is. */
export interface PeerAddress {
  /** IPv4 or IPv6. */
  readonly address: string;
  readonly port: number;
}

/** One kind of encapsulation; `encap/kinds.ts` lists them. */
export interface EncapKind<Spec, Sends = Spec> {
  /** The headers that it puts around an inner Ethernet header, outermost first. */
  overhead(config: EncapHeaders): readonly OverheadPart[];
  /** The most that a peer may put before a frame, options and all. */
  headersMax(config: EncapHeaders): number;
  /**
   * Opens the socket; `place` is where the configuration names it (`tunnels[0].gre`); `peer`: where a dynamic peer was
   * last; `handed`: it is open already. Throws L2vpnError.
   */
  open(
    config: GreConfig,
    place: string,
    peer: PeerAddress | null,
    openUdp: OpenUdp,
    handed: HandedSockets | null,
  ): OpenedWire<Spec>;
  /** The worker's side; `fd` stays its owner's. `traffic`: of its lane, where ICMP errors are counted. */
  attach(spec: Spec, fd: number, traffic: Float64Array): Wire;
  /** Headers for packets that are sent beside the lanes; what of the outer header is ours has the type of service `tos`. */
  beside(spec: Spec, tos: number): Encap;
  rehearsal(): Rehearsal<Spec, Sends>;
}

/** The part of the configuration that headers depend on. */
export type EncapHeaders = Pick<GreConfig, 'family' | 'encap' | 'key' | 'checksum'>;
