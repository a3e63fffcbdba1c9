/** Being called when a descriptor can be read, on a thread that has an event loop: the main one. */
import type { Addon, ReadableHandle } from '../native/addon.ts';
import { loadAddon } from '../native/load.ts';

export class Readable {
  readonly #addon: Addon = loadAddon();
  readonly #handle: ReadableHandle;

  /** `fd` stays its owner's, who closes it after this. */
  constructor(fd: number, readable: () => void) {
    this.#handle = this.#addon.openReadable(fd, readable);
  }

  /** Has `readable` called once, when the descriptor can be read, which may be so already. */
  arm(): void {
    this.#addon.armReadable(this.#handle);
  }

  close(): void {
    this.#addon.closeReadable(this.#handle);
  }
}
