/** The files that belong to a tunnel and not to a key. */
import { internal } from './faults.ts';

/** What the configuration lets a tunnel be called; nothing of it leaves the directory. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/;

export function tunnelFileName(tunnel: string, what: 'rotation' | 'endpoint'): string {
  if (!NAME.test(tunnel)) throw internal(`"${tunnel}" is no name of a tunnel`);
  return `tunnel-${tunnel}.${what}.json`;
}
