/**
 * One queue of a TAP device as a `FramePort`. The main thread opens the descriptor (`open-tap.ts`); the worker
 * that runs the lane wraps it.
 */
import type { Batch } from '../frame/batch.ts';
import { Drop } from '../frame/drop.ts';
import type { Addon, PortHandle } from '../native/addon.ts';
import { loadAddon } from '../native/load.ts';
import { BatchBinding } from './batch-binding.ts';
import type { FramePort } from './frame-port.ts';
import { negotiateOffloads } from './tap-offloads.ts';
import { markTooLong } from './verdicts.ts';

export interface TapOptions {
  /** Super-frames both ways; default true. */
  readonly offloads?: boolean;
  /** The TAP's MTU where frames come in clear, from a kernel that may have joined them; else 0. */
  readonly clearMtu?: number;
}

class TapPort implements FramePort {
  readonly fd: number;
  readonly #addon: Addon = loadAddon();
  readonly #bound: BatchBinding = new BatchBinding(this.#addon);
  readonly #port: PortHandle;
  readonly #status = new Int32Array(1);

  constructor(fd: number, { offloads = true, clearMtu = 0 }: TapOptions) {
    this.fd = fd;
    const join = offloads ? negotiateOffloads(this.#addon, fd) : 0;
    this.#port = this.#addon.openTapPort(fd, join, clearMtu);
  }

  /**
   * HOT PATH: allocates nothing. Returns less than `max` only when nothing more waits; else there may be frames
   * of a super-frame that `poll` does not know of. Throws (EBADFD) when the interface was deleted under us.
   */
  receive(batch: Batch, max: number): number {
    const most = Math.min(max, batch.capacity);
    const count = this.#addon.tapRead(this.#port, this.#bound.of(batch), most, batch.room);
    markTooLong(batch, count, Drop.OutPktsTooLong);
    batch.count = count;
    return count;
  }

  /** HOT PATH: allocates nothing. What the TAP refuses (EIO: the interface is down) is dropped, not kept. */
  send(batch: Batch, from: number): number {
    this.#addon.tapWrite(this.#port, this.#bound.of(batch), from, batch.count, this.#status, Drop.TapError);
    return batch.count;
  }

  rest(): void {
    this.#addon.restTapPort(this.#port);
  }

  close(): void {
    this.#addon.closePort(this.#port);
  }
}

/**
 * The port of the TAP queue `fd`. Closing the port leaves `fd` to who opened it (both lanes of a tunnel share
 * it); the interface goes with its last descriptor.
 */
export function wrapTap(fd: number, options: TapOptions = {}): FramePort {
  return new TapPort(fd, options);
}
