/**
 * `npm run demo`: the article (https://costiser.ro/2019/10/08/macsec-over-wan/), live, with l2vpnd in the place of
 * the kernel's gretap and macsec. Builds the reference topology, joins its two LANs, shows what passes the WAN,
 * finds the largest ping, and measures what MACsec costs. Then it removes everything that it made.
 */
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { iperf, startIperfServer } from './iperf.ts';
import { installCommand, installPrograms, missingPrograms } from './packages.ts';
import { bold, dim, headline, progress, quote, red, say, table } from './screen.ts';
import { daemonPath, type LogLine, Site, siteFile, type TunnelChanges } from './site.ts';
import { createTopology, type Namespace, removeTopology, type Topology } from './topology.ts';

const PREFIX = 'demo';
/** Where the demo's sites keep configuration, state and logs. */
const DIR = join(tmpdir(), 'l2vpnd-demo');
const STREAMS = [1, 3, 5, 7];
const NEEDS = ['ip', 'ping', 'tcpdump', 'iperf'] as const;

const HELP = `npm run demo -- [options]

Two LANs joined over GRE with MACsec by two l2vpnd, in network namespaces on this machine. Needs root.

  --seconds N   how long each iperf measures (default 3)
  --keep        leave everything running at the end, and say how to look around
  --cleanup     remove what --keep left, and end
  --install     install the Debian packages that are missing
  --help        this text
`;

interface Options {
  seconds: number;
  keep: boolean;
  cleanup: boolean;
  install: boolean;
  help: boolean;
}

function readOptions(argv: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      seconds: { type: 'string', default: '3' },
      keep: { type: 'boolean', default: false },
      cleanup: { type: 'boolean', default: false },
      install: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const seconds = Number(values.seconds);
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > 600)
    throw new Error(`--seconds: expected a whole number from 1 to 600, got "${values.seconds}"`);
  return { ...values, seconds };
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (process.getuid?.() !== 0) {
    say(red('The demo makes network namespaces and TAP devices: run it as root (sudo npm run demo).'));
    return 77;
  }
  if (options.cleanup) {
    await removeAll();
    say('Removed the namespaces demo-*, their daemons and their files.');
    return 0;
  }
  if (!(await havePrograms(options.install))) return 69;

  say(bold('\n  l2vpnd: two LANs, one Ethernet, MACsec over GRE, in userspace\n'));
  say(DRAWING);
  let interrupted = false;
  let removal: Promise<void> | undefined;
  const remove = (): Promise<void> => (removal ??= removeAll());
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      interrupted = true;
      say(red('\n  interrupted: removing the namespaces'));
      void remove().finally(() => process.exit(signal === 'SIGINT' ? 130 : 143));
    });
  }
  try {
    await tellTheStory(options);
  } catch (error) {
    // What an interrupted step complains of is the interruption.
    if (interrupted) return await new Promise<never>(() => undefined);
    await remove();
    throw error;
  }
  if (!options.keep) await progress('everything removed', () => remove().then(() => ''));
  return 0;
}

async function havePrograms(install: boolean): Promise<boolean> {
  const missing = missingPrograms(NEEDS);
  if (missing.length === 0) return true;
  if (install) {
    await progress(`installing ${missing.join(', ')}`, async () => {
      await installPrograms(missing);
      return installCommand(missing);
    });
    return true;
  }
  say(`The demo needs ${missing.join(', ')}. Install with: ${bold(installCommand(missing))}`);
  say('or let the demo do it: npm run demo -- --install');
  return false;
}

async function removeAll(): Promise<void> {
  await removeTopology(PREFIX);
  await rm(DIR, { recursive: true, force: true });
}

const DRAWING = `   host1               nsra                wan                nsrb               host2
  192.168.1.1 ─── br0 [macsec1] 1.1.1.1 ─── wan1 │ wan2 ─── 2.2.2.2 [macsec1] br0 ─── 192.168.1.2`;

