/** One fsync for all who wait for one: what was done before it began is on disk when it ends, whoever did it. */
import type { Disk, StateFs } from './disk.ts';

export class SharedSync {
  readonly #disk: Disk;
  readonly #sync: (fs: StateFs) => Promise<void>;
  /** The one that has not begun. */
  #next: Promise<void> | null = null;

  constructor(disk: Disk, sync: (fs: StateFs) => Promise<void>) {
    this.#disk = disk;
    this.#sync = sync;
  }

  /** Resolves when what was done before the call is on disk. Rejects as the fsync does, for all who waited for it. */
  run(): Promise<void> {
    this.#next ??= this.#begin();
    return this.#next;
  }

  async #begin(): Promise<void> {
    // A turn may come at once, and `#next` is set only when this function has returned.
    await Promise.resolve();
    await this.#disk.run((fs) => {
      this.#next = null;
      return this.#sync(fs);
    });
  }
}
