/** `mkdir -p`, step by step: node's own recursive one never returns where a parent like /proc refuses with ENOENT. */
import * as nodeFs from 'node:fs';
import { dirname, resolve } from 'node:path';

/** Makes `path` and what is missing above it, with `mode`; returns what it made, the outermost first. Throws as `mkdirSync` does. */
export function makeDirs(
  path: string,
  mode: number,
  fs: Pick<typeof nodeFs, 'mkdirSync'> = nodeFs,
): string[] {
  const missing: string[] = [];
  for (let dir = resolve(path); !nodeFs.existsSync(dir); dir = dirname(dir)) missing.unshift(dir);
  for (const dir of missing) fs.mkdirSync(dir, { mode });
  // A file in its place: EEXIST, as for any mkdir.
  if (missing.length === 0 && !nodeFs.statSync(path).isDirectory()) fs.mkdirSync(path, { mode });
  return missing;
}
