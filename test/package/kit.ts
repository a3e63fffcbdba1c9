/** What the tests of the packages share: a folder that goes when they are done, and the programs that they run. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { pathOf } from '../../lab/packages.ts';
import { must } from '../../lab/run.ts';
import { packageRoot } from '../../src/package-root.ts';

/** Building and installing, while others use the machine. */
export const BUILD_MS = 300_000;

export function scratch(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `l2vpnd-${name}-`));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs a program of dist/packaging. */
export async function runPackaging(script: string, ...args: string[]): Promise<string> {
  const file = join(packageRoot(), 'dist/packaging', script);
  return (await must([process.execPath, file, ...args], { timeoutMs: BUILD_MS, cwd: packageRoot() })).trim();
}

/** A folder for PATH with these programs and no others; `node` is the one that runs this. */
export function pathWith(folder: string, programs: readonly string[]): string {
  mkdirSync(folder, { recursive: true });
  for (const program of programs) symlinkSync(pathOf(program)!, join(folder, program));
  return folder;
}

/** Two sites' configurations and keys in `folder`, made by `l2vpnd`, a program with its first arguments. Returns one's file. */
export function writeSite(folder: string): string {
  const key = 'c0'.repeat(16);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'site.cak'), key, { mode: 0o600 });
  const site = {
    tunnels: [
      {
        name: 'site2',
        gre: { local: '127.0.0.1', remote: '127.0.0.2' },
        tap: { ifname: 'macsec1' },
        macsec: { mka: { cakFile: 'site.cak', ckn: 'ab' } },
      },
    ],
  };
  writeFileSync(join(folder, 'site.json'), JSON.stringify(site), { mode: 0o600 });
  return join(folder, 'site.json');
}
