/**
 * The image, built of the Dockerfile and run as docs/how-to/docker.md says: two capabilities, nothing else, on the
 * reference topology, whose routers lend the containers their networks.
 */
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { must } from '../../lab/run.ts';
import { type SiteFile, siteFile, type TunnelChanges } from '../../lab/site.ts';
import type { Namespace } from '../../lab/topology.ts';
import { Lab, pingUntil } from '../e2e/support.ts';
import { buildImage, IMAGE } from './build.ts';
import { Container, healthy, lackingPodman, mustPodman, podman } from './podman.ts';

const reason = lackingPodman();
if (reason !== undefined) process.stdout.write(`SKIPPED the image: ${reason}\n`);

/** As in docs/how-to/docker.md. */
const HARDENED = [
  ...['--cap-drop', 'ALL', '--cap-add', 'NET_ADMIN', '--cap-add', 'NET_RAW'],
  ...['--security-opt', 'no-new-privileges', '--read-only', '--read-only-tmpfs=false'],
  ...['--tmpfs', '/run/l2vpnd:mode=0700', '--device', '/dev/net/tun'],
];
/** CAP_NET_ADMIN and CAP_NET_RAW, as /proc/PID/status has them. */
const TWO_CAPABILITIES = '0000000000003000';
const EXAMPLE_KEYS = '--insecure-example-keys';
/** Nobody's, in the image. */
const USER = 4754;
const CAK = { ckn: '0102', cakFile: 'site1-site2.cak' };

