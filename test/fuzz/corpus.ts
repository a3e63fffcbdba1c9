/** Inputs that are kept in test/fuzz/corpus, a folder a target, named by what they hold. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.ts';

const folderOf = (target: string): string => join(packageRoot(), 'test', 'fuzz', 'corpus', target);

/** In the order of their names: the same everywhere. */
export function readCorpus(target: string): Buffer[] {
  const folder = folderOf(target);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .map((name) => readFileSync(join(folder, name)));
}

/** Returns the path. */
export function keepInput(target: string, kind: 'reached' | 'finding', input: Buffer): string {
  const folder = folderOf(target);
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${kind}-${createHash('sha256').update(input).digest('hex').slice(0, 12)}`);
  writeFileSync(path, input);
  return path;
}
