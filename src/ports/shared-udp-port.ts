/**
 * The receiving end of a tunnel whose peer may be anywhere. Beside what its socket hears it takes datagrams that came to
 * another socket of the same local port, before anybody knew whose they are; the lane judges them like all others.
 */
import type { Batch, BatchLayout } from '../frame/batch.ts';
import { AREA_LEN } from '../frame/batch.ts';
import { moveEndpoint } from './endpoint.ts';
import type { FramePort } from './frame-port.ts';
import type { UdpSocketPort } from './udp-socket-port.ts';

/** Datagrams that wait at most: whoever sends more before he is known has to send again. */
const MAX_ADMITTED = 16;

interface Admitted {
  readonly packet: Uint8Array;
  /** An endpoint's octets. */
  readonly sender: Uint8Array;
}

export class SharedUdpPort implements FramePort {
  readonly fd: number;
  readonly receiveLayout: BatchLayout;
  /** The peer was learned where the main thread may not know it to be: its owner tells it, and clears this. */
  moved = false;
  readonly #socket: UdpSocketPort;
  readonly #endpoint: Uint8Array;
  readonly #waiting: Admitted[] = [];
  /** Of the frames of the last `receive`, where they were admitted. */
  readonly #senders: Uint8Array[] = [];

  constructor(socket: UdpSocketPort, endpoint: Uint8Array) {
    this.fd = socket.fd;
    this.receiveLayout = socket.receiveLayout;
    this.#socket = socket;
    this.#endpoint = endpoint;
  }

  /** The next `receive` brings it. */
  admit(packet: Uint8Array, sender: Uint8Array): void {
    if (this.#waiting.length < MAX_ADMITTED && packet.length <= AREA_LEN)
      this.#waiting.push({ packet, sender });
  }

  /** HOT PATH: allocates nothing, unless something was admitted. */
  receive(batch: Batch, max: number): number {
    if (this.#waiting.length > 0) return this.#receiveAdmitted(batch, max);
    if (this.#senders.length > 0) this.#senders.length = 0;
    return this.#socket.receive(batch, max);
  }

  /** HOT PATH. */
  send(batch: Batch, from: number): number {
    return this.#socket.send(batch, from);
  }

  /** As `UdpSocketPort.learn`. HOT PATH: allocates nothing. */
  learn(frame: number): void {
    const admitted = this.#senders[frame];
    if (admitted === undefined) {
      if (this.#socket.learn(frame)) this.moved = true;
      return;
    }
    moveEndpoint(this.#endpoint, admitted);
    // Even where it was there already: its datagrams did not come to this socket.
    this.moved = true;
  }

  /** As `UdpSocketPort.senderOf`. HOT PATH: allocates nothing. */
  senderOf(frame: number, into: Uint8Array): void {
    const admitted = this.#senders[frame];
    if (admitted === undefined) this.#socket.senderOf(frame, into);
    else into.set(admitted);
  }

  close(): void {
    this.#socket.close();
  }

  #receiveAdmitted(batch: Batch, max: number): number {
    const count = Math.min(this.#waiting.length, max, batch.areas);
    this.#senders.length = 0;
    for (const [i, { packet, sender }] of this.#waiting.splice(0, count).entries()) {
      batch.at[i] = i * AREA_LEN;
      batch.len[i] = packet.length;
      batch.verdict[i] = 0;
      batch.tos[i] = 0;
      batch.arena.set(packet, i * AREA_LEN);
      this.#senders.push(sender);
    }
    batch.count = count;
    return count;
  }
}
