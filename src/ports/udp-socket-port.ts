/**
 * A UDP socket as a `FramePort`, for GRE-in-UDP (RFC 8086): trains of datagrams both ways (UDP_SEGMENT, UDP_GRO).
 * A packet begins with its GRE header. The peer's address and port are in an `endpoint`, shared memory that
 * every lane of the tunnel sees; where `gre.remote` is dynamic, the receive lane has it learn the sender of
 * a frame that was authentic.
 */
import type { Batch } from '../frame/batch.ts';
import type { Addon, PortHandle } from '../native/addon.ts';
import { boundFrames } from '../native/bound.ts';
import { loadAddon } from '../native/load.ts';
import type { FramePort } from './frame-port.ts';
import { isFull, MAX_SOFT_ERRORS, wireDrop } from './verdicts.ts';

const { ENDPOINT_LEN, UDP_AREA_LEN, UDP_AREAS_MAX } = loadAddon().constants;

/**
 * A batch to receive into holds this many frames and octets at least: trains land in areas of 64 KiB, and room
 * for 64 frames is kept for each.
 */
export const UDP_BATCH_FRAMES = 256;
export const UDP_BATCH_SLOT_LEN = 4096;

export class UdpSocketPort implements FramePort {
  readonly fd: number;
  readonly #endpoint: Uint8Array;
  readonly #addon: Addon = loadAddon();
  readonly #port: PortHandle;
  readonly #status = new Int32Array(1);

  constructor(fd: number, endpoint: Uint8Array) {
    this.fd = fd;
    this.#endpoint = endpoint;
    this.#port = this.#addon.openUdpPort(fd);
  }

  prepare(batch: Batch): void {
    boundFrames(this.#addon, batch);
  }

  /** HOT PATH: allocates nothing. Ignores the slots of `batch`, whose frames lie in its arena all the same. */
  receive(batch: Batch, max: number): number {
    const areas = Math.min(UDP_AREAS_MAX, Math.floor(batch.arena.length / UDP_AREA_LEN));
    const room = Math.min(max, batch.capacity);
    let count = 0;
    for (let errors = 0; errors <= MAX_SOFT_ERRORS; errors++) {
      count = this.#addon.udpReceive(this.#port, boundFrames(this.#addon, batch), areas, room, this.#status);
      if (count > 0 || this.#status[0] === 0) break;
    }
    batch.count = count;
    return count;
  }

  /** HOT PATH: allocates nothing. As a raw socket's, see there. */
  send(batch: Batch, from: number): number {
    let at = from;
    let retried = -1;
    while (true) {
      at = this.#addon.udpSend(
        this.#port,
        boundFrames(this.#addon, batch),
        at,
        batch.count,
        this.#status,
        this.#endpoint,
      );
      if (at >= batch.count || isFull(this.#status[0]!)) return at;
      if (retried === at) batch.verdict[at++] = wireDrop(this.#status[0]!);
      else retried = at;
    }
  }

  /**
   * Sends to the sender of frame `frame` of the last `receive` from now on; only for a frame whose ICV and PN were
   * accepted. Returns whether that is another than before. HOT PATH: allocates nothing.
   */
  learn(frame: number): boolean {
    return this.#addon.udpLearn(this.#port, frame, this.#endpoint);
  }

  close(): void {
    this.#addon.closePort(this.#port);
  }
}

/** Shared memory for a peer's address: `remote`:`port`, or unknown as yet where `remote` is null. */
export function createEndpoint(remote: string | null, port: number): Uint8Array {
  const endpoint = new Uint8Array(new SharedArrayBuffer(ENDPOINT_LEN));
  if (remote !== null) loadAddon().setEndpoint(endpoint, remote, port);
  return endpoint;
}

/** `192.0.2.1:4754`, or null while the peer is unknown. */
export function endpointText(endpoint: Uint8Array): string | null {
  return loadAddon().endpointText(endpoint);
}

/** The port of the UDP socket `fd`. Closing the port leaves `fd` to who opened it. */
export function wrapUdpSocket(fd: number, endpoint: Uint8Array): UdpSocketPort {
  return new UdpSocketPort(fd, endpoint);
}
