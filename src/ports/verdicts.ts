/** What an errno or a truncated read means for a frame. HOT PATH: allocates nothing. */
import { constants } from 'node:os';
import type { Batch } from '../frame/batch.ts';
import { Drop } from '../frame/drop.ts';
import { Icmp } from '../frame/icmp.ts';
import { loadAddon } from '../native/load.ts';

const { VERDICT_MALFORMED, VERDICT_TOO_LONG } = loadAddon().constants;
const { EAGAIN, ENOBUFS, EMSGSIZE, EPERM, EACCES } = constants.errno;
const { ENETUNREACH, EHOSTUNREACH, ENETDOWN, ECONNREFUSED, ENODEV } = constants.errno;
const { EADDRNOTAVAIL, EDESTADDRREQ, ENOPROTOOPT, EPROTO } = constants.errno;
/** Those of Linux that node does not name (`include/uapi/asm-generic/errno.h`). */
const ENONET = 64;
const EHOSTDOWN = 112;

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
    case EDESTADDRREQ:
      return Drop.NoEndpoint;
    case EPERM:
    case EACCES:
      return Drop.WireRefused;
    default:
      return Drop.WireError;
  }
}

/**
 * Which ICMP error left `errno` on a connected socket, by the kernel's `icmp_err_convert` and `icmpv6_err_convert`. Of
 * EHOSTUNREACH only that which is final is told: administratively prohibited.
 */
export function icmpKind(errno: number): Icmp {
  switch (errno) {
    case ENOPROTOOPT:
    case EPROTO:
      return Icmp.NoProtocol;
    case ECONNREFUSED:
      return Icmp.NoPort;
    case EACCES:
    case EHOSTUNREACH:
      return Icmp.Prohibited;
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENONET:
      return Icmp.Unreachable;
    case EMSGSIZE:
      return Icmp.TooBig;
    default:
      return Icmp.Other;
  }
}

/** Turns the addon's own verdicts on the first `count` frames into ours: `drop` where a slot was too short. */
export function markTooLong(batch: Batch, count: number, drop: Drop): void {
  const { verdict } = batch;
  for (let i = 0; i < count; i++) {
    if (verdict[i] === VERDICT_TOO_LONG) verdict[i] = drop;
    else if (verdict[i] === VERDICT_MALFORMED) verdict[i] = Drop.TapMalformed;
  }
}
