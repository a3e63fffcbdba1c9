/** poll(2) over the descriptors of a worker's lanes, and the eventfd that wakes it (`man 2 eventfd`). */
import type { Addon } from '../native/addon.ts';
import { loadAddon } from '../native/load.ts';

export class Poller {
  readonly #addon: Addon = loadAddon();
  readonly #fds: Int32Array;
  readonly #events: Int16Array;
  readonly #revents: Int16Array;

  /** Room for `capacity` descriptors. */
  constructor(capacity: number) {
    this.#fds = new Int32Array(capacity).fill(-1);
    this.#events = new Int16Array(capacity);
    this.#revents = new Int16Array(capacity);
  }

  /** What place `i` waits for; a negative `fd` is passed over. HOT PATH. */
  set(i: number, fd: number, events: number): void {
    this.#fds[i] = fd;
    this.#events[i] = events;
  }

  /** Waits; −1 for ever. Returns how many are ready. HOT PATH: allocates nothing. */
  wait(timeoutMs: number): number {
    return this.#addon.poll(this.#fds, this.#events, this.#revents, this.#fds.length, timeoutMs);
  }

  /** What place `i` is ready for, errors included; 0: nothing. HOT PATH. */
  ready(i: number): number {
    return this.#revents[i]!;
  }
}

/** Opens an eventfd. */
export function openEvent(): number {
  return loadAddon().openEvent();
}

export function signalEvent(fd: number): void {
  loadAddon().signalEvent(fd);
}

export function clearEvent(fd: number): void {
  loadAddon().clearEvent(fd);
}
