/**
 * How long nothing is forwarded while one process takes the place of another, in the reference topology: pings every 2 ms and
 * a TCP stream go on meanwhile.
 *
 *     node dist/bench/hand-over.js [--rounds 10] [--how take-over|restart]
 *
 * What is lost, and the longest round trip, which is how long a frame has waited. `process` is the daemon's own word: from the
 * end of the old one's lanes to the moment when it lets the new one run.
 */
import { parseArgs } from 'node:util';
import { startIperfServer } from '../lab/iperf.ts';
import type { Background } from '../lab/run.ts';
import { ServiceManager } from '../lab/service-manager.ts';
import { daemonPath, EXAMPLE_KEYS, Site, siteFile, type TunnelChanges } from '../lab/site.ts';
import { createTopology, type Topology } from '../lab/topology.ts';
import { median } from './report/statistics.ts';

const HOST2 = '192.168.1.2';
const MKA = { mka: { ckn: '6c32', cak: '5a'.repeat(32) } };
const KINDS: readonly (readonly [string, TunnelChanges])[] = [
  ['static keys', {}],
  ['static keys, UDP', { gre: { encap: 'udp' } }],
  ['key agreement', { macsec: MKA }],
  ['key agreement, UDP', { macsec: MKA, gre: { encap: 'udp' } }],
];

interface Round {
  readonly lost: number;
  readonly waitedMs: number;
  /** Of the daemon; NaN where it does not say. */
  readonly processMs: number;
}

/** Pings every 2 ms while `work` runs and for a moment before and after. */
async function pinged({ host1 }: Topology, work: () => Promise<number>): Promise<Round> {
  const ping = host1.start(['ping', '-n', '-i', '0.002', '-W', '2', HOST2]);
  await ping.waitFor(/icmp_seq=50 /);
  const processMs = await work();
  await ping.waitFor(/icmp_seq=\d+ /, 5000, ping.lines.length + 100);
  await ping.stop('SIGINT');
  const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(ping.lines.join('\n')) ?? [];
  const times = ping.lines.flatMap((line) => / time=([\d.]+) ms/.exec(line)?.slice(1).map(Number) ?? []);
  const typical = median(times);
  // Those on their way at the end are not lost.
  const onTheirWay = Math.ceil(typical / 2) + 1;
  return {
    lost: Math.max(0, Number(sent) - Number(received) - onTheirWay),
    waitedMs: Math.max(...times) - typical,
    processMs,
  };
}

async function takeOver(site: Site): Promise<number> {
  const said = await site.takeOver();
  return Number(said.find(({ msg }) => msg.startsWith('handed over'))?.ms ?? Number.NaN);
}

async function startStream(topology: Topology): Promise<{ server: Background; client: Background }> {
  const server = await startIperfServer(topology.host2);
  const client = topology.host1.start(['iperf', '-c', HOST2, '-t', '600', '-b', '50M']);
  await server.waitFor(/connected with/);
  return { server, client };
}

/** That the TCP connection lives on, at both ends, and is the one that it was. */
function connections({ lines }: Background): number {
  return lines.filter((line) => line.includes('connected with')).length;
}

async function measure(
  topology: Topology,
  changes: TunnelChanges,
  how: string,
  rounds: number,
): Promise<Round[]> {
  const [site, peer] = [1, 2].map(
    (side) =>
      new Site(
        side === 1 ? topology.nsra : topology.nsrb,
        `site${side}`,
        siteFile(topology, side as 1 | 2, changes),
      ),
  ) as [Site, Site];
  try {
    await peer.start();
    await site.prepare();
    const argv = [process.execPath, daemonPath(), EXAMPLE_KEYS, '--config', site.configPath];
    const manager = how === 'restart' ? await ServiceManager.start(topology.nsra, 64, argv) : null;
    if (manager === null) await site.start();
    await topology.host1.must(['ping', '-c', '1', '-w', '10', HOST2]);
    const { server, client } = await startStream(topology);
    const all: Round[] = [];
    for (let i = 0; i < rounds; i++) {
      all.push(
        await pinged(topology, async () => {
          if (manager === null) return takeOver(site);
          await manager.restart();
          return Number.NaN;
        }),
      );
    }
    if (client.exit !== undefined || connections(server) !== 1)
      throw new Error('the TCP connection has ended');
    await client.stop('SIGKILL');
    await server.stop('SIGKILL');
    await manager?.stop();
    return all;
  } finally {
    await Promise.all([site.dispose(), peer.dispose()]);
  }
}

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '10' }, how: { type: 'string', default: 'take-over' } },
});
const topology = await createTopology({ prefix: `${process.env.L2VPND_LAB ?? 'bench'}-ho` });
try {
  process.stdout.write(
    `${values.how}, ${values.rounds} times | frames waited, ms: median, longest | process, ms: median | lost\n`,
  );
  for (const [name, changes] of KINDS) {
    const all = await measure(topology, changes, values.how, Number(values.rounds));
    const waited = all.map(({ waitedMs }) => waitedMs);
    const lost = all.reduce((sum, one) => sum + one.lost, 0);
    const processMs = median(all.map((one) => one.processMs));
    process.stdout.write(
      `${name} | ${median(waited).toFixed(1)}, ${Math.max(...waited).toFixed(1)} | ${processMs.toFixed(0)} | ${lost}\n`,
    );
  }
} finally {
  await topology.destroy();
}
