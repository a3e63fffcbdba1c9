/**
 * What the end-to-end tests stand on: a topology a file, daemons that end with the test that started them, and
 * ways to put octets on a wire and to see what arrived. A suite that cannot run here says why and is skipped.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, onTestFailed } from 'vitest';
import { Capture, splitPcap } from '../../lab/capture.ts';
import { installCommand, missingPrograms, type Program } from '../../lab/packages.ts';
import type { Background } from '../../lab/run.ts';
import { Site, type SiteFile, siteFile, type TunnelChanges } from '../../lab/site.ts';
import { createTopology, type Namespace, type Topology, type TopologyOptions } from '../../lab/topology.ts';

/** The distribution's Python: it has python3-scapy, others may not. */
export const PYTHON = '/usr/bin/python3';
export const SCAPY_DIR: string = join(import.meta.dirname, 'scapy');

export interface Needs {
  programs?: readonly Program[];
  python?: boolean;
  scapy?: boolean;
}

/** Why this machine cannot run a suite with these needs, or undefined. */
export function lacking(needs: Needs): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root (network namespaces)';
  if (!existsSync('/dev/net/tun')) return 'needs /dev/net/tun';
  const missing = missingPrograms(['ip', 'ping', 'tcpdump', ...(needs.programs ?? [])]);
  if (missing.length > 0) return `needs ${missing.join(', ')}: ${installCommand(missing)}`;
  if ((needs.python || needs.scapy) && !existsSync(PYTHON))
    return `needs ${PYTHON}: apt-get install -y python3`;
  if (needs.scapy && spawnSync(PYTHON, ['-c', 'import scapy.contrib.macsec']).status !== 0)
    return 'needs Scapy: apt-get install -y python3-scapy';
  return undefined;
}

/** A `describe` that is skipped, with its reason in the output, where the machine lacks something. */
export function suite(title: string, needs: Needs, body: () => void): void {
  const reason = lacking(needs);
  if (reason !== undefined) process.stdout.write(`SKIPPED ${title}: ${reason}\n`);
  describe.skipIf(reason !== undefined)(reason === undefined ? title : `${title} (${reason})`, body);
}

/** Begins the names of the tests' namespaces; set another one where two runs share a machine. */
const NAMESPACES: string = process.env.L2VPND_LAB ?? 'e2e';

/** The topology of a suite, and what its tests started on it. */
export class Lab {
  readonly #options: TopologyOptions;
  readonly #sites = new Set<Site>();
  /** Of the running test, also those that have been ended. */
  #explained: Site[] = [];
  #topology: Topology | undefined;
  #dir: string | undefined;
  #files = 0;

