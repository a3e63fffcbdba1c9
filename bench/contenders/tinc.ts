/**
 * tinc 1.0 in switch mode, its default cipher. `PMTUDiscovery = no`: the MTU below is known to fit, and with
 * discovery on tinc 1.0 sends large frames through its TCP connection for the first half minute.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Background, must } from '../../lab/run.ts';
import { bridgeBoth, type Contender, missing, processesOf, stopAll, versionOf } from './contender.ts';

const DEVICE = 'tinc1';

export function createTinc(): Contender {
  const mtu = 1437;
  let daemons: Background[] = [];
  let dir: string | undefined;
  return {
    name: 'tinc',
    title: 'tinc switch, AES-256-CBC',
    layer: 2,
    protection: 'AES-256-CBC, SHA-256/4',
    mtu,
    overhead: '20 IP + 8 UDP + 4 sequence + 14 Ethernet + 1–16 padding + 4 MAC',
    version: () => versionOf(['tincd', '--version'], /\d+\.\d+\.\d+/),
    available: () => missing('tincd', 'tinc', true),
    async start(topology) {
      dir = await mkdtemp(join(tmpdir(), 'l2vpnd-bench-tinc-'));
      const { site1, site2 } = topology;
      const nodes = [
        { name: 'site1', space: topology.nsra, address: site1.underlay, other: 'site2' },
        { name: 'site2', space: topology.nsrb, address: site2.underlay, other: 'site1' },
      ];
      for (const { name, address, other } of nodes) await writeNode(join(dir, name), name, address, other);
      for (const { name, other } of nodes) {
        await writeFile(join(dir, name, 'hosts', other), await readFile(join(dir, other, 'hosts', other)));
      }
      const root = dir;
      daemons = nodes.map(({ name, space }) =>
        space.start(['tincd', '-c', join(root, name), '-D', '-d1', `--pidfile=${join(root, `${name}.pid`)}`]),
      );
      await Promise.all(daemons.map((daemon) => daemon.waitFor(/Connection with .* activated/, 20_000)));
      await bridgeBoth(topology, DEVICE, mtu);
    },
    async stop() {
      await stopAll(daemons);
      daemons = [];
      if (dir) await rm(dir, { recursive: true, force: true });
    },
    processes: () => processesOf(daemons),
  };
}

async function writeNode(dir: string, name: string, address: string, other: string): Promise<void> {
  await mkdir(join(dir, 'hosts'), { recursive: true });
  const config = [
    `Name = ${name}`,
    'Mode = switch',
    'DeviceType = tap',
    `Interface = ${DEVICE}`,
    'AddressFamily = ipv4',
    `BindToAddress = ${address}`,
    `ConnectTo = ${other}`,
    'PMTUDiscovery = no',
  ];
  await writeFile(join(dir, 'tinc.conf'), `${config.join('\n')}\n`);
  await writeFile(join(dir, 'hosts', name), `Address = ${address}\nPMTUDiscovery = no\n`);
  await must(['tincd', '-c', dir, '-K', '2048']);
}
