/**
 * Sending over a socket that may hold an error which ICMP left there for an earlier packet: reading it clears it, so a
 * frame that meets one is tried once more before it gets a verdict. Raw and UDP sockets alike. What is read so is counted
 * by its kind (`frame/icmp.ts`).
 */
import type { Batch } from '../frame/batch.ts';
import { countIcmp } from '../frame/lane-counters.ts';
import { icmpKind, isFull, wireDrop } from './verdicts.ts';

/** Each receive takes at most so many errors off a socket. */
export const MAX_SOFT_ERRORS = 8;

/** One sendmmsg: sends [at, count), returns the index of the first frame not sent; `status[0]` is the errno that stopped it. */
export interface BatchSender {
  readonly status: Int32Array;
  /** Of its lane: where ICMP errors are counted. */
  readonly traffic: Float64Array;
  sendFrom(batch: Batch, at: number): number;
}

/** As `FramePort.send`. HOT PATH: allocates nothing. */
export function sendWithRetry(sender: BatchSender, batch: Batch, from: number): number {
  const { status } = sender;
  let at = from;
  let retried = -1;
  let errno = 0;
  while (true) {
    at = sender.sendFrom(batch, at);
    const isStuck = at < batch.count && !isFull(status[0]!);
    const isSame = isStuck && retried === at;
    // It went with the second try: an error of an earlier packet.
    if (retried >= 0 && !isSame) countIcmp(sender.traffic, icmpKind(errno));
    if (!isStuck) return at;
    if (isSame) {
      batch.verdict[at++] = wireDrop(status[0]!);
      retried = -1;
    } else {
      retried = at;
      errno = status[0]!;
    }
  }
}

/** One recvmmsg: up to `max` frames; `status[0]` is an error that it took off the socket, 0 without one. */
export interface BatchReceiver {
  readonly status: Int32Array;
  readonly traffic: Float64Array;
  receiveSome(batch: Batch, max: number): number;
}

/** Receives past the errors that wait on the socket. HOT PATH: allocates nothing. */
export function receivePastErrors(receiver: BatchReceiver, batch: Batch, max: number): number {
  let count = 0;
  for (let errors = 0; errors <= MAX_SOFT_ERRORS; errors++) {
    count = receiver.receiveSome(batch, max);
    const errno = receiver.status[0]!;
    if (errno !== 0) countIcmp(receiver.traffic, icmpKind(errno));
    if (count > 0 || errno === 0) break;
  }
  return count;
}
