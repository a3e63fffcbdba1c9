/** The errors of this room: place, cause, and what to do about it. */
import { errnoName, L2vpnError, messageOf } from '../errors.ts';
import type { PnChannel } from './pn-channel.ts';

const REMEDY: Readonly<Record<string, string>> = {
  ENOSPC: 'free space there',
  EDQUOT: 'raise the quota there',
  EROFS: 'mount the file system writable',
  EIO: 'the disk fails: replace it',
  EMFILE: 'raise the limit of open files (LimitNOFILE)',
  ENFILE: 'the host has too many files open',
  EACCES: 'give the daemon access',
  EPERM: 'give the daemon access',
  ELOOP: 'remove the link that lies there',
};

/** A write that failed; it may be tried again. */
export function notStored(what: string, path: string, cause: unknown): L2vpnError {
  const text = `${what} cannot be stored in ${path}: ${causeAndRemedy(cause)}`;
  return new L2vpnError('L2VPN_STATE', text, { cause });
}

/** The lock file `path` cannot be made or opened. */
export function notLocked(path: string, dir: string, cause: unknown): L2vpnError {
  const text = `stateDir ${dir}: ${path} cannot be locked: ${causeAndRemedy(cause)}`;
  return new L2vpnError('L2VPN_CANTCREATE', text, { cause });
}

/** The state directory cannot be made. */
export function notMade(dir: string, cause: unknown): L2vpnError {
  const remedy =
    errnoName(cause) === 'EROFS' ? ': name a directory on a disk (in a container: mount a volume there)' : '';
  const text = `stateDir ${dir} cannot be made: ${messageOf(cause)}; packet numbers must be stored there${remedy}`;
  return new L2vpnError('L2VPN_CANTCREATE', text, { cause });
}

function causeAndRemedy(cause: unknown): string {
  const remedy = REMEDY[errnoName(cause)];
  return `${messageOf(cause)}${remedy === undefined ? '' : `; ${remedy}`}`;
}

export function notRead(what: string, path: string, cause: unknown): L2vpnError {
  return new L2vpnError('L2VPN_STATE', `${what} in ${path} cannot be read: ${messageOf(cause)}`, { cause });
}

export function internal(text: string): L2vpnError {
  return new L2vpnError('L2VPN_INTERNAL', text);
}

export function corruptTx(path: string): L2vpnError {
  const text =
    `packet numbers in ${path} are corrupt: restore the file, or take a new key at both ends and delete it; ` +
    'starting again would repeat packet numbers';
  return new L2vpnError('L2VPN_STATE', text);
}

export function corruptRx(path: string, floorPn: bigint): L2vpnError {
  const text =
    `receive progress in ${path} is corrupt: restore the file, or delete it; replay protection then starts again at ` +
    `packet number ${floorPn}, so that frames recorded since would be accepted once more`;
  return new L2vpnError('L2VPN_STATE', text);
}

export function olderThanConfig(path: string, stored: bigint, floorPn: bigint): L2vpnError {
  const text =
    `packet numbers in ${path} stand at ${stored}, older than the pn ${floorPn} that the configuration demands; ` +
    'was the directory restored from a backup? Take a new key at both ends, or lower pn if it was raised by mistake';
  return new L2vpnError('L2VPN_STATE', text);
}

export function corruptKeyRecord({ keyId, sci }: PnChannel, path: string): L2vpnError {
  const text =
    `${path}, which says whether key ${keyId} (SCI ${sci}) is retired, is corrupt: take a new key at both ends, ` +
    'or delete the file if the key was not retired';
  return new L2vpnError('L2VPN_STATE', text);
}

/** The key was used, and the numbers are gone; `evidence` is the file that says so. */
export function lostNumbers({ keyId, sci }: PnChannel, path: string, evidence: string): L2vpnError {
  const text =
    `packet numbers of key ${keyId} (SCI ${sci}) were stored in ${path}, which is gone: restore it, or take new keys at ` +
    `both ends; starting again would repeat packet numbers. ${evidence} says that the key was used: delete that file ` +
    'only if the key never sent a frame';
  return new L2vpnError('L2VPN_STATE', text);
}

export function retiredKey({ keyId, sci }: PnChannel, path: string, at: string): L2vpnError {
  const text =
    `key ${keyId} (SCI ${sci}) was retired at ${at} and must not be used again: take a new key at both ends; ` +
    `to allow it all the same, stop l2vpnd and delete ${path}`;
  return new L2vpnError('L2VPN_CONFIG', text);
}

/** Another process sends with this key. `holder`: ` (pid 12, uid 0)`, or nothing. */
export function heldElsewhere({ keyId, sci }: PnChannel, place: string, holder: string): L2vpnError {
  const text = `${place} is in use: another l2vpnd${holder} sends with key ${keyId} and SCI ${sci}; stop it`;
  return new L2vpnError('L2VPN_UNAVAILABLE', text);
}
