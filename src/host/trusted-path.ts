/**
 * Who else could exchange what lies in a directory: whoever may write it, or a directory on the way to it. What packet
 * numbers and commands go by must not lie where a stranger could put something in its place.
 */
import type * as fsPromises from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** The calls that are needed. */
export type PathFs = Pick<typeof fsPromises, 'lstat' | 'readlink'>;

/** Why a directory cannot be trusted: a part of a sentence, and what to do. */
export interface Distrust {
  readonly what: string;
  readonly remedy: string;
}

/** Links within links that are followed; the kernel follows as many. */
const MAX_LINKS = 40;

/**
 * Null where `dir` and all above it belong to root or to who we are, and nobody else may write them; a directory like
 * /tmp, which belongs to root and is sticky, may be above. Links are followed, and checked likewise. Rejects as node:fs.
 * `trusted`: whose directories may lie on the way.
 */
export async function distrustOf(
  dir: string,
  fs: PathFs,
  trusted: (uid: number) => boolean = isOurs,
): Promise<Distrust | null> {
  const path = resolve(dir);
  let links = 0;
  const check = async (at: string): Promise<Distrust | null> => {
    const above = at === dirname(at) ? null : await check(dirname(at));
    if (above !== null) return above;
    const stat = await fs.lstat(at);
    if (!trusted(stat.uid)) {
      return { what: `${at} belongs to uid ${stat.uid}`, remedy: `chown ${process.geteuid!()} ${at}` };
    }
    if (stat.isSymbolicLink()) {
      if (++links > MAX_LINKS)
        return { what: `${at} is one of too many links`, remedy: 'name the directory' };
      return check(resolve(dirname(at), await fs.readlink(at)));
    }
    const shared = at !== path && stat.uid === 0 && (stat.mode & 0o1000) !== 0;
    if ((stat.mode & 0o022) === 0 || shared) return null;
    return { what: `others may write ${at} (mode ${formatMode(stat.mode)})`, remedy: `chmod go-w ${at}` };
  };
  return check(path);
}

/** Root, or who this process acts as. */
export function isOurs(uid: number): boolean {
  return uid === 0 || uid === process.geteuid!();
}

export function formatMode(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}
