/**
 * The calls to the disk that this room makes, all of them off the main thread, and how many may run at once.
 *
 * A file system that is frozen or whose fsync takes seconds holds each call on it for that long, and each holds one of
 * libuv's four threads, which DNS and every other file share. So at most two run at a time here: with both held for
 * ever, two are left for the rest of the process.
 */
import * as fsPromises from 'node:fs/promises';

/** The calls of node:fs/promises that this room makes; tests hand in ones that fail. */
export type StateFs = Pick<
  typeof fsPromises,
  'open' | 'rename' | 'unlink' | 'mkdir' | 'lstat' | 'stat' | 'readlink' | 'statfs'
>;

const MAX_AT_ONCE = 2;

export class Disk {
  readonly fs: StateFs;
  #free = MAX_AT_ONCE;
  readonly #waiting: (() => void)[] = [];

  constructor(fs: StateFs = fsPromises) {
    this.fs = fs;
  }

  /** Runs `task` when its turn has come, first come first served. A task must not call `run` itself. */
  async run<T>(task: (fs: StateFs) => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await task(this.fs);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
