/**
 * wireguard-go: Layer 3, so not a replacement for what l2vpnd does, but the best known userspace data plane. The
 * routers route each host's address into the tunnel. `WIREGUARD_GO` names another binary than Debian's, whose
 * version of 2022 has neither the TUN's TSO nor UDP GSO.
 */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Background, must } from '../../lab/run.ts';
import type { Namespace, SiteAddresses, Topology } from '../../lab/topology.ts';
import { type Contender, missing, processesOf, stopAll, versionOf } from './contender.ts';

const PORT = 51820;
/** The routers' own address in the hosts' network: the hosts' next hop to each other. */
const GATEWAY = '192.168.1.254';

interface Side {
  space: Namespace;
  host: Namespace;
  hostLink: string;
  device: string;
  own: SiteAddresses;
  peer: SiteAddresses;
}

export function createWireguardGo(): Contender {
  const mtu = 1440;
  const program = process.env.WIREGUARD_GO ?? 'wireguard-go';
  let daemons: Background[] = [];
  let dir: string | undefined;
  let routed: Side[] = [];
  return {
    name: 'wireguard-go',
    title: 'wireguard-go (Layer 3)',
    layer: 3,
    protection: 'ChaCha20-Poly1305',
    mtu,
    overhead: '20 IP + 8 UDP + 16 header + 16 tag, padded to 16; no Ethernet header',
    version: () => versionOf([program, '--version']),
    available: async () =>
      (await missing(program, 'wireguard-go', true)) ?? (await missing('wg', 'wireguard-tools', false)),
    async start(topology) {
      dir = await mkdtemp(join(tmpdir(), 'l2vpnd-bench-wireguard-'));
      const sides = sidesOf(topology);
      // Its control socket is a file named after the device: the names differ, network namespaces don't part files.
      const env = { ...process.env, LOG_LEVEL: 'verbose', WG_PROCESS_FOREGROUND: '1' };
      daemons = sides.map(({ space, device }) => space.start([program, '-f', device], { env }));
      await Promise.all(daemons.map((daemon) => daemon.waitFor(/UAPI listener started/)));
      const keys = [await makeKey(dir, 'site1'), await makeKey(dir, 'site2')] as const;
      for (const [i, { space, device, peer }] of sides.entries()) {
        const own = keys[i]!;
        const other = keys[1 - i]!;
        await space.must([
          ...[
            'wg',
            'set',
            device,
            'listen-port',
            `${PORT}`,
            'private-key',
            own.file,
            'peer',
            other.publicKey,
          ],
          ...['allowed-ips', `${peer.host}/32`, 'endpoint', `${peer.underlay}:${PORT}`],
        ]);
      }
      routed = sides;
      for (const side of sides) await route(side, mtu);
    },
    async stop() {
      for (const side of routed) await unroute(side);
      routed = [];
      await stopAll(daemons);
      daemons = [];
      if (dir) await rm(dir, { recursive: true, force: true });
    },
    processes: () => processesOf(daemons),
  };
}

function sidesOf({ prefix, nsra, nsrb, host1, host2, site1, site2 }: Topology): Side[] {
  const tag = prefix.slice(0, 8);
  return [
    { space: nsra, host: host1, hostLink: 'veth1', device: `wg-${tag}-1`, own: site1, peer: site2 },
    { space: nsrb, host: host2, hostLink: 'veth2', device: `wg-${tag}-2`, own: site2, peer: site1 },
  ];
}

async function route({ space, host, hostLink, device, own, peer }: Side, mtu: number): Promise<void> {
  await space.must(['sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward']);
  await space.ip(`
    link set ${device} mtu ${mtu} up
    address add ${GATEWAY}/32 dev br0
    route add ${own.host}/32 dev br0
    route add ${peer.host}/32 dev ${device}
  `);
  await host.ip(`route add ${peer.host}/32 via ${GATEWAY} dev ${hostLink}\n`);
}

async function unroute({ space, host, own, peer, hostLink }: Side): Promise<void> {
  await host.run(['ip', 'route', 'del', `${peer.host}/32`, 'dev', hostLink]);
  await host.run(['ip', 'neigh', 'flush', 'all']);
  await space.run(['ip', 'route', 'del', `${peer.host}/32`]);
  await space.run(['ip', 'route', 'del', `${own.host}/32`]);
  await space.run(['ip', 'address', 'del', `${GATEWAY}/32`, 'dev', 'br0']);
  await space.run(['sh', '-c', 'echo 0 >/proc/sys/net/ipv4/ip_forward']);
}

async function makeKey(dir: string, name: string): Promise<{ file: string; publicKey: string }> {
  const file = join(dir, `${name}.key`);
  const secret = await must(['wg', 'genkey']);
  await writeFile(file, secret);
  await chmod(file, 0o600);
  return { file, publicKey: (await must(['wg', 'pubkey'], { input: secret })).trim() };
}
