/**
 * The addon's handles of arrays that stay the same for many calls: a batch's, an AEAD job's. The addon reads them once,
 * not at every call; the handle lives as long as the object whose arrays it has read. One table per thread.
 */
import type { Addon, AeadJobArrays, BoundFrames, BoundJob, FrameArrays } from './addon.ts';

const frameHandles = new WeakMap<FrameArrays, BoundFrames>();
const jobHandles = new WeakMap<AeadJobArrays, BoundJob>();

/** The handle of `frames`; made at the first call. */
export function boundFrames(addon: Addon, frames: FrameArrays): BoundFrames {
  let handle = frameHandles.get(frames);
  if (handle === undefined) {
    handle = addon.bindFrames(frames);
    frameHandles.set(frames, handle);
  }
  return handle;
}

/** The handle of `job`; made at the first call. */
export function boundJob(addon: Addon, job: AeadJobArrays): BoundJob {
  let handle = jobHandles.get(job);
  if (handle === undefined) {
    handle = addon.bindJob(job);
    jobHandles.set(job, handle);
  }
  return handle;
}
