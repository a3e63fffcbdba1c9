/** epoll(7) over the descriptors of a worker's lanes, and the eventfd that wakes it (`man 2 eventfd`). */
import type { Addon } from '../native/addon.ts';
import { loadAddon } from '../native/load.ts';

/** Descriptors that one `wait` tells of, at most; what else is ready comes with the next. */
const READY = 64;

export class Poller {
  readonly #addon: Addon = loadAddon();
  readonly #epoll: number = this.#addon.openEpoll();
  readonly #ready = new Int32Array(2 * READY);

  /** What to wait for at `fd`, from now on; 0: nothing. A descriptor has to be taken out before it is closed. */
  set(fd: number, events: number): void {
    this.#addon.epollSet(this.#epoll, fd, events);
  }

  /** Waits, at most `timeoutMs` (−1: for ever). Returns how many are ready. HOT PATH: allocates nothing. */
  wait(timeoutMs: number): number {
    return this.#addon.epollReady(this.#epoll, this.#ready, timeoutMs);
  }

  /** The descriptor that is the `i`-th ready one. HOT PATH. */
  fdAt(i: number): number {
    return this.#ready[2 * i]!;
  }

  /** What it is ready for, errors included. HOT PATH. */
  eventsAt(i: number): number {
    return this.#ready[2 * i + 1]!;
  }

  close(): void {
    this.#addon.closeFd(this.#epoll);
  }
}

/** Waits for `events` at one descriptor, at most `timeoutMs`; whether they came. */
export function waitFor(fd: number, events: number, timeoutMs: number): boolean {
  return loadAddon().waitFor(fd, events, timeoutMs);
}
