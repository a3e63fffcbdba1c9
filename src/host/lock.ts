/** Locks between processes. */
import { loadAddon } from '../native/load.ts';

/** Takes an exclusive lock on `path` (flock, made 0600 if absent): a descriptor, or −1 where another process holds it. */
export function lockFile(path: string): number {
  return loadAddon().lockFile(path);
}
