/**
 * The Node.js that the Debian package has of its own: runtime.json says which. It comes from the npm registry, by npm, and
 * is what was looked at when it was written down there, or nothing: by its SHA-512.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { must } from '../../lab/run.ts';
import { packageRoot } from '../../src/package-root.ts';

/** Debian's word for a machine. */
export type DebianArch = 'amd64' | 'arm64';

interface Pinned {
  readonly package: string;
  readonly integrity: string;
}
interface Pins extends Record<DebianArch, Pinned> {
  readonly version: string;
}

export interface Runtime {
  readonly version: string;
  /** The folder with `bin/node` and LICENSE. */
  readonly folder: string;
}

/** Fetched once, then taken from out/runtime. Throws where the registry does not have it, or has something else. */
export async function fetchRuntime(arch: DebianArch): Promise<Runtime> {
  const { version, [arch]: pinned } = readPins();
  const folder = join(packageRoot(), 'out', 'runtime', `${pinned.package}-${version}`);
  if (!existsSync(folder)) await fetchInto(folder, pinned, version);
  return { version, folder };
}

function readPins(): Pins {
  return JSON.parse(readFileSync(join(packageRoot(), 'packaging/deb/runtime.json'), 'utf8'));
}

async function fetchInto(folder: string, pinned: Pinned, version: string): Promise<void> {
  const part = `${folder}.part`;
  rmSync(part, { recursive: true, force: true });
  mkdirSync(part, { recursive: true });
  const name = `${pinned.package}@${version}`;
  const pack = ['npm', 'pack', '--silent', '--pack-destination', part, name];
  const tarball = join(part, (await must(pack, { timeoutMs: 600_000 })).trim());
  refuseOther(name, pinned.integrity, readFileSync(tarball));
  await must(['tar', '-xf', tarball, '-C', part, '--strip-components=1', '--no-same-owner']);
  rmSync(tarball);
  renameSync(part, folder);
}

/** Throws unless `tarball` has the integrity, written as npm does: `sha512-` and base64. */
export function refuseOther(name: string, integrity: string, tarball: Uint8Array): void {
  const actual = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
  if (actual !== integrity) throw new Error(`${name} is ${actual}, and runtime.json has ${integrity}`);
}
