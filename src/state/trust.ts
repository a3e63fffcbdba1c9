/**
 * May the state directory be believed? Not where somebody else could exchange a file in it: whoever may write it, or a
 * directory on the way to it, could put an old file back, and packet numbers would repeat.
 */
import { dirname, resolve } from 'node:path';
import { L2vpnError, messageOf } from '../errors.ts';
import type { StateFs } from './disk.ts';
import { formatMode, isOurs } from './durable-file.ts';

/** Links within links that are followed; the kernel follows as many. */
const MAX_LINKS = 40;

/**
 * Throws L2VPN_STATE unless `dir` and all above it belong to root or to who we are, and nobody else may write them; a
 * directory like /tmp, which belongs to root and is sticky, may be above. Links are followed, and checked likewise.
 */
export async function requireTrusted(fs: StateFs, dir: string): Promise<void> {
  const path = resolve(dir);
  let links = 0;
  const check = async (at: string): Promise<void> => {
    if (at !== dirname(at)) await check(dirname(at));
    const stat = await fs.lstat(at);
    if (!isOurs(stat.uid)) {
      throw untrusted(path, `${at} belongs to uid ${stat.uid}`, `chown ${process.geteuid!()} ${at}`);
    }
    if (stat.isSymbolicLink()) {
      if (++links > MAX_LINKS) throw untrusted(path, `${at} is one of too many links`, 'name the directory');
      await check(resolve(dirname(at), await fs.readlink(at)));
      return;
    }
    const shared = at !== path && stat.uid === 0 && (stat.mode & 0o1000) !== 0;
    if ((stat.mode & 0o022) !== 0 && !shared) {
      throw untrusted(path, `others may write ${at} (mode ${formatMode(stat.mode)})`, `chmod go-w ${at}`);
    }
  };
  try {
    await check(path);
  } catch (error) {
    if (error instanceof L2vpnError) throw error;
    const text = `stateDir ${path} cannot be looked at: ${messageOf(error)}`;
    throw new L2vpnError('L2VPN_STATE', text, { cause: error });
  }
}

function untrusted(dir: string, what: string, remedy: string): L2vpnError {
  const text = `stateDir ${dir} cannot be trusted: ${what}, so packet numbers in it could be set back; ${remedy}`;
  return new L2vpnError('L2VPN_STATE', text);
}
