/**
 * Builds the addon for one target, with node-gyp, so that sources and flags are those of native/binding.gyp. What was
 * built of the same sources is taken again. Node-API 9: one binary for every Node.js from 20 on.
 */
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { must } from '../../lab/run.ts';
import { packageRoot } from '../../src/package-root.ts';
import { type Target, targetNamed } from './targets.ts';

/** Where binaries and the trees that they are built in lie. */
const OUT = join(packageRoot(), 'out', 'addon');

/** The binary for a target: built, stripped. Throws where the compiler is missing or has complained. */
export async function buildAddon(name: string): Promise<string> {
  const target = targetNamed(name);
  const file = join(OUT, `${name}-${digestOfSources(target)}.node`);
  if (existsSync(file)) return file;
  const tree = join(OUT, name);
  rmSync(tree, { recursive: true, force: true });
  mkdirSync(tree, { recursive: true });
  for (const source of sources()) cpSync(join(packageRoot(), 'native', source), join(tree, source));
  writeFileSync(join(tree, 'package.json'), scriptOf(target));
  await must(['npm', 'run', '--silent', 'build'], {
    cwd: tree,
    env: environmentOf(target, tree),
    timeoutMs: 300_000,
  });
  const built = join(tree, 'build', 'Release', 'l2vpnd.node');
  await must([target.strip, '--strip-unneeded', built]);
  renameSync(built, file);
  rmSync(tree, { recursive: true });
  return file;
}

/** A script of npm's is where npm's own node-gyp is in PATH. */
function scriptOf({ arch }: Target): string {
  return JSON.stringify({ scripts: { build: `node-gyp rebuild --silent --arch=${arch}` } });
}

/** gyp links with the C++ compiler; there is no C++ in the addon, so the C compiler links it as well. */
function environmentOf({ compiler, flags }: Target, tree: string): NodeJS.ProcessEnv {
  const cflags = [...flags, `-ffile-prefix-map=${tree}=native`].join(' ');
  return { ...process.env, CC: compiler, CXX: compiler, LINK: compiler, CFLAGS: cflags };
}

function sources(): string[] {
  const files = readdirSync(join(packageRoot(), 'native'));
  return files.filter((file) => /\.(c|h|gyp)$/.test(file)).sort();
}

function digestOfSources(target: Target): string {
  const hash = createHash('sha256').update(JSON.stringify(target));
  for (const source of sources()) {
    hash.update(source).update(readFileSync(join(packageRoot(), 'native', source)));
  }
  return hash.digest('hex').slice(0, 16);
}
