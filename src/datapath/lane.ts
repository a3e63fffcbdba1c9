/** A lane: one direction of one queue of one tunnel, run to completion by a worker. */

/** What a lane waits for (`man 2 poll`). */
export const POLLIN = 1;
export const POLLOUT = 4;

export interface Lane {
  /** The descriptor to wait on before the next `run`; −1: none, a wake-up by the main thread. */
  readonly waitFd: number;
  /** POLLIN or POLLOUT. */
  readonly waitEvents: number;
  /** Moves one batch as far as it goes. True: more may wait already. Throws only when a port is gone. HOT PATH. */
  run(): boolean;
  close(): void;
}
