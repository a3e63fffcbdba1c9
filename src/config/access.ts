/** Who else may touch a file that holds keys or chooses them. */
import type { Stats } from 'node:fs';

/** Anything for group and others; of a key file. */
export const ANY_ACCESS = 0o077;
/** Reading or writing; of a configuration with keys in it. */
export const READ_OR_WRITE = 0o066;
/** Writing; of any configuration: who writes it chooses keys and peers. */
export const WRITE = 0o022;

/**
 * What is wrong with owner and mode of the file that `path` names, with the remedy; null: only root and our own user
 * have any access of `forbidden`. An owner has every access, whatever the mode says.
 */
export function foreignAccess(path: string, { uid, mode }: Stats, forbidden: number): string | null {
  const euid = process.geteuid?.() ?? 0;
  if (uid !== 0 && uid !== euid) return `belongs to user ${uid}; run chown ${euid} ${path}`;
  if ((mode & forbidden) === 0) return null;
  const octal = (mode & 0o777).toString(8).padStart(4, '0');
  const remedy = forbidden === WRITE ? 'go-w' : '600';
  return `has mode ${octal}: others have access; run chmod ${remedy} ${path}`;
}
