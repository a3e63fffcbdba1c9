/** The configuration file as octets: who may touch it, how large it is, whether it is text. */
import { isUtf8 } from 'node:buffer';
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { basename } from 'node:path';
import { errnoName, L2vpnError, messageOf } from '../errors.ts';
import { accessRemedy, foreignAccess, READ_OR_WRITE, WRITE } from './access.ts';

/** Larger than any sensible configuration, small enough to read at once. */
const MAX_CONFIG_LEN = 4 << 20;

export interface ConfigFile {
  /** May hold keys: wipe it. */
  readonly octets: Buffer;
  readonly stat: Stats;
}

/** Throws L2VPN_NOINPUT, L2VPN_PERMISSION, or L2VPN_CONFIG for what is no file of a sensible size. */
export function readConfigFile(path: string): ConfigFile {
  try {
    // O_NONBLOCK: a FIFO of that name must not hang the start.
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = fstatSync(fd);
      if (!stat.isFile()) throw new L2vpnError('L2VPN_CONFIG', `${path} is not a regular file`);
      if (stat.size > MAX_CONFIG_LEN) {
        const text = `${path} has ${stat.size} octets; a configuration has at most ${MAX_CONFIG_LEN}`;
        throw new L2vpnError('L2VPN_CONFIG', text);
      }
      return { octets: readFileSync(fd), stat };
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    throw cause instanceof L2vpnError ? cause : unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): L2vpnError {
  const errno = errnoName(cause);
  if (errno === 'ENOENT' || errno === 'ENOTDIR') {
    const text = `${path} does not exist; name the configuration with --config`;
    return new L2vpnError('L2VPN_NOINPUT', text, { cause });
  }
  if (errno === 'EACCES' || errno === 'EPERM') {
    const text = `${path} cannot be read: permission denied${accessRemedy(path)}`;
    return new L2vpnError('L2VPN_PERMISSION', text, { cause });
  }
  return new L2vpnError('L2VPN_CONFIG', `${path} cannot be read: ${messageOf(cause)}`, { cause });
}

/** Why no key may be in the file itself, or null. */
export function exposureOf(path: string, stat: Stats): string | null {
  const fault = foreignAccess(path, stat, READ_OR_WRITE);
  return fault === null ? null : `${path} holds keys and ${fault}`;
}

/** Throws L2VPN_KEYFILE where others write the file: they would choose the keys. */
export function refuseForeignWriters(path: string, stat: Stats): void {
  const fault = foreignAccess(path, stat, WRITE);
  if (fault === null) return;
  throw new L2vpnError('L2VPN_KEYFILE', `${path} ${fault}; who writes a configuration chooses its keys`);
}

/** The octets as text. Throws L2VPN_CONFIG with the line where they are none. */
export function textOf(octets: Buffer, path: string): string {
  if (isUtf8(octets)) return octets.toString('utf8');
  throw new L2vpnError('L2VPN_CONFIG', `${basename(path)}:${lineOfFault(octets)}: is not UTF-8 text`);
}

function lineOfFault(octets: Buffer): number {
  let line = 1;
  for (let start = 0; ; line++) {
    const end = octets.indexOf(0x0a, start);
    if (end < 0 || !isUtf8(octets.subarray(start, end))) return line;
    start = end + 1;
  }
}