/** The article's chapters in its order. */
async function tellTheStory(options: Options): Promise<void> {
  headline('Two sites and a WAN between them');
  let topology!: Topology;
  await progress('five network namespaces and their links', async () => {
    // Hosts know nothing of the tunnel: their links have the usual MTU.
    topology = await createTopology({ prefix: PREFIX, hostMtu: 1500 });
    return 'demo-host1, demo-nsra, demo-wan, demo-nsrb, demo-host2';
  });

  const sites = await startSites(topology, 'MACsec over GRE', {});
  await showFirstFrames(topology);
  await showLargestPing(topology);

  headline('What MACsec costs: iperf, host1 to host2');
  say(dim("  the hosts' links have MTU 1500; the tunnel lowers the MSS of TCP to what it carries"));
  const server = await startIperfServer(topology.host2);
  const macsec = await measure(topology, 'MACsec', options.seconds);
  await stopSites(sites);
  const plainSites = await startSites(topology, 'plain GRETAP, in clear', { macsec: null });
  const plain = await measure(topology, 'plain GRETAP', options.seconds);
  await stopSites(plainSites);
  say(dim('  GRE-in-UDP (RFC 8086) takes 8 octets more'));
  const udpSites = await startSites(topology, 'MACsec over GRE-in-UDP', { gre: { encap: 'udp' } });
  const udp = await measure(topology, 'MACsec over UDP', options.seconds);
  await stopSites(udpSites);
  await server.stop();

  headline(`Throughput in Mbit/s, ${options.seconds} s each`);
  table(
    ['iperf', 'plain GRETAP', 'MACsec over GRETAP', 'MACsec / plain', 'MACsec over GRE-in-UDP'],
    STREAMS.map((streams, i) => {
      const [clear, secured] = [plain[i] ?? Number.NaN, macsec[i] ?? Number.NaN];
      const ratio = (secured / clear).toFixed(2);
      return [`-P ${streams}`, mbits(clear), mbits(secured), ratio, mbits(udp[i] ?? Number.NaN)];
    }),
  );
  if (options.keep) await leaveUp(topology);
  say();
}

/** Two daemons, one a router. Says what the first one chose. */
async function startSites(
  topology: Topology,
  what: string,
  changes: TunnelChanges,
  detached = false,
): Promise<[Site, Site]> {
  const sites: [Site, Site] = [
    new Site(topology.nsra, 'site1', siteFile(topology, 1, changes), { dir: join(DIR, 'site1') }),
    new Site(topology.nsrb, 'site2', siteFile(topology, 2, changes), { dir: join(DIR, 'site2') }),
  ];
  await progress(`l2vpnd on both routers: ${what}`, async () => {
    await Promise.all(sites.map((site) => (detached ? site.startDetached() : site.start())));
    const link = await topology.nsra.must(['ip', 'link', 'show', 'macsec1']);
    return `macsec1, MTU ${link.match(/mtu (\d+)/)?.[1]}`;
  });
  if (!detached) sayChoices(sites[0].logs());
  return sites;
}

/** What the daemon chose by itself, from its own log. */
function sayChoices(logs: readonly LogLine[]): void {
  const [starting, up] = ['starting', 'tunnel up'].map((msg) => logs.find((line) => line.msg === msg));
  const aead = up?.sci === undefined ? '' : `; AES-GCM: ${starting?.aead}, ${starting?.engine}`;
  say(dim(`    ${up?.arithmetic ?? ''}${aead}`));
}

async function stopSites(sites: readonly Site[]): Promise<void> {
  await Promise.all(sites.map((site) => site.stop()));
}