describe.skipIf(reason !== undefined)(`the image${reason === undefined ? '' : ` (${reason})`}`, () => {
  const lab = new Lab({ prefix: 'image', hostMtu: 1500 });
  const running: Container[] = [];
  let dir: string;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'l2vpnd-image-'));
    await buildImage();
  }, 600_000);
  afterEach(async () => {
    for (const container of running.splice(0)) await container.remove();
  });
  afterAll(async () => {
    await podman(['volume', 'rm', '--force', ...VOLUMES]);
    if (dir !== undefined) await rm(dir, { recursive: true, force: true });
  });

  const VOLUMES = ['l2vpnd-test-1', 'l2vpnd-test-2'];
  const space = (side: 1 | 2): Namespace => (side === 1 ? lab.topology.nsra : lab.topology.nsrb);

  /** The folder that is mounted as /etc/l2vpnd. */
  async function etc(side: 1 | 2, file: SiteFile, user: number): Promise<string> {
    const folder = await mkdtemp(join(dir, `etc${side}-`));
    await writeFile(join(folder, 'site.json'), JSON.stringify(file), { mode: 0o600 });
    await writeFile(join(folder, 'site1-site2.cak'), `${'5a'.repeat(32)}\n`, { mode: 0o600 });
    for (const path of ['.', 'site.json', 'site1-site2.cak']) await chown(join(folder, path), user, user);
    return folder;
  }

  async function start(
    side: 1 | 2,
    file: SiteFile,
    options: readonly string[],
    user = 0,
  ): Promise<Container> {
    const network = ['--network', `ns:/run/netns/${space(side).name}`];
    const mounts = ['--volume', `${await etc(side, file, user)}:/etc/l2vpnd:ro`];
    const command = [IMAGE, EXAMPLE_KEYS, '--config', '/etc/l2vpnd/site.json'];
    const name = `l2vpnd-test-site${side}`;
    const container = await Container.run(name, [...network, ...mounts, ...options, ...command]);
    running.push(container);
    onTestFailed(() => void process.stdout.write(`--- ${name}\n${container.output.slice(-6000)}\n`));
    return container;
  }

  /** With key agreement: nothing to be kept. */
  const agreed: TunnelChanges = { gre: { encap: 'udp' }, macsec: { mka: CAK } };

  async function bothSites(changes: TunnelChanges, options: (side: 1 | 2) => string[]): Promise<Container[]> {
    const both = [1, 2] as const;
    const started = both.map((side) => start(side, siteFile(lab.topology, side, changes), options(side)));
    const sites = await Promise.all(started);
    await Promise.all(sites.map((site) => site.waitFor(/"msg":"ready"/)));
    return sites;
  }

  const hardened = (side: 1 | 2): string[] => [
    ...HARDENED,
    '--volume',
    `${VOLUMES[side - 1]}:/var/lib/l2vpnd`,
  ];

  it('has no volume of its own, a health check, and the command as entry', async () => {
    const [{ Config: config, Healthcheck: health }] = JSON.parse(
      await mustPodman(['image', 'inspect', IMAGE]),
    );
    expect(config.Volumes ?? null).toBeNull();
    expect(config.Entrypoint).toEqual(['l2vpnd']);
    expect(health.Test).toEqual(['CMD', 'l2vpnd', 'status']);
    expect(await mustPodman(['run', '--rm', '--network', 'none', IMAGE, '--version'])).toMatch(
      /^\d+\.\d+\.\d+/,
    );
  });

  it('joins two sites with two capabilities, on a read-only root; healthy while the peer lives', async () => {
    const [site1, site2] = (await bothSites(agreed, hardened)) as [Container, Container];
    const { host1 } = lab.topology;
    await pingUntil(host1, '192.168.1.2', 20_000);

    const status = (await site1.exec('cat', '/proc/1/status')).stdout;
    expect(status).toMatch(new RegExp(`CapEff:\\t${TWO_CAPABILITIES}\\n`));
    expect(status).toMatch(new RegExp(`CapBnd:\\t${TWO_CAPABILITIES}\\n`));
    expect(status).toMatch(/NoNewPrivs:\t1\nSeccomp:\t2\n/);
    expect((await site1.exec('touch', '/usr/x')).stderr).toContain('Read-only file system');

    expect(await site1.exec('l2vpnd', 'show')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('macsec1'),
    });
    await healthy(site1);
    expect(await site2.stop()).toBe(0);
    await expect.poll(async () => (await site1.health()).code, { timeout: 30_000 }).not.toBe(0);
    expect(await site1.stop()).toBe(0);
  });

  it('keeps packet numbers of static keys in a named volume, past its container', async () => {
    const [site1] = (await bothSites({}, hardened)) as [Container, Container];
    await pingUntil(lab.topology.host1, '192.168.1.2', 20_000);
    const before = await packetNumber(site1);
    await site1.remove();
    const next = await start(1, siteFile(lab.topology, 1), hardened(1));
    await next.waitFor(/"msg":"ready"/);
    expect(await packetNumber(next)).toBeGreaterThan(before);
    await pingUntil(lab.topology.host1, '192.168.1.2', 20_000);
  });

  it.each([
    ['a read-only root', 73, HARDENED, /EROFS: .*packet numbers must be stored there.*mount a volume there/],
    [
      'a root that can be written',
      78,
      ['--device', '/dev/net/tun', '--cap-add', 'NET_ADMIN,NET_RAW'],
      /overlay, which is lost at a new container.*in a container: on a volume/,
    ],
  ])('refuses static keys without a volume in one line, on %s', async (_, code, options, said) => {
    const site = await start(1, siteFile(lab.topology, 1), options);
    expect(await site.ended()).toBe(code);
    expect(site.output.split('\n').filter((line) => line.startsWith('l2vpnd: '))).toEqual([
      expect.stringMatching(said),
    ]);
  });

  it('runs as another user where the runtime gives him the capabilities, as podman does', async () => {
    const tmpfs = HARDENED.map((word) => word.replace('mode=0700', 'mode=0700,U'));
    const folder = await mkdtemp(join(dir, 'state-'));
    await chown(folder, USER, USER);
    const state = ['--volume', `${folder}:/var/lib/l2vpnd`];
    // As udev makes it: everybody opens it, and needs CAP_NET_ADMIN to do anything. This host's may be root's alone.
    const tun = join(folder, 'tun');
    await must(['mknod', '-m', '666', tun, 'c', '10', '200']);
    const device = (word: string): string => (word === '/dev/net/tun' ? `${tun}:/dev/net/tun` : word);
    const options = [...tmpfs.map(device), ...state, '--user', `${USER}:${USER}`];
    const file = siteFile(lab.topology, 1, agreed);
    const site = await start(1, file, options, USER);
    await site.waitFor(/"msg":"ready"/);
    const status = (await site.exec('cat', '/proc/1/status')).stdout;
    expect(status).toMatch(/Uid:\t4754\t4754/);
    expect(status).toMatch(new RegExp(`CapEff:\\t${TWO_CAPABILITIES}\\n`));
    expect((await site.exec('l2vpnd', 'show')).stdout).toContain('macsec1');
    expect(await site.stop()).toBe(0);
  });
});

/** What the transmit SA of its tunnel sends next. */
async function packetNumber(site: Container): Promise<number> {
  const { stdout } = await site.exec('l2vpnd', 'show');
  const [, pn] = /TXSC:[\s\S]*?\d: PN (\d+)/.exec(stdout) ?? [];
  if (pn === undefined) throw new Error(`no PN in\n${stdout}`);
  return Number(pn);
}
