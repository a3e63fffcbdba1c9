/**
 * One queue of a TAP device as a `FramePort`. The main thread opens the descriptor (`open-tap.ts`); the worker
 * that runs the lane wraps it.
 */
import { type Batch, HEADROOM, TAILROOM } from '../datapath/batch.ts';
import { Drop } from '../datapath/drop.ts';
import type { Addon, PortHandle } from '../native/addon.ts';
import { loadAddon } from '../native/load.ts';
import type { FramePort } from './frame-port.ts';
import { isFull, markTooLong } from './verdicts.ts';

class TapPort implements FramePort {
  readonly fd: number;
  readonly #addon: Addon = loadAddon();
  readonly #port: PortHandle;
  readonly #status = new Int32Array(1);

  constructor(fd: number) {
    this.fd = fd;
    this.#port = this.#addon.openTapPort(fd);
  }

  /** HOT PATH: allocates nothing. Throws (EBADFD) when the interface was deleted under us. */
  receive(batch: Batch, max: number): number {
    const room = batch.slotLen - HEADROOM - TAILROOM;
    const count = this.#addon.tapRead(this.#port, batch, Math.min(max, batch.capacity), room);
    markTooLong(batch, count, Drop.OutPktsTooLong);
    batch.count = count;
    return count;
  }

  /** HOT PATH: allocates nothing. What the TAP refuses (EIO: the interface is down) is dropped, not kept. */
  send(batch: Batch, from: number): number {
    let at = from;
    while (true) {
      at = this.#addon.tapWrite(this.#port, batch, at, batch.count, this.#status);
      if (at >= batch.count || isFull(this.#status[0]!)) return at;
      batch.verdict[at++] = Drop.TapError;
    }
  }

  close(): void {
    this.#addon.closePort(this.#port);
  }
}

/**
 * The port of the TAP queue `fd`. Closing the port leaves `fd` to who opened it (both lanes of a tunnel share
 * it); the interface goes with its last descriptor.
 */
export function wrapTap(fd: number): FramePort {
  return new TapPort(fd);
}
