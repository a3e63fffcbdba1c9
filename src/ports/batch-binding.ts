/** What a port remembers of the addon's handles: a lane gives it the same batch again and again. */
import type { Batch } from '../frame/batch.ts';
import type { Addon, BoundFrames } from '../native/addon.ts';
import { boundFrames } from '../native/bound.ts';

export class BatchBinding {
  readonly #addon: Addon;
  #batch: Batch | null = null;
  #handle: BoundFrames | null = null;

  constructor(addon: Addon) {
    this.#addon = addon;
  }

  /** The addon's handle of `batch`. HOT PATH: a comparison, unless the batch is another than the last. */
  of(batch: Batch): BoundFrames {
    if (batch !== this.#batch) {
      this.#handle = boundFrames(this.#addon, batch);
      this.#batch = batch;
    }
    return this.#handle!;
  }
}
