/** One packet by a socket that lanes send by too, with a DSCP of its own. */
import { Drop } from '../frame/drop.ts';
import { loadAddon } from '../native/load.ts';
import { isFull, wireDrop } from './verdicts.ts';

/** Errors of earlier packets that ICMP may have left on the socket, at most so many of which one send takes off. */
const MAX_SOFT_ERRORS = 2;

/**
 * Sends `packet` by the socket `fd` with the type of service `tos`, to `endpoint`, or where the socket is connected to.
 * Returns why it was not sent, `Drop.None` when it was. What finds the queue full is not sent later. Never throws for what
 * the network does.
 */
export function sendPacket(fd: number, packet: Uint8Array, tos: number, endpoint: Uint8Array | null): Drop {
  const addon = loadAddon();
  let errno = 0;
  for (let tries = 0; tries <= MAX_SOFT_ERRORS; tries++) {
    errno = addon.sendPacket(fd, packet, tos, endpoint);
    if (errno === 0) return Drop.None;
    if (isFull(errno)) return Drop.WireError;
  }
  return wireDrop(errno);
}
