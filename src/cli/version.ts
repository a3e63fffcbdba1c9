/** The version of this package, from its package.json: the first one above this file. */
import { existsSync, readFileSync } from 'node:fs';

export function packageVersion(): string {
  for (let folder = new URL('../', import.meta.url); ; folder = new URL('../', folder)) {
    const file = new URL('package.json', folder);
    if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')).version;
    if (folder.pathname === '/') return 'unknown';
  }
}
