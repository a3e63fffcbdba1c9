/**
 * Sites around one WAN, in network namespaces: as many as wanted, each with a router, a bridge, and a host in one LAN that
 * the tunnels join.
 *
 *       host1                  router1                   wan
 *   ┌────────────┐      ┌──────────────────┐      ┌───────────────┐
 *   │       eth0 ├──────┤ lan0         up0 ├──────┤ wan1     wan2 ├──── router2 ──── host2
 *   │192.168.1.1 │      │  │       1.1.1.1 │      │ .254 …   wan3 ├──── router3 ──── host3
 *   └────────────┘      │  br0 (TAPs)      │      │  forwarding   │
 *                       └──────────────────┘      └───────────────┘
 *
 * Site n has the underlay n.n.n.n, and its host 192.168.1.n and the MAC address 00:00:00:00:00:0n.
 */
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endLedger, must } from './run.ts';
import { Namespace } from './topology.ts';

export interface MeshSite {
  readonly host: Namespace;
  readonly router: Namespace;
}

export interface Mesh {
  readonly wan: Namespace;
  /** Site n is `sites[n - 1]`. */
  readonly sites: readonly MeshSite[];
  /** Ends what was started in the namespaces, and removes them. May be called twice. */
  destroy(): Promise<void>;
}

const QUIET = `
  for knob in /proc/sys/net/ipv6/conf/*/disable_ipv6; do echo 1 >$knob; done
  for knob in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$knob; done
  case "$(ip netns identify)" in *-wan) echo 1 >/proc/sys/net/ipv4/ip_forward; esac
`;

/** Different at both ends of a veth pair: Linux takes it for one without a peer where they are equal. */
let nextIndex = 100;

/** Builds it; removes first what an earlier run with this prefix left. `bridge`: options of each br0. Needs root. */
export async function createMesh(prefix: string, count: number, bridge = 'stp_state 0'): Promise<Mesh> {
  const ledger = join(tmpdir(), 'l2vpnd-lab', `${prefix}.pids`);
  const space = (role: string): Namespace => new Namespace(`${prefix}-${role}`, ledger);
  const wan = space('wan');
  const sites = Array.from({ length: count }, (_, i) => ({
    host: space(`host${i + 1}`),
    router: space(`router${i + 1}`),
  }));
  const all = [wan, ...sites.flatMap(({ host, router }) => [host, router])];
  await removeMesh(prefix, ledger);
  try {
    await must(['ip', '-batch', '-'], { input: all.map(({ name }) => `netns add ${name}\n`).join('') });
    await Promise.all(all.map((one) => one.must(['sh', '-c', QUIET])));
    for (const [i, site] of sites.entries()) await build(site, wan, i + 1, bridge);
  } catch (error) {
    await removeMesh(prefix, ledger);
    throw error;
  }
  return { wan, sites, destroy: () => removeMesh(prefix, ledger) };
}

async function build({ host, router }: MeshSite, wan: Namespace, n: number, bridge: string): Promise<void> {
  const end = (name: string, { name: netns }: Namespace, mac = ''): string =>
    `name ${name} index ${nextIndex++} ${mac} netns ${netns}`;
  const hostMac = `address 00:00:00:00:00:0${n}`;
  await must(['ip', '-batch', '-'], {
    input: `
      link add ${end('eth0', host, hostMac)} type veth peer ${end('lan0', router)}
      link add ${end('up0', router)} type veth peer ${end(`wan${n}`, wan)}
    `,
  });
  await wan.ip(`link set wan${n} up\naddress add ${n}.${n}.${n}.254/24 dev wan${n}\n`);
  await host.ip(`link set lo up\nlink set eth0 up\naddress add 192.168.1.${n}/24 dev eth0\n`);
  await router.ip(`
    link set lo up
    link add br0 type bridge forward_delay 200 mcast_snooping 0 ${bridge}
    link set lan0 master br0 up
    link set br0 up
    link set up0 up
    address add ${n}.${n}.${n}.${n}/24 dev up0
    route add default via ${n}.${n}.${n}.254
  `);
}

async function removeMesh(prefix: string, ledger: string): Promise<void> {
  endLedger(ledger);
  const names = (await must(['ip', 'netns', 'list'])).split('\n').map((line) => line.split(' ')[0] ?? '');
  const ours = names.filter((name) => new RegExp(`^${prefix}-(wan|host\\d+|router\\d+)$`).test(name));
  if (ours.length > 0) {
    await must(['ip', '-batch', '-'], { input: ours.map((name) => `netns del ${name}\n`).join('') });
  }
  await rm(ledger, { force: true });
}
