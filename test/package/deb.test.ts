/**
 * The Debian package, as it is built: what is in it, what lintian says, and that it runs with nothing beside it but what it
 * depends on. That it installs, starts and upgrades is for a machine with systemd to show.
 */
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { pathOf } from '../../lab/packages.ts';
import { must, run } from '../../lab/run.ts';
import { packageRoot } from '../../src/package-root.ts';
import { BUILD_MS, runPackaging, scratch, writeSite } from './kit.ts';

const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8'));
const folder = scratch('deb');
const root = join(folder, 'root');

/** Libraries of the packages in Depends (libc6, libgcc-s1, libstdc++6, libatomic1), and the shell of every Debian. */
const BESIDE = [
  ...['/lib64/ld-linux-x86-64.so.2', '/bin/sh'],
  ...['libc.so.6', 'libdl.so.2', 'libm.so.6', 'libpthread.so.0', 'libgcc_s.so.1', 'libstdc++.so.6'].map(
    (name) => `/lib/x86_64-linux-gnu/${name}`,
  ),
  '/lib/x86_64-linux-gnu/libatomic.so.1',
];

describe.skipIf(process.arch !== 'x64')('the Debian package', () => {
  let deb: string;
  let files: string[];

  beforeAll(async () => {
    deb = await runPackaging('deb/main.js', '--arch', 'amd64', '--quick', '--out', folder);
    const listing = await must(['dpkg-deb', '--contents', deb]);
    files = listing.split('\n').map((line) => line.split(' ./')[1] ?? '');
    await must(['dpkg-deb', '--extract', deb, root], { timeoutMs: 60_000 });
  });

  it('is named by version and machine, as README has it', () => {
    expect(deb).toBe(join(folder, `l2vpnd_${version}_amd64.deb`));
    expect(readFileSync('README.md', 'utf8')).toContain(`apt install ./l2vpnd_${version}_amd64.deb`);
  });

  it('has command, runtime, addon, unit and documents', () => {
    expect(files).toEqual(
      expect.arrayContaining([
        'usr/bin/l2vpnd',
        'usr/lib/l2vpnd/bin/node',
        'usr/lib/l2vpnd/prebuilds/linux-x64-glibc.node',
        'usr/lib/l2vpnd/dist/src/main.js',
        'usr/lib/l2vpnd/node_modules/zod/package.json',
        'usr/lib/systemd/system/l2vpnd@.service',
        'usr/share/doc/l2vpnd/copyright',
        'usr/share/doc/l2vpnd/changelog.gz',
        'usr/share/doc/l2vpnd/examples/mka/site1.json',
      ]),
    );
  });

  it('has nothing that is for building, and no map to sources that are not there', () => {
    const strangers = files.filter((file) =>
      /\.(o|c|h|ts|map|gyp)$|Makefile|node_modules\/(raw-socket|vitest)/.test(file),
    );
    expect(strangers).toEqual([]);
  });

  it('belongs to root, and nobody else may write what is in it', async () => {
    const listing = (await must(['dpkg-deb', '--contents', deb])).trimEnd().split('\n');
    expect(
      listing.filter((line) => !/^(d|-)rwxr-xr-x root\/root |^-rw-r--r-- root\/root /.test(line)),
    ).toEqual([]);
  });

  it('depends on libraries that Debian 12 has, and on nothing else', async () => {
    const depends = (await must(['dpkg-deb', '--field', deb, 'Depends'])).trim();
    const [, glibc] =
      /^libatomic1 \(>= 4\.8\), libc6 \(>= 2\.(\d+)\), libgcc-s1 \(>= 3\.0\), libstdc\+\+6 \(>= 5\)$/.exec(
        depends,
      ) ?? [];
    expect(Number(glibc), depends).toBeLessThanOrEqual(36);
  });

  const lintian = pathOf('lintian');
  if (lintian === undefined) process.stdout.write('SKIPPED lintian: npm run packages -- --install\n');
  it.skipIf(lintian === undefined)(
    'has no error of lintian',
    async () => {
      const { code, stdout } = await run([lintian!, '--allow-root', '--fail-on', 'error', '--no-cfg', deb], {
        timeoutMs: 280_000,
      });
      expect(stdout.split('\n').filter((line) => line.startsWith('E:'))).toEqual([]);
      expect(code).toBe(0);
    },
    BUILD_MS,
  );

  const isRoot = process.getuid?.() === 0;
  if (!isRoot) process.stdout.write('SKIPPED the package in a root of its own: chroot needs root\n');
  it.skipIf(!isRoot)('runs with nothing beside it but its dependencies, and no PATH', async () => {
    for (const file of BESIDE) {
      mkdirSync(dirname(join(root, file)), { recursive: true });
      cpSync(file, join(root, file), { dereference: true });
    }
    writeSite(join(root, 'etc/l2vpnd'));
    const inside = ['env', '-i', 'PATH=', pathOf('chroot')!, root, '/usr/bin/l2vpnd'];
    expect(await must([...inside, '--version'])).toBe(`${version}\n`);
    const { code, stdout, stderr } = await run([...inside, 'check', '--config', '/etc/l2vpnd/site.json']);
    // A warning would say that the addon does not load.
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ tunnels: [{ name: 'site2' }] });
  });
});