/** Ping, and meanwhile tcpdump in the middle of the WAN. */
async function showFirstFrames(topology: Topology): Promise<void> {
  headline('host1 pings host2; tcpdump listens on wan1');
  const listen = ['tcpdump', '-i', 'wan1', '-n', '-e', '-t', '-l', '-c', '4', 'proto gre'];
  const tcpdump = topology.wan.start(listen);
  await tcpdump.waitFor(/listening on/);
  const ping = ['ping', '-c', '4', '-i', '0.2', '192.168.1.2'];
  quote(`ip netns exec demo-host1 ${ping.join(' ')}`, printed(await topology.host1.must(ping)));
  await tcpdump.waitFor(/packets captured/);
  quote(`ip netns exec demo-wan ${listen.join(' ')}`, framesOf(tcpdump.lines));
  say(dim('  the WAN sees GRE with Ethernet in it, the hosts’ MAC addresses, and nothing of what they say'));
  const neighbours = ['ip', 'neigh', 'show', '192.168.1.2'];
  quote(`ip netns exec demo-host1 ${neighbours.join(' ')}`, printed(await topology.host1.must(neighbours)));
}

/** tcpdump's lines of frames: all headers, and the octets that it could not read of the first frame. */
function framesOf(lines: readonly string[]): string[] {
  const isHeader = (line: string): boolean => line.includes('GREv0');
  const [first = 0, second = lines.length] = lines.flatMap((line, i) => (isHeader(line) ? [i] : []));
  return lines
    .filter((line, i) => isHeader(line) || (i > first && i < second))
    .map((line) => line.replace(/,\s*$/, '').replaceAll('\t', '      '));
}

/** 1500 − 20 IP − 4 GRE − 14 Ethernet − 16 SecTAG − 16 ICV = 1430 = 1402 + 8 ICMP + 20 IP. */
async function showLargestPing(topology: Topology): Promise<void> {
  headline('The largest frame: 1500 − 70 = 1430 octets of IP, a ping of 1402');
  expectSaid(await tryPing(topology.host1, 1402, 1), ' 0% packet loss');
  say(dim('  what is longer is answered by the tunnel, as a router would: the host knows then what fits'));
  expectSaid(await tryPing(topology.host1, 1472, 2), 'message too long, mtu=1430');
}

async function tryPing(host: Namespace, size: number, count: number): Promise<string> {
  const ping = ['ping', '-M', 'do', '-s', String(size), '-c', String(count), '-W', '1', '192.168.1.2'];
  const { stdout, stderr } = await host.run(ping);
  const said = stdout + stderr;
  quote(`ip netns exec demo-host1 ${ping.join(' ')}`, printed(said));
  return said;
}

function expectSaid(said: string, words: string): void {
  if (!said.includes(words)) throw new Error(`ping did not say "${words}", which is wrong`);
}

async function measure(topology: Topology, what: string, seconds: number): Promise<number[]> {
  const results: number[] = [];
  for (const streams of STREAMS) {
    await progress(`${what}: iperf -c 192.168.1.2 -t ${seconds} -P ${streams}`, async (line) => {
      const onProgress = (bitsPerSec: number): void => line.note(`${mbits(bitsPerSec)} Mbit/s …`);
      const report = await iperf(topology.host1, '192.168.1.2', { seconds, streams, onProgress });
      results.push(report.bitsPerSec);
      return `${bold(mbits(report.bitsPerSec))} Mbit/s`;
    });
  }
  return results;
}

/** Daemons that outlive the demo, and what to try on them. */
async function leaveUp(topology: Topology): Promise<void> {
  headline('Left running');
  const [site1] = await startSites(topology, 'MACsec over GRE', {}, true);
  const ways = [
    ['a host', 'ip netns exec demo-host1 ping 192.168.1.2'],
    ['the WAN', 'ip netns exec demo-wan tcpdump -n -e -i wan1'],
    ['counters', `${daemonPath()} show -s --config ${site1.configPath}`],
    ['files, log', site1.dir],
    ['remove it', 'npm run demo -- --cleanup'],
  ];
  for (const [what = '', how = ''] of ways) say(`  ${dim(what.padEnd(12))}${how}`);
}

function mbits(bitsPerSec: number): string {
  return (bitsPerSec / 1e6).toFixed(0);
}

function printed(text: string): string[] {
  return text.trimEnd().split('\n');
}

try {
  process.exitCode = await main();
} catch (error) {
  say(red(`\ndemo: ${error instanceof Error ? error.message : String(error)}`));
  process.exitCode = 70;
}
