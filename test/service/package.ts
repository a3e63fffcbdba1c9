/** The Debian package that is installed: $L2VPND_DEB, or one that is built of this checkout. */
import { join } from 'node:path';
import { must } from '../../lab/run.ts';
import { packageRoot } from '../../src/package-root.ts';

const ARCH: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** Its file. Throws where it cannot be built. */
export async function debianPackage(): Promise<string> {
  const given = process.env.L2VPND_DEB ?? '';
  if (given !== '') return given;
  const main = join(packageRoot(), 'dist/packaging/deb/main.js');
  const args = ['--arch', ARCH[process.arch] ?? process.arch, '--quick'];
  const said = await must([process.execPath, main, ...args], { cwd: packageRoot(), timeoutMs: 300_000 });
  return said.trim().split('\n').at(-1)!;
}
