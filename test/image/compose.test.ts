/** packaging/compose/compose.yaml, by podman-compose: two sites on one machine, from nothing to a ping. */
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { treeCache } from '../../lab/debian-tree.ts';
import { pathOf } from '../../lab/packages.ts';
import { must, type RunResult, run } from '../../lab/run.ts';
import { buildImage, IMAGE } from './build.ts';
import { importImage, lackingPodman, podman, podmanEnv } from './podman.ts';

const SPACE = `${process.env.L2VPND_LAB ?? 'e2e'}-compose`;
const BUSYBOX = 'localhost/l2vpnd-test-busybox';
const reason =
  lackingPodman() ??
  (pathOf('podman-compose') === undefined
    ? 'needs podman-compose: apt-get install podman-compose'
    : pathOf('busybox') === undefined
      ? 'needs busybox: apt-get install busybox-static'
      : undefined);
if (reason !== undefined) process.stdout.write(`SKIPPED the compose file: ${reason}\n`);

function compose(...args: readonly string[]): Promise<RunResult> {
  const env = { ...podmanEnv(), L2VPND_IMAGE: IMAGE, HOST_IMAGE: BUSYBOX };
  // Its networks are of a namespace of the test's own.
  const enter = ['nsenter', `--net=/run/netns/${SPACE}`];
  return run([...enter, 'podman-compose', '-f', 'packaging/compose/compose.yaml', ...args], {
    env,
    timeoutMs: 120_000,
  });
}

/** A host's userland: ip and ping. */
async function importBusybox(): Promise<void> {
  const tree = treeCache(`busybox.${process.pid}`);
  mkdirSync(join(tree, 'bin'), { recursive: true });
  await must(['cp', pathOf('busybox')!, join(tree, 'bin/busybox')]);
  for (const applet of ['sh', 'ip', 'ping', 'sleep']) symlinkSync('busybox', join(tree, 'bin', applet));
  await importImage(BUSYBOX, ['--create', '-C', tree, '.']);
  rmSync(tree, { recursive: true });
}

describe.skipIf(reason !== undefined)(`the compose file${reason === undefined ? '' : ` (${reason})`}`, () => {
  beforeAll(async () => {
    await buildImage();
    await importBusybox();
    await run(['ip', 'netns', 'del', SPACE]);
    await must(['ip', 'netns', 'add', SPACE]);
    await must(['ip', '-n', SPACE, 'link', 'set', 'lo', 'up']);
  }, 600_000);
  afterAll(async () => {
    await compose('down', '-v');
    await run(['ip', 'netns', 'del', SPACE]);
  });

  it('joins two sites, whose hosts reach each other', async () => {
    onTestFailed(async () => void process.stdout.write((await podman(['ps', '-a'])).stdout));
    const up = await compose('up', '-d', '--no-build');
    expect(up, up.stdout + up.stderr).toMatchObject({ code: 0 });
    await expect
      .poll(
        async () => (await compose('exec', '-T', 'host1', 'ping', '-c', '1', '-W', '1', '192.168.7.2')).code,
        {
          timeout: 60_000,
        },
      )
      .toBe(0);
    const status = await compose('exec', '-T', 'site1', 'l2vpnd', 'status');
    expect(status, status.stdout + status.stderr).toMatchObject({ code: 0 });
  });
});
