/** The addon's handle of a batch's arrays: they are read once, not at every call. */
import type { Batch } from '../frame/batch.ts';
import type { Addon, BoundFrames } from './addon.ts';

/** HOT PATH: allocates the first time only. */
export function boundFrames(addon: Addon, batch: Batch): BoundFrames {
  batch.bound ??= addon.bindFrames(batch);
  return batch.bound;
}
