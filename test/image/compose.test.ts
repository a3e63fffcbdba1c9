/**
 * packaging/compose/compose.yaml: two sites on one machine, from nothing to a ping. Debian's podman-compose knows no fixed
 * addresses, so each service is translated to the options of `docker run` that the compose specification gives for it.
 */
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { treeCache } from '../../lab/debian-tree.ts';
import { pathOf } from '../../lab/packages.ts';
import { must, run } from '../../lab/run.ts';
import { PYTHON } from '../e2e/support.ts';
import { buildImage, IMAGE } from './build.ts';
import { Container, healthy, importImage, lackingPodman, mustPodman, podman } from './podman.ts';

const SPACE = `${process.env.L2VPND_LAB ?? 'e2e'}-compose`;
const BUSYBOX = 'localhost/l2vpnd-test-busybox';
const reason =
  lackingPodman() ??
  (pathOf('busybox') === undefined ? 'needs busybox: apt-get install busybox-static' : undefined);
if (reason !== undefined) process.stdout.write(`SKIPPED the compose file: ${reason}\n`);

/** What the file uses of the specification. */
interface Service {
  image: string;
  build?: string;
  depends_on?: unknown;
  command: string[];
  entrypoint?: string[];
  cap_drop?: string[];
  cap_add?: string[];
  security_opt?: string[];
  read_only?: boolean;
  init?: boolean;
  devices?: string[];
  tmpfs?: string[];
  volumes?: string[];
  network_mode?: string;
  networks?: Record<string, { ipv4_address: string }>;
}
interface Compose {
  services: Record<string, Service>;
  networks: Record<string, { ipam: { config: { subnet: string }[] } }>;
  volumes: Record<string, null>;
}

/** The file as JSON, with the variables that it takes from the environment. */
async function readCompose(): Promise<Compose> {
  const script = 'import sys, json, yaml; json.dump(yaml.safe_load(sys.stdin.read()), sys.stdout)';
  const text = await must(['cat', 'packaging/compose/compose.yaml']);
  const input = text.replace(/\$\{(\w+):-\w+\}/g, (_, name) => (name === 'L2VPND_IMAGE' ? IMAGE : BUSYBOX));
  return JSON.parse(await must([PYTHON, '-c', script], { input }));
}

const containerOf = (service: string): string => `${SPACE}-${service}`;
const volumeOf = (mount: string): string => `${SPACE}-${mount}`;

/** `docker run`'s options for a service. Throws for a key that it does not know: it would go untested. */
function optionsOf(service: Service): string[] {
  const {
    image,
    command,
    entrypoint = [],
    build: _,
    depends_on: __,
    network_mode,
    networks,
    ...rest
  } = service;
  const words: Record<string, string[]> = {
    cap_drop: (rest.cap_drop ?? []).map((name) => `--cap-drop=${name}`),
    cap_add: (rest.cap_add ?? []).map((name) => `--cap-add=${name}`),
    security_opt: (rest.security_opt ?? []).map((text) => `--security-opt=${text.replace(':true', '')}`),
    read_only: rest.read_only ? ['--read-only', '--read-only-tmpfs=false'] : [],
    init: [],
    devices: (rest.devices ?? []).map((path) => `--device=${path}`),
    tmpfs: (rest.tmpfs ?? []).map((mount) => `--tmpfs=${mount}`),
    volumes: (rest.volumes ?? []).map((mount) => `--volume=${volumeOf(mount)}`),
  };
  const unknown = Object.keys(rest).filter((key) => !(key in words));
  if (unknown.length > 0) throw new Error(`compose.yaml: the test does not know ${unknown.join(', ')}`);
  const first = entrypoint.length > 0 ? [`--entrypoint=${entrypoint[0]}`] : [];
  return [
    ...[...Object.values(words).flat(), networkOf(network_mode, networks), ...first],
    ...[image, ...entrypoint.slice(1), ...command],
  ];
}

function networkOf(mode: string | undefined, networks: Service['networks']): string {
  if (mode?.startsWith('service:'))
    return `--network=container:${containerOf(mode.slice('service:'.length))}`;
  if (mode !== undefined) return `--network=${mode}`;
  const [[name, { ipv4_address: address }]] = Object.entries(networks!) as [
    [string, { ipv4_address: string }],
  ];
  return `--network=${volumeOf(name)}:ip=${address}`;
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
  let compose: Compose;
  const running: Container[] = [];

  async function removeNetworksAndVolumes(): Promise<void> {
    await podman(['network', 'rm', '--force', ...Object.keys(compose.networks).map(volumeOf)]);
    await podman(['volume', 'rm', '--force', ...Object.keys(compose.volumes).map(volumeOf)]);
  }

  beforeAll(async () => {
    compose = await readCompose();
    await buildImage();
    await importBusybox();
    await removeNetworksAndVolumes();
    // Its networks are of a namespace of the test's own.
    await run(['ip', 'netns', 'del', SPACE]);
    await must(['ip', 'netns', 'add', SPACE]);
    await must(['ip', '-n', SPACE, 'link', 'set', 'lo', 'up']);
  }, 600_000);
  afterEach(async () => {
    for (const container of running.splice(0).reverse()) await container.remove();
  });
  afterAll(async () => {
    if (compose !== undefined) await removeNetworksAndVolumes();
    await run(['ip', 'netns', 'del', SPACE]);
  });

  async function start(name: string): Promise<Container> {
    const options = optionsOf(compose.services[name]!);
    const container = await Container.run(containerOf(name), options, [
      'nsenter',
      `--net=/run/netns/${SPACE}`,
    ]);
    running.push(container);
    onTestFailed(() => void process.stdout.write(`--- ${name}\n${container.output.slice(-4000)}\n`));
    return container;
  }

  it('joins two sites, whose hosts reach each other, and whose health is good', async () => {
    for (const [name, { ipam }] of Object.entries(compose.networks))
      await mustPodman(['network', 'create', '--subnet', ipam.config[0]!.subnet, volumeOf(name)]);
    expect(await (await start('keys')).ended()).toBe(0);
    const sites = [await start('site1'), await start('site2')];
    await Promise.all(sites.map((site) => site.waitFor(/"msg":"ready"/)));
    const host1 = await start('host1');
    await start('host2');
    await expect
      .poll(async () => (await host1.exec('ping', '-c', '1', '-W', '1', '192.168.7.2')).code, {
        timeout: 60_000,
      })
      .toBe(0);
    await healthy(sites[0]!);
    expect(Object.keys(compose.services)).toEqual(['keys', 'site1', 'site2', 'host1', 'host2']);
  });
});
