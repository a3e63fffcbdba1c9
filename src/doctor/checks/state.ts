/** The directory that packet numbers are stored in. */
import type { Config } from '../../config/types.ts';
import { messageOf } from '../../errors.ts';
import type { HostCheck } from '../context.ts';
import { finder, ok, skipped } from '../finding.ts';
import { nearestDir } from '../nearest-dir.ts';

const CASES = {
  forgets: {
    level: 'fault',
    says: 'stateDir {dir} lies on {kind}',
    cause:
      'it is lost at a reboot, or with the container, and packet numbers of static keys would repeat: the daemon refuses to start',
    remedy:
      'name a directory on a disk or a volume; "stateMayBeLost": true only if both ends take new keys whenever it is lost; or macsec.mka',
  },
  untrusted: {
    level: 'fault',
    says: 'stateDir cannot be trusted: {what}',
    cause: 'who may write there could set packet numbers back: the daemon refuses to start',
    remedy: '{remedy}',
  },
} as const;
const found = finder(CASES);

export const state: HostCheck = {
  name: 'state',
  about: 'stateDir: on a disk, and writable by nobody else',
  cases: CASES,
  async look({ host, config, daemonUid }) {
    if (config === null) return [];
    const dir = await nearestDir(host, config.stateDir);
    try {
      const distrust = await host.distrustOf(dir, daemonUid);
      if (distrust !== null) return [found('untrusted', distrust)];
    } catch (error) {
      return [skipped(`stateDir ${config.stateDir} cannot be looked at: ${messageOf(error)}`)];
    }
    const kind = await host.volatileKind(dir);
    if (kind !== null && needsMemory(config)) return [found('forgets', { dir, kind })];
    const where = kind === null ? 'on storage that survives' : `on ${kind}, which these keys can do with`;
    return [ok(`${config.stateDir}, ${where}`)];
  },
};

/** Static keys whose packet numbers must outlive the process. */
function needsMemory({ stateMayBeLost, tunnels }: Config): boolean {
  return !stateMayBeLost && tunnels.some(({ macsec, mka }) => macsec !== null && mka === null);
}
