/**
 * A contender: something that joins the two LANs of the reference topology. One file each; every one is started
 * the way its own manual recommends, with settings that an admin of a 1500-octet WAN would choose.
 */
import { existsSync } from 'node:fs';
import { type Background, run } from '../../lab/run.ts';
import type { Namespace, Topology } from '../../lab/topology.ts';

/** A process whose CPU time and memory belong to the contender. */
export interface BenchProcess {
  /** `site1`, `site2`. */
  site: string;
  pid: number;
}

export interface Contender {
  /** For `--only` and JSON: `fastd`, `l2vpnd-udp`. */
  readonly name: string;
  /** For people: `fastd, no encryption`. */
  readonly title: string;
  /** 2: joins the LANs; 3: routes between the hosts. */
  readonly layer: 2 | 3;
  /** What protects the frames: `none`, `AES-128-GCM`, … */
  readonly protection: string;
  /** Largest MTU of the hosts with which no outer packet exceeds 1500 octets. */
  readonly mtu: number;
  /** Where `mtu` comes from: octets added to a host's IP packet. */
  readonly overhead: string;
  /** Version text, for the report. */
  version(): Promise<string>;
  /** Why it cannot run here, or null. `topology` is there to try things in. */
  available(topology: Topology): Promise<string | null>;
  /** Returns when its processes are up and its devices are in the bridges; frames may take a moment longer. */
  start(topology: Topology): Promise<void>;
  /** Ends its processes and removes its devices. May be called after a failed `start`. */
  stop(): Promise<void>;
  /** What runs now. Empty for what the kernel does itself. */
  processes(): BenchProcess[];
}

/** The two routers, with the number that the topology's addresses carry. */
export function routers(topology: Topology): readonly [Namespace, Namespace] {
  return [topology.nsra, topology.nsrb];
}

/** Puts a tunnel's device into both bridges. */
export async function bridgeBoth(topology: Topology, ifname: string, mtu: number): Promise<void> {
  const commands = `link set ${ifname} mtu ${mtu}\nlink set ${ifname} master br0 up\n`;
  await Promise.all(routers(topology).map((router) => router.ip(commands)));
}

/** Removes a device from both routers, where it is. */
export async function deleteBoth(topology: Topology, ifname: string): Promise<void> {
  await Promise.all(routers(topology).map((router) => run(['ip', '-n', router.name, 'link', 'del', ifname])));
}

export async function stopAll(daemons: readonly Background[]): Promise<void> {
  await Promise.all(daemons.map((daemon) => daemon.stop()));
}

export function processesOf(daemons: readonly Background[]): BenchProcess[] {
  return daemons
    .map((daemon, i) => ({ site: `site${i + 1}`, pid: daemon.pid, running: daemon.exit === undefined }))
    .filter(({ running }) => running)
    .map(({ site, pid }) => ({ site, pid }));
}

/** Why `program` cannot run: not installed, or no TUN device. */
export async function missing(
  program: string,
  debianPackage: string,
  needsTun: boolean,
): Promise<string | null> {
  const { code } = await run(['sh', '-c', `command -v ${program}`]);
  if (code !== 0) return `${program} is not installed (Debian: apt-get install ${debianPackage})`;
  if (needsTun && !existsSync('/dev/net/tun')) return '/dev/net/tun is missing';
  return null;
}

/** The first version number that `argv` prints. */
export async function versionOf(argv: readonly string[], pattern: RegExp = /v?\d+(\.\d+)*/): Promise<string> {
  const { stdout, stderr } = await run(argv);
  return (stdout + stderr).match(pattern)?.[0] ?? 'unknown';
}
