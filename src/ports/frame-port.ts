/**
 * The seam at both edges of a lane: a place that frames come from and go to, a batch at a time.
 *
 * A port belongs to one thread. It keeps no frame: what `receive` has put into a batch is the caller's, and what
 * `send` was given is the caller's again when it returns. Closing a port leaves its descriptor to who opened it.
 */
import type { Batch, BatchLayout } from '../frame/batch.ts';

export interface FramePort {
  /** The descriptor to wait on, or −1 where there is none (memory ports). */
  readonly fd: number;
  /** How the batches lie that `receive` fills; absent: in slots, of whatever size. `send` takes any. */
  readonly receiveLayout?: BatchLayout;
  /** Fills the empty `batch` with up to `max` frames that wait; returns how many. 0: nothing waits. HOT PATH. */
  receive(batch: Batch, max: number): number;
  /**
   * Sends the living frames of [from, batch.count); gives those that can never be sent a verdict. Returns the
   * index of the first frame that must wait, `batch.count` when none does. HOT PATH.
   */
  send(batch: Batch, from: number): number;
  /** What waits stays where it is from now on: `receive` gives what the port itself holds. Absent: it holds nothing. */
  rest?(): void;
  close(): void;
}
