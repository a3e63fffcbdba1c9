/**
 * The npm package, as `npm pack` makes it: what is in it, that it installs where no compiler is and runs with every Node.js
 * that is here, and what it says where it brings no addon for the machine.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { must, run } from '../../lab/run.ts';
import { lackFor, TARGETS } from '../../packaging/addon/targets.ts';
import { platformName, prebuiltFile } from '../../src/native/load.ts';
import { packageRoot } from '../../src/package-root.ts';
import { BUILD_MS, pathWith, runPackaging, scratch, writeSite } from './kit.ts';

const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8'));
const folder = scratch('npm');
const tarball = join(folder, `l2vpnd-${version}.tgz`);
const prefix = join(folder, 'prefix');
const installed = join(prefix, 'lib/node_modules/l2vpnd');
const built = TARGETS.filter((target) => lackFor(target) === null);
/** What npm needs, and no compiler. */
const withoutCompiler = {
  ...process.env,
  CC: 'false',
  PATH: pathWith(join(folder, 'bin'), ['node', 'npm', 'sh']),
};

/** Node.js that other work has left here, besides the one that runs this. */
function otherNodes(): string[] {
  const runtimes = join(packageRoot(), 'out/runtime');
  const folders = existsSync(runtimes) ? readdirSync(runtimes) : [];
  return folders
    .filter((name) => name.startsWith(`node-${process.platform}-${process.arch}-`))
    .map((name) => join(runtimes, name, 'bin/node'))
    .filter((file) => existsSync(file));
}

describe('the npm package', () => {
  let files: string[];

  beforeAll(async () => {
    // The hooks of `npm pack`, but for that which empties dist/.
    await runPackaging('addon/main.js');
    await must(['npm', 'pack', '--ignore-scripts', '--silent', '--pack-destination', folder], {
      timeoutMs: 60_000,
    });
    rmSync(join(packageRoot(), 'prebuilds'), { recursive: true });
    const listing = await must(['tar', '-tzf', tarball]);
    files = listing
      .trimEnd()
      .split('\n')
      .map((file) => file.replace('package/', ''));
  });

  it('has the addon for every machine whose compiler is here', () => {
    const prebuilt = files.filter((file) => file.endsWith('.node'));
    expect(prebuilt).toEqual(built.map(({ name }) => prebuiltFile(name)).sort());
    expect(prebuilt).toContain(prebuiltFile(platformName()));
  });

  it('has no object file, no Makefile and no fuzzer', () => {
    expect(files.filter((file) => /\.(o|a|d|mk)$|Makefile|native\/(build|fuzz)/.test(file))).toEqual([]);
  });

  it('does not tell where it was built', async () => {
    await must(['tar', '-xzf', tarball, '-C', folder]);
    const { status } = spawnSync('grep', ['-rlF', packageRoot(), join(folder, 'package')]);
    expect(status).toBe(1);
  });

  it(
    'installs without a compiler, builds nothing, and runs',
    async () => {
      const install = ['npm', 'install', '-g', '--prefix', prefix, '--prefer-offline', '--no-audit', tarball];
      await must(install, { env: withoutCompiler, timeoutMs: BUILD_MS, cwd: folder });
      expect(existsSync(join(installed, 'native/build'))).toBe(false);
      expect(await must([join(prefix, 'bin/l2vpnd'), '--version'])).toBe(`${version}\n`);
      expect(readdirSync(join(installed, 'node_modules'))).not.toContain('raw-socket');
    },
    BUILD_MS,
  );

  it.each([process.execPath, ...otherNodes()])('has an addon that %s loads', async (node) => {
    const site = writeSite(join(folder, 'etc'));
    const main = join(installed, 'dist/src/main.js');
    const { code, stderr } = await run([node, main, 'check', '--config', site]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('says in one line what is missing where it brings no addon and none can be built', async () => {
    for (const { name } of built) rmSync(join(installed, prebuiltFile(name)));
    const { code, stderr } = await run([process.execPath, 'native/install.mjs'], {
      cwd: installed,
      env: withoutCompiler,
    });
    expect(stderr).toBe(
      `l2vpnd: no addon for this machine: the addon was not built, and ${installed} has no prebuilt one for ` +
        `${platformName()}. It cannot be built here: a C compiler (false), make, Python 3 missing; install it (Debian: ` +
        'sudo apt-get install gcc make python3) and try again\n',
    );
    expect(code).toBe(1);
  });

  it(
    'is built where it brings none that loads and a compiler is here',
    async () => {
      writeFileSync(join(installed, prebuiltFile(platformName())), 'no ELF file');
      await must(['npm', 'run', '--silent', 'install'], { cwd: installed, timeoutMs: BUILD_MS });
      const site = writeSite(join(folder, 'etc'));
      const { stderr } = await run([join(prefix, 'bin/l2vpnd'), 'check', '--config', site]);
      expect(stderr).toBe('');
    },
    BUILD_MS,
  );
});

/** musl's own loader lists what a file needs and nobody has. */
const LOADER = '/lib/ld-musl-x86_64.so.1';
const musl = built.find(({ libc }) => libc === 'musl');
if (musl === undefined) process.stdout.write('SKIPPED the addon for musl: npm run packages -- --install\n');

describe.skipIf(musl === undefined)('the addon for musl', () => {
  it('finds everything in musl but what node itself has', async () => {
    const file = join(folder, 'package', prebuiltFile(musl!.name));
    const { stdout, stderr } = await run([LOADER, '--list', file]);
    const missing = [...`${stdout}${stderr}`.matchAll(/: (\S+): symbol not found/g)].map(([, name]) => name!);
    expect(missing.filter((name) => !/^(napi|uv)_/.test(name))).toEqual([]);
    expect(missing).toContain('napi_create_function');
    expect(stdout).not.toMatch(/libc\.so\.6|ld-linux/);
  });
});

/** `man 5 elf`: e_machine. */
const MACHINES = { x64: 62, arm64: 183 };

it.each(built)('the addon for $name is for that machine', ({ name, arch }) => {
  const elf = readFileSync(join(folder, 'package', prebuiltFile(name)));
  expect(elf.readUInt16LE(18)).toBe(MACHINES[arch]);
});
