/** Who else may touch a file that holds keys or chooses them. */
import { readFileSync, type Stats } from 'node:fs';

/** Anything for group and others; of a key file. */
export const ANY_ACCESS = 0o077;
/** Reading or writing; of a configuration with keys in it. */
export const READ_OR_WRITE = 0o066;
/** Writing; of any configuration: who writes it chooses keys and peers. */
export const WRITE = 0o022;

/** The group that the service runs as; the package makes it. It may read what belongs to root. */
export const SERVICE_GROUP = 'l2vpnd';
const GROUP_READ = 0o040;
const GROUP_FILE = '/etc/group';

/**
 * What is wrong with owner and mode of the file that `path` names, with the remedy; null: only root, our own user and, of
 * root's files, the service's group to read have any access of `forbidden`. An owner has every access, whatever the mode
 * says.
 */
export function foreignAccess(path: string, { uid, gid, mode }: Stats, forbidden: number): string | null {
  const euid = process.geteuid?.() ?? 0;
  if (uid !== 0 && uid !== euid) return `belongs to user ${uid}; run chown ${euid} ${path}`;
  const allowed = uid === 0 && isServiceGroup(gid) ? GROUP_READ : 0;
  if ((mode & forbidden & ~allowed) === 0) return null;
  const octal = (mode & 0o777).toString(8).padStart(4, '0');
  const remedy = forbidden === WRITE ? 'go-w' : allowed === 0 ? '600' : '640';
  return `has mode ${octal}: others have access; run chmod ${remedy} ${path}`;
}

/** What makes the file at `path` readable for root or the service and for nobody else, after a semicolon; of other users nothing. */
export function accessRemedy(path: string): string {
  if (process.geteuid?.() === 0) return `; it belongs to another user: run chown 0 ${path}`;
  if (process.getegid?.() !== gidOf(SERVICE_GROUP)) return '';
  return `; run chown root:${SERVICE_GROUP} ${path} && chmod 640 ${path}, and let that group into the directory (750)`;
}

/** That of the service, or our own where we are not root, whose group others may be in. */
function isServiceGroup(gid: number): boolean {
  if (process.geteuid?.() !== 0 && gid === process.getegid?.()) return gid !== 0;
  return gid !== 0 && gid === gidOf(SERVICE_GROUP);
}

/** By the host's own file: the package's groups are there. Null where there is no such group. */
function gidOf(group: string): number | null {
  try {
    const found = new RegExp(`^${group}:[^:]*:([0-9]+):`, 'm').exec(readFileSync(GROUP_FILE, 'latin1'));
    return found === null ? null : Number(found[1]);
  } catch {
    return null;
  }
}
