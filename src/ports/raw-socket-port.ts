/**
 * A raw GRE socket as a `FramePort` (`man 7 raw`). What it receives begins with the outer header on IPv4 and
 * with the GRE header on IPv6; what it sends begins with the GRE header, or with the outer one on a socket
 * opened with `hdrIncl`.
 */
import { type Batch, HEADROOM } from '../frame/batch.ts';
import { Drop } from '../frame/drop.ts';
import type { Addon, PortHandle } from '../native/addon.ts';
import { boundFrames } from '../native/bound.ts';
import { loadAddon } from '../native/load.ts';
import type { FramePort } from './frame-port.ts';
import { isFull, MAX_SOFT_ERRORS, markTooLong, wireDrop } from './verdicts.ts';

class GreSocketPort implements FramePort {
  readonly fd: number;
  readonly #addon: Addon = loadAddon();
  readonly #port: PortHandle;
  readonly #status = new Int32Array(1);

  constructor(fd: number) {
    this.fd = fd;
    this.#port = this.#addon.openSocketPort(fd);
  }

  prepare(batch: Batch): void {
    boundFrames(this.#addon, batch);
  }

  /** HOT PATH: allocates nothing. */
  receive(batch: Batch, max: number): number {
    const room = batch.slotLen - HEADROOM;
    let count = 0;
    for (let errors = 0; errors <= MAX_SOFT_ERRORS; errors++) {
      count = this.#addon.socketReceive(
        this.#port,
        boundFrames(this.#addon, batch),
        Math.min(max, batch.capacity),
        room,
        this.#status,
      );
      if (count > 0 || this.#status[0] === 0) break;
    }
    markTooLong(batch, count, Drop.Oversized);
    batch.count = count;
    return count;
  }

  /**
   * HOT PATH: allocates nothing. The first error at a frame may be an earlier one's, left by ICMP, and reading
   * it has cleared it: the frame is tried once more before it gets a verdict.
   */
  send(batch: Batch, from: number): number {
    let at = from;
    let retried = -1;
    while (true) {
      at = this.#addon.socketSend(this.#port, boundFrames(this.#addon, batch), at, batch.count, this.#status);
      if (at >= batch.count || isFull(this.#status[0]!)) return at;
      if (retried === at) batch.verdict[at++] = wireDrop(this.#status[0]!);
      else retried = at;
    }
  }

  close(): void {
    this.#addon.closePort(this.#port);
  }
}

/** The port of the raw GRE socket `fd`. Closing the port leaves `fd` to who opened it. */
export function wrapGreSocket(fd: number): FramePort {
  return new GreSocketPort(fd);
}
