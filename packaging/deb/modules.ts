/** The dependencies that run, as package-lock.json names them: npm fetches them anew and checks their hashes. */
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { must } from '../../lab/run.ts';
import { packageRoot } from '../../src/package-root.ts';

/** A `node_modules` without development's; no script of any package has run. The same lock file is fetched for once. */
export async function fetchModules(): Promise<string> {
  const lock = readFileSync(join(packageRoot(), 'package-lock.json'));
  const digest = createHash('sha256').update(lock).digest('hex').slice(0, 16);
  const folder = join(packageRoot(), 'out', `modules-${digest}`);
  if (!existsSync(folder)) {
    const part = `${folder}.part`;
    rmSync(part, { recursive: true, force: true });
    mkdirSync(part, { recursive: true });
    for (const file of ['package.json', 'package-lock.json'])
      cpSync(join(packageRoot(), file), join(part, file));
    const install = [
      'npm',
      'ci',
      '--silent',
      '--prefer-offline',
      '--omit=dev',
      '--omit=optional',
      '--ignore-scripts',
    ];
    await must(install, { cwd: part, timeoutMs: 300_000 });
    renameSync(part, folder);
  }
  return join(folder, 'node_modules');
}
