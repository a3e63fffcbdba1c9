/**
 * The image of the repository's own Dockerfile, where no registry is to be had. It is built on a Debian that debootstrap
 * makes, with Node.js from npm; and its build stage runs in this machine's own /usr, which has what it needs.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { debianTree, ownSuite, TEST_PACKAGES, treeCache } from '../../lab/debian-tree.ts';
import { must } from '../../lab/run.ts';
import { fetchRuntime } from '../../packaging/deb/runtime.ts';
import { importImage, mustPodman, podman } from './podman.ts';

export const IMAGE = 'localhost/l2vpnd-test';

/** `docker build`, as the Dockerfile says. What has not changed since the last time is taken from podman's cache. */
export async function buildImage(): Promise<void> {
  const args = [`BASE_IMAGE=${await baseImage()}`, `BUILD_IMAGE=${await buildStageImage()}`];
  await mustPodman(
    [
      ...[
        'build',
        '--tag',
        IMAGE,
        '--format',
        'docker',
        '--isolation',
        'chroot',
        '--network',
        'host',
        '--layers',
      ],
      ...args.flatMap((arg) => ['--build-arg', arg]),
      ...HOST_TOOLS.flatMap((path) => ['--volume', `${path}:${path}:ro`]),
      ...['--volume', `${join(homedir(), '.npm')}:/root/.npm`, '.'],
    ],
    { timeoutMs: 400_000 },
  );
}

/** A Debian with Node.js; made once. */
async function baseImage(): Promise<string> {
  const { version, folder } = await fetchRuntime(process.arch === 'arm64' ? 'arm64' : 'amd64');
  const name = `localhost/l2vpnd-test-base:${ownSuite()}-node${version}`;
  if ((await podman(['image', 'exists', name])).code === 0) return name;
  await importImage(name, [
    ...['--create', '--exclude=./var/lib/apt/lists/*', '--transform=s,^bin/node$,usr/local/bin/node,'],
    ...['-C', await debianTree({ packages: TEST_PACKAGES }), '.', '-C', folder, 'bin/node'],
  ]);
  return name;
}

const HOST_TOOLS = ['/usr', '/etc/alternatives', '/etc/ssl'];

/** The frame that this machine's /usr is mounted into. */
async function buildStageImage(): Promise<string> {
  const name = 'localhost/l2vpnd-test-tools:1';
  if ((await podman(['image', 'exists', name])).code === 0) return name;
  const frame = treeCache(`tools.${process.pid}`);
  for (const dir of ['usr', 'etc/alternatives', 'etc/ssl', 'root/.npm', 'tmp', 'proc', 'sys', 'dev'])
    mkdirSync(join(frame, dir), { recursive: true });
  await must(['sh', '-c', `cd '${frame}' && for dir in bin sbin lib lib64; do ln -s usr/$dir $dir; done`]);
  writeFileSync(join(frame, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  writeFileSync(join(frame, 'root/.npmrc'), 'nodedir=/usr\nprefer-offline=true\n');
  await importImage(name, ['--create', '-C', frame, '.']);
  rmSync(frame, { recursive: true });
  return name;
}
