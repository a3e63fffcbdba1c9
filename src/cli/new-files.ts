/** Files that are made and never overwritten, all of a set or none: keys, and configurations that name them. */
import { closeSync, fchmodSync, fsyncSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoName, L2vpnError, messageOf } from '../errors.ts';

export interface NewFile {
  readonly path: string;
  readonly octets: Buffer;
}

/** For the owner alone, whatever the umask. */
const MODE = 0o600;
/** In a directory that hands its group on, such as the package's /etc/l2vpnd (2750 root:l2vpnd): that group reads. */
const GROUP_MODE = 0o640;
const SETGID = 0o2000;

/**
 * Makes all `files`, on disk when it returns. Throws L2VPN_CANTCREATE (73) or L2VPN_PERMISSION (77), with those removed
 * that it had made.
 */
export function writeNewFiles(files: readonly NewFile[]): void {
  const made: string[] = [];
  for (const { path, octets } of files) {
    try {
      const fd = openSync(path, 'wx', MODE);
      made.push(path);
      writeAll(fd, octets, modeIn(dirname(path)));
    } catch (cause) {
      for (const other of made) rmSync(other, { force: true });
      throw cannotMake(path, cause);
    }
  }
}

function modeIn(dir: string): number {
  const { mode, uid } = statSync(dir);
  return uid === 0 && (mode & SETGID) !== 0 ? GROUP_MODE : MODE;
}

function writeAll(fd: number, octets: Buffer, mode: number): void {
  try {
    fchmodSync(fd, mode);
    for (let at = 0; at < octets.length; ) at += writeSync(fd, octets, at);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function cannotMake(path: string, cause: unknown): L2vpnError {
  const errno = errnoName(cause);
  if (errno === 'EEXIST') {
    const text = `${path} is there already, and may be a key in use: it is not overwritten; take another name or remove it`;
    return new L2vpnError('L2VPN_CANTCREATE', text, { cause });
  }
  if (errno === 'ENOENT' || errno === 'ENOTDIR')
    return new L2vpnError('L2VPN_CANTCREATE', `${path} cannot be made: its directory does not exist`, {
      cause,
    });
  if (errno === 'EACCES' || errno === 'EPERM')
    return new L2vpnError('L2VPN_PERMISSION', `${path} cannot be made: permission denied`, { cause });
  return new L2vpnError('L2VPN_CANTCREATE', `${path} cannot be made: ${messageOf(cause)}`, { cause });
}
