/**
 * Answers to frames that a transmit lane has dropped: a reply that goes back into the TAP, as a router would send one
 * ("too big"). Off the fast path, and bounded: whoever floods the lane with frames to be dropped gets a few replies a
 * second and no more.
 */
import { type Batch, resetBatch } from '../frame/batch.ts';
import type { Drop } from '../frame/drop.ts';
import type { FramePort } from '../ports/frame-port.ts';
import type { Shelf } from './workspace.ts';

/** May turn a frame that was dropped for `reason` into a reply. */
export interface DropAnswer {
  readonly reason: Drop;
  /** Writes the reply to frame `i` of `batch` behind the frames of `reply`, and counts it there; false: there is none. */
  answer(batch: Batch, i: number, reply: Batch): boolean;
}

/** Replies that one lane sends per second, at most, and how many of them at once. */
const PER_SECOND = 100;
const BURST = 32;

export class Answers {
  readonly #answers: readonly DropAnswer[];
  readonly #shelf: Shelf;
  readonly #nowMs: () => number;
  #tokens = BURST;
  #filledMs: number;

  /** `shelf` has batches with room for a reply; `nowMs` is monotonic. */
  constructor(answers: readonly DropAnswer[], shelf: Shelf, nowMs: () => number = () => performance.now()) {
    this.#answers = answers;
    this.#shelf = shelf;
    this.#nowMs = nowMs;
    this.#filledMs = nowMs();
  }

  /** Replies to what was dropped in `batch`, into `tap`; what the TAP does not take is lost, as on any link. */
  to(batch: Batch, tap: FramePort): void {
    this.#fill();
    if (this.#tokens < 1) return;
    const workspace = this.#shelf.take();
    const reply = workspace.batch;
    resetBatch(reply);
    for (let i = 0; i < batch.count && this.#tokens >= 1 && reply.count < reply.capacity; i++) {
      if (batch.verdict[i] !== 0 && this.#answer(batch, i, reply)) this.#tokens--;
    }
    if (reply.count > 0) tap.send(reply, 0);
    this.#shelf.giveBack(workspace);
  }

  #answer(batch: Batch, i: number, reply: Batch): boolean {
    for (const one of this.#answers) {
      if (one.reason === batch.verdict[i] && one.answer(batch, i, reply)) return true;
    }
    return false;
  }

  #fill(): void {
    const now = this.#nowMs();
    this.#tokens = Math.min(BURST, this.#tokens + ((now - this.#filledMs) * PER_SECOND) / 1000);
    this.#filledMs = now;
  }
}
