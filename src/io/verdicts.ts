/** What an errno or a truncated read means for a frame. HOT PATH: allocates nothing. */
import { constants } from 'node:os';
import type { Batch } from '../datapath/batch.ts';
import { Drop } from '../datapath/drop.ts';

const { EAGAIN, ENOBUFS, EMSGSIZE, EPERM, EACCES } = constants.errno;
const { ENETUNREACH, EHOSTUNREACH, ENETDOWN, ECONNREFUSED, ENODEV } = constants.errno;
const { EADDRNOTAVAIL } = constants.errno;

/** The verdict that the addon gives to a frame that did not fit its slot. */
const TOO_LONG = 255;

/** The queue behind the descriptor is full: the frames wait, poll says when to go on. */
export function isFull(errno: number): boolean {
  return errno === EAGAIN || errno === ENOBUFS;
}

/** Why the wire did not take a frame. */
export function wireDrop(errno: number): Drop {
  switch (errno) {
    case EMSGSIZE:
      return Drop.WireTooLong;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case ENODEV:
    case EADDRNOTAVAIL:
    case ECONNREFUSED:
      return Drop.WireUnreachable;
    case EPERM:
    case EACCES:
      return Drop.WireRefused;
    default:
      return Drop.WireError;
  }
}

/** Turns the addon's "too long" among the first `count` frames into `drop`. */
export function markTooLong(batch: Batch, count: number, drop: Drop): void {
  const { verdict } = batch;
  for (let i = 0; i < count; i++) if (verdict[i] === TOO_LONG) verdict[i] = drop;
}
