/**
 * A UDP socket as a `FramePort`: trains of datagrams both ways (UDP_SEGMENT, UDP_GRO). It sends to an `endpoint`, and can
 * make the sender of a frame that it has received just now the peer.
 */
import type { Batch, BatchLayout } from '../frame/batch.ts';
import { untoldTraffic } from '../frame/lane-counters.ts';
import type { Addon, PortHandle } from '../native/addon.ts';
import { loadAddon } from '../native/load.ts';
import { BatchBinding } from './batch-binding.ts';
import type { FramePort } from './frame-port.ts';
import { receivePastErrors, sendWithRetry } from './soft-errors.ts';

/** Trains land in areas, one each; for 64 frames of each the batch keeps room. */
const RECEIVE_LAYOUT: BatchLayout = { kind: 'areas', frames: 256, areas: 16 };

export class UdpSocketPort implements FramePort {
  readonly fd: number;
  readonly receiveLayout: BatchLayout = RECEIVE_LAYOUT;
  readonly status: Int32Array = new Int32Array(1);
  readonly traffic: Float64Array;
  readonly #endpoint: Uint8Array;
  readonly #addon: Addon = loadAddon();
  readonly #bound: BatchBinding = new BatchBinding(this.#addon);
  readonly #port: PortHandle;

  constructor(fd: number, endpoint: Uint8Array, traffic: Float64Array, carriesTos: boolean) {
    this.fd = fd;
    this.traffic = traffic;
    this.#endpoint = endpoint;
    this.#port = this.#addon.openUdpPort(fd);
    if (carriesTos) this.#addon.carryTos(this.#port);
  }

  /** HOT PATH: allocates nothing. */
  receive(batch: Batch, max: number): number {
    const count = receivePastErrors(this, batch, Math.min(max, batch.capacity));
    batch.count = count;
    return count;
  }

  receiveSome(batch: Batch, max: number): number {
    return this.#addon.udpReceive(this.#port, this.#bound.of(batch), batch.areas, max, this.status);
  }

  /** HOT PATH: allocates nothing. */
  send(batch: Batch, from: number): number {
    return sendWithRetry(this, batch, from);
  }

  sendFrom(batch: Batch, at: number): number {
    const { status } = this;
    return this.#addon.udpSend(this.#port, this.#bound.of(batch), at, batch.count, status, this.#endpoint);
  }

  /**
   * Sends to the sender of frame `frame` of the last `receive` from now on; only for a frame whose ICV and PN were
   * accepted. Returns whether that is another than before. HOT PATH: allocates nothing.
   */
  learn(frame: number): boolean {
    return this.#addon.udpLearn(this.#port, frame, this.#endpoint);
  }

  /** Writes where frame `frame` of the last `receive` came from into `into`, an endpoint's octets. HOT PATH: allocates nothing. */
  senderOf(frame: number, into: Uint8Array): void {
    this.#addon.udpLearn(this.#port, frame, into);
  }

  close(): void {
    this.#addon.closePort(this.#port);
  }
}

/**
 * The port of the UDP socket `fd`, whose peer is where `endpoint` says; `traffic`: of its lane. `carriesTos`: each frame has
 * the type of service of its datagram in `batch.tos`, both ways.
 */
export function wrapUdpSocket(
  fd: number,
  endpoint: Uint8Array,
  traffic: Float64Array = untoldTraffic(),
  carriesTos = false,
): UdpSocketPort {
  return new UdpSocketPort(fd, endpoint, traffic, carriesTos);
}
