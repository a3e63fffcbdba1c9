/** State directories that do not survive a reboot, or the end of their container. */
import { L2vpnError } from '../errors.ts';
import type { StateFs } from './disk.ts';

/** `overlay` is what a container's own files lie on: gone with the container, unless a volume is mounted. */
export type VolatileKind = 'tmpfs' | 'ramfs' | 'overlay';

/** `f_type` of `man 2 statfs`. */
const BY_TYPE: ReadonlyMap<number, VolatileKind> = new Map([
  [0x01021994, 'tmpfs'],
  [0x858458f6, 'ramfs'],
  [0x794c7630, 'overlay'],
]);

/** What `dir` lies on, where that forgets; else null. */
export async function volatileKind(fs: StateFs, dir: string): Promise<VolatileKind | null> {
  const { type } = await fs.statfs(dir);
  // Where a C long has 32 bits the type of ramfs comes out negative.
  return BY_TYPE.get(Number(type) >>> 0) ?? null;
}

/** The refusal of static keys whose numbers would be forgotten. */
export function volatileRefusal(dir: string, kind: VolatileKind): L2vpnError {
  const text =
    `stateDir ${dir} lies on ${kind}, which is lost at a ${kind === 'overlay' ? 'new container' : 'reboot'}; ` +
    'with static keys packet numbers would then repeat, which breaks AES-GCM: name a directory on a disk ' +
    '(in a container: on a volume), or set "stateMayBeLost": true if both ends take new keys whenever it is lost';
  return new L2vpnError('L2VPN_CONFIG', text);
}
