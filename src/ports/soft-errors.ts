/**
 * Sending over a socket that may hold an error which ICMP left there for an earlier packet: reading it clears it, so a
 * frame that meets one is tried once more before it gets a verdict. Raw and UDP sockets alike.
 */
import type { Batch } from '../frame/batch.ts';
import { isFull, wireDrop } from './verdicts.ts';

/** Each receive takes at most so many errors off a socket. */
export const MAX_SOFT_ERRORS = 8;

/** One sendmmsg: sends [at, count), returns the index of the first frame not sent; `status[0]` is the errno that stopped it. */
export interface BatchSender {
  readonly status: Int32Array;
  sendFrom(batch: Batch, at: number): number;
}

/** As `FramePort.send`. HOT PATH: allocates nothing. */
export function sendWithRetry(sender: BatchSender, batch: Batch, from: number): number {
  const { status } = sender;
  let at = from;
  let retried = -1;
  while (true) {
    at = sender.sendFrom(batch, at);
    if (at >= batch.count || isFull(status[0]!)) return at;
    if (retried === at) batch.verdict[at++] = wireDrop(status[0]!);
    else retried = at;
  }
}

/** One recvmmsg: up to `max` frames; `status[0]` is an error that it took off the socket, 0 without one. */
export interface BatchReceiver {
  readonly status: Int32Array;
  receiveSome(batch: Batch, max: number): number;
}

/** Receives past the errors that wait on the socket. HOT PATH: allocates nothing. */
export function receivePastErrors(receiver: BatchReceiver, batch: Batch, max: number): number {
  let count = 0;
  for (let errors = 0; errors <= MAX_SOFT_ERRORS; errors++) {
    count = receiver.receiveSome(batch, max);
    if (count > 0 || receiver.status[0] === 0) break;
  }
  return count;
}
