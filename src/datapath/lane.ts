/** A lane: one direction of one queue of one tunnel, run to completion by a worker. */
import type { AeadJob } from '../crypto/aead.ts';
import type { Batch } from '../frame/batch.ts';
import type { SecY } from '../macsec/secy.ts';
import type { FramePort } from '../ports/frame-port.ts';

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

/** What a lane lies between. */
export interface LaneEnds {
  readonly tap: FramePort;
  readonly wire: FramePort;
  /** Null: plain GRETAP, in clear. */
  readonly secy: SecY | null;
}

/** Tells both ports and the keyring what they will be given again and again. */
export function prepare(batch: Batch, job: AeadJob, { tap, wire, secy }: LaneEnds): void {
  tap.prepare?.(batch);
  wire.prepare?.(batch);
  secy?.keyring.prepare?.(job);
}
