/**
 * A raw IP socket as a `FramePort` (`man 7 raw`). What it receives begins with the outer header on IPv4 and with what
 * follows it on IPv6; what it sends begins with what follows the outer header, or with that on a socket opened with
 * `hdrIncl`.
 */
import type { Batch } from '../frame/batch.ts';
import { Drop } from '../frame/drop.ts';
import { untoldTraffic } from '../frame/lane-counters.ts';
import type { Addon, PortHandle } from '../native/addon.ts';
import { loadAddon } from '../native/load.ts';
import { BatchBinding } from './batch-binding.ts';
import type { FramePort } from './frame-port.ts';
import { receivePastErrors, sendWithRetry } from './soft-errors.ts';
import { markTooLong } from './verdicts.ts';

class RawSocketPort implements FramePort {
  readonly fd: number;
  readonly status: Int32Array = new Int32Array(1);
  readonly traffic: Float64Array;
  readonly #addon: Addon = loadAddon();
  readonly #bound: BatchBinding = new BatchBinding(this.#addon);
  readonly #port: PortHandle;

  constructor(fd: number, traffic: Float64Array, carriesTos: boolean) {
    this.fd = fd;
    this.traffic = traffic;
    this.#port = this.#addon.openSocketPort(fd);
    if (carriesTos) this.#addon.carryTos(this.#port);
  }

  /** HOT PATH: allocates nothing. */
  receive(batch: Batch, max: number): number {
    const count = receivePastErrors(this, batch, Math.min(max, batch.capacity));
    markTooLong(batch, count, Drop.Oversized);
    batch.count = count;
    return count;
  }

  receiveSome(batch: Batch, max: number): number {
    return this.#addon.socketReceive(this.#port, this.#bound.of(batch), max, batch.room, this.status);
  }

  /** HOT PATH: allocates nothing. */
  send(batch: Batch, from: number): number {
    return sendWithRetry(this, batch, from);
  }

  sendFrom(batch: Batch, at: number): number {
    return this.#addon.socketSend(this.#port, this.#bound.of(batch), at, batch.count, this.status);
  }

  close(): void {
    this.#addon.closePort(this.#port);
  }
}

/**
 * The port of the raw socket `fd`; `traffic`: of its lane. `carriesTos`: each frame has the type of service of its packet in
 * `batch.tos`, both ways, where the kernel writes and takes off the outer header.
 */
export function wrapRawSocket(
  fd: number,
  traffic: Float64Array = untoldTraffic(),
  carriesTos = false,
): FramePort {
  return new RawSocketPort(fd, traffic, carriesTos);
}