  /** `prefix` is the suite's own name among the tests'. */
  constructor(suiteOptions: TopologyOptions) {
    const options = { ...suiteOptions, prefix: `${NAMESPACES}-${suiteOptions.prefix}` };
    this.#options = options;
    beforeAll(async () => {
      this.#topology = await createTopology(options);
      this.#dir = await mkdtemp(join(tmpdir(), `l2vpnd-${options.prefix}-`));
    });
    afterAll(async () => {
      await this.disposeSites();
      await this.#topology?.destroy();
      if (this.#dir !== undefined) await rm(this.#dir, { recursive: true, force: true });
    });
  }

  get topology(): Topology {
    if (this.#topology === undefined) throw new Error(`${this.#options.prefix}: no topology yet`);
    return this.#topology;
  }

  /** A daemon's site at one side, not started. Its log is printed when the test that asks for it fails. */
  site(side: 1 | 2, changes: TunnelChanges = {}, settings: Record<string, unknown> = {}): Site {
    return this.siteOf(side, { ...siteFile(this.topology, side, changes), ...settings });
  }

  siteOf(side: 1 | 2, file: SiteFile): Site {
    const site = new Site(side === 1 ? this.topology.nsra : this.topology.nsrb, `site${side}`, file);
    this.#sites.add(site);
    this.#explained.push(site);
    return site;
  }

  /** Both daemons with the same changes, started. */
  async bothSites(
    changes: TunnelChanges = {},
    settings: Record<string, unknown> = {},
  ): Promise<[Site, Site]> {
    const sites: [Site, Site] = [this.site(1, changes, settings), this.site(2, changes, settings)];
    await Promise.all(sites.map((site) => site.start()));
    return sites;
  }

  /** Ends every daemon of the suite. */
  async disposeSites(): Promise<void> {
    await Promise.all([...this.#sites].map((site) => site.dispose()));
    this.#sites.clear();
  }

  /** A file name nobody has used. */
  newFile(suffix: string): string {
    if (this.#dir === undefined) throw new Error('no directory yet');
    return join(this.#dir, `${this.#files++}${suffix}`);
  }

  /** Captures GRE on the WAN's side 1 while `work` runs. */
  async watchWan(work: () => Promise<unknown>): Promise<Awaited<ReturnType<Capture['stop']>>> {
    const capture = await Capture.start(this.topology.wan, 'wan1', this.newFile('.pcap'));
    await work();
    return capture.stop();
  }

  /** Whole frames that pass `link` while `work` runs, those that `filter` (pcap-filter(7)) lets through. */
  async watchLink(
    space: Namespace,
    link: string,
    filter: string,
    work: () => Promise<unknown>,
  ): Promise<Buffer[]> {
    const path = this.newFile('.pcap');
    const capture = await Capture.start(space, link, path, filter);
    await work();
    await capture.stop();
    return splitPcap(readFileSync(path));
  }

  /** What tcpdump, which judges checksums, prints of the packets that pass `link` while `work` runs. */
  async printed(
    space: Namespace,
    link: string,
    filter: string,
    work: () => Promise<unknown>,
  ): Promise<string> {
    const path = this.newFile('.pcap');
    const capture = await Capture.start(space, link, path, filter);
    await work();
    await capture.stop();
    return space.must(['tcpdump', '-nvvr', path], { timeoutMs: 60_000 });
  }

  /** Prints the daemons' logs if the running test fails. */
  explainFailure(): void {
    // By the time that a test is known to have failed its daemons have been ended.
    const sites = [...this.#sites];
    this.#explained = sites;
    onTestFailed(() => {
      for (const site of sites) {
        try {
          process.stdout.write(`--- ${site.name}\n${site.output().slice(-8000)}\n`);
        } catch {
          process.stdout.write(`--- ${site.name} was not started\n`);
        }
      }
    });
  }
}

/** A lab whose daemons end with each test. */
export function labOfTests(options: TopologyOptions): Lab {
  const lab = new Lab(options);
  afterEach(() => lab.disposeSites());
  return lab;
}

/** A program that puts octets on a wire; see scapy/send.py. */
export class Sender {
  readonly #program: Background;
  #answers = 0;

  private constructor(program: Background) {
    this.#program = program;
  }

  /** A raw GRE socket from `local` to `remote`. */
  static gre(space: Namespace, local: string, remote: string): Promise<Sender> {
    return Sender.#open(space, ['gre', local, remote]);
  }

  /** A UDP socket; ends are `1.2.3.4:4754`. */
  static udp(space: Namespace, local: string, remote: string): Promise<Sender> {
    return Sender.#open(space, ['udp', local, remote]);
  }

  /** A packet socket on `link`. */
  static link(space: Namespace, link: string): Promise<Sender> {
    return Sender.#open(space, ['link', link]);
  }

  static async #open(space: Namespace, args: readonly string[]): Promise<Sender> {
    const program = space.start([PYTHON, join(SCAPY_DIR, 'send.py'), ...args], { interactive: true });
    const sender = new Sender(program);
    await sender.#answer(/ready/);
    return sender;
  }

  async send(...packets: readonly Buffer[]): Promise<void> {
    for (const packet of packets) await this.#ask(`send ${packet.toString('hex')}`, /^sent 1/);
  }

  /** IPv4 options of the packets that follow. */
  async ipOptions(options: Buffer): Promise<void> {
    await this.#ask(`options ${options.toString('hex')}`, /^ok/);
  }

  /** Random packets at full rate; returns how many went out. */
  async noise(seconds: number, seed: number): Promise<number> {
    const [, sent] = await this.#ask(`noise ${seconds} ${seed}`, /^sent (\d+)/, seconds * 1000 + 10_000);
    return Number(sent);
  }

  /** These packets in turn, `perSecond` at most; returns how many went out. */
  async flood(seconds: number, perSecond: number, packets: readonly Buffer[]): Promise<number> {
    const command = `flood ${seconds} ${perSecond} ${packets.map((one) => one.toString('hex')).join(' ')}`;
    const [, sent] = await this.#ask(command, /^sent (\d+)/, seconds * 1000 + 10_000);
    return Number(sent);
  }

  /** Sends `packet` so often at full rate; returns how many went out. */
  async repeat(packet: Buffer, count: number): Promise<number> {
    const [, sent] = await this.#ask(`repeat ${count} ${packet.toString('hex')}`, /^sent (\d+)/, 60_000);
    return Number(sent);
  }

  async close(): Promise<void> {
    await this.#program.stop('SIGKILL');
  }

  #ask(command: string, answer: RegExp, timeoutMs = 10_000): Promise<RegExpMatchArray> {
    this.#program.write(`${command}\n`);
    return this.#answer(answer, timeoutMs);
  }

  async #answer(pattern: RegExp, timeoutMs = 10_000): Promise<RegExpMatchArray> {
    const line = await this.#program.waitFor(/^.*$/, timeoutMs, this.#answers++);
    const match = line[0].match(pattern);
    if (match === null) throw new Error(`send.py: ${line[0]}`);
    return match;
  }
}

/** Pings `target` once with `size` octets and DF; true when the answer came. */
export async function pingOnce(from: Namespace, target: string, size = 56, waitSec = 0.4): Promise<boolean> {
  const argv = ['ping', '-n', '-M', 'do', '-c', '1', '-W', String(waitSec), '-s', String(size), target];
  return (await from.run(argv)).code === 0;
}

/** Pings until an answer comes: for tests of something coming back. Throws after `timeoutMs`. */
export async function pingUntil(from: Namespace, target: string, timeoutMs = 10_000): Promise<void> {
  for (const end = Date.now() + timeoutMs; ; ) {
    if (await pingOnce(from, target)) return;
    if (Date.now() > end) throw new Error(`${from.name}: ${target} does not answer`);
  }
}

/** Frames that the daemon has written to a TAP, as the kernel counts them. */
export async function tapDelivered(space: Namespace, ifname = 'macsec1'): Promise<number> {
  const [link] = JSON.parse(await space.must(['ip', '-j', '-s', 'link', 'show', ifname])) as [
    { stats64: { rx: { packets: number } } },
  ];
  return link.stats64.rx.packets;
}

/** The MTU of a link. */
export async function mtuOf(space: Namespace, ifname = 'macsec1'): Promise<number> {
  const [link] = JSON.parse(await space.must(['ip', '-j', 'link', 'show', ifname])) as [{ mtu: number }];
  return link.mtu;
}

/** What a site's tunnel carries, as it says itself. */
export async function carriedBy(site: Site): Promise<number> {
  const [tunnel] = (await site.control('/v1/tunnels')) as [{ mtu: number }];
  return tunnel.mtu;
}

/** Lets the hosts forget what they were told of paths: else for ten minutes no later test can send what is longer. */
export async function forgetPaths({ host1, host2 }: Topology): Promise<void> {
  for (const host of [host1, host2]) {
    await host.must(['ip', 'route', 'flush', 'cache']);
    await host.must(['ip', '-6', 'route', 'flush', 'cache']);
  }
}

/** Whether the hosts know each other's MAC addresses for good, or have to ask by ARP. */
export async function knowEachOther({ host1, host2 }: Topology, known: boolean): Promise<void> {
  const ends: [Namespace, string, string, string][] = [
    [host1, '192.168.1.2', '00:00:00:00:00:02', 'veth1'],
    [host2, '192.168.1.1', '00:00:00:00:00:01', 'veth2'],
  ];
  for (const [host, address, mac, link] of ends) {
    const how = known
      ? `replace ${address} lladdr ${mac} dev ${link} nud permanent`
      : `del ${address} dev ${link}`;
    await host.must(['ip', 'neigh', ...how.split(' ')]);
  }
}
