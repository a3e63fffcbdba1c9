/** Room for packet numbers. */
import { messageOf } from '../../errors.ts';
import { type HostCheck, isRoot } from '../context.ts';
import { finder, ok, skipped } from '../finding.ts';
import { nearestDir } from '../nearest-dir.ts';

const CASES = {
  full: {
    level: 'fault',
    says: 'there is no room where stateDir {dir} lies ({left} left)',
    cause: 'packet numbers cannot be stored: when those at hand are used, nothing is sent any more',
    remedy: 'make room (df -h {dir}; df -i {dir})',
  },
  low: {
    level: 'warning',
    says: 'there is little room where stateDir {dir} lies ({left} left)',
    cause: 'a full disk would keep packet numbers from being stored',
    remedy: 'make room (df -h {dir}; df -i {dir})',
  },
  unwritable: {
    level: 'fault',
    says: 'stateDir {dir} cannot be written ({errno})',
    cause: 'its file system is read-only, or its mode keeps the daemon out',
    remedy: 'mount it read-write (mount -o remount,rw), or name another stateDir; ReadWritePaths= in a unit',
  },
} as const;
const found = finder(CASES);

/** A file of state has some hundred octets; a file system needs blocks for it. */
const FULL_OCTETS = 64 << 10;
const LOW_OCTETS = 16 << 20;
const FULL_FILES = 8;
const LOW_FILES = 256;

export const disk: HostCheck = {
  name: 'disk',
  about: 'room on the file system of stateDir, and whether it can be written',
  cases: CASES,
  async look(context) {
    const { host, config } = context;
    if (config === null) return [];
    const dir = await nearestDir(host, config.stateDir);
    const errno = await host.writeFault(dir);
    if (errno !== '' && !isRoot(context)) return [skipped(`whether ${dir} can be written: needs root`)];
    if (errno !== '') return [found('unwritable', { dir, errno })];
    try {
      const { octets, files } = await host.roomOn(dir);
      const left = `${sized(octets)}, ${files === Number.POSITIVE_INFINITY ? 'any number of' : files} files`;
      if (octets < FULL_OCTETS || files < FULL_FILES) return [found('full', { dir, left })];
      if (octets < LOW_OCTETS || files < LOW_FILES) return [found('low', { dir, left })];
      return [ok(`${sized(octets)} free at ${dir}`)];
    } catch (error) {
      return [skipped(`room at ${dir}: ${messageOf(error)}`)];
    }
  },
};

function sized(octets: number): string {
  if (octets >= 1 << 30) return `${Math.floor(octets / (1 << 30))} GiB`;
  return octets >= 1 << 20 ? `${Math.floor(octets / (1 << 20))} MiB` : `${Math.floor(octets / 1024)} KiB`;
}
