/** The seam at both edges of a lane: a place that frames come from and go to, a batch at a time. */
import type { Batch } from '../frame/batch.ts';

export interface FramePort {
  /** The descriptor to poll, or −1 where there is none (memory ports). */
  readonly fd: number;
  /** What is done once a batch, not at every call: a lane calls it for its own. Any other batch works too. */
  prepare?(batch: Batch): void;
  /** Fills the empty `batch` with up to `max` frames that wait; returns how many. 0: nothing waits. HOT PATH. */
  receive(batch: Batch, max: number): number;
  /**
   * Sends the living frames of [from, batch.count); gives those that can never be sent a verdict. Returns the
   * index of the first frame that must wait, `batch.count` when none does. HOT PATH.
   */
  send(batch: Batch, from: number): number;
  close(): void;
}
