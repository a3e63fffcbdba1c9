/** What a daemon costs while nothing happens, and how fast it is there: memory, idle CPU, start to first frame. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Topology } from '../lab/topology.ts';
import { createSites, type L2vpndVariant } from './contenders/l2vpnd.ts';
import { withUndo } from './lab.ts';
import { awaitPath } from './measure/ping.ts';
import { readMemory, threadSeconds } from './measure/usage.ts';
import { type Summary, summarize } from './report/statistics.ts';

export interface DaemonFigures {
  variant: string;
  idleSeconds: number;
  /** Share of one core, of the busier of the two daemons: 0.01 is 1 %. */
  idleShare: number;
  /** Megabytes (10^6 octets) of the larger of the two, idle, no traffic yet but a ping. */
  idleResidentMb: number;
  /** From the start of the process until a ping came back through it; the other site runs already. */
  startToFirstFrameMs: Summary;
}

export interface DaemonPlan {
  idleSeconds: number;
  starts: number;
}

export async function measureDaemon(
  topology: Topology,
  variant: L2vpndVariant,
  plan: DaemonPlan,
): Promise<DaemonFigures> {
  const sites = createSites(topology, variant);
  return withUndo(
    () => measure(topology, sites, variant, plan),
    () => undo(topology, sites),
  );
}

async function measure(
  topology: Topology,
  sites: ReturnType<typeof createSites>,
  variant: L2vpndVariant,
  plan: DaemonPlan,
): Promise<DaemonFigures> {
  await Promise.all(sites.map((site) => site.start()));
  await awaitPath(topology, 15);
  const pids = sites.map(({ pid }) => pid);
  const before = pids.map(threadSeconds);
  const start = performance.now();
  await pause(plan.idleSeconds * 1000);
  const elapsed = (performance.now() - start) / 1000;
  const shares = pids.map((pid, i) => (threadSeconds(pid) - before[i]!) / elapsed);
  const idleResidentMb = Math.max(...pids.map((pid) => readMemory(pid).residentMb));

  await pinNeighbours(topology);
  const times: number[] = [];
  for (let i = 0; i < plan.starts; i++) {
    await sites[0].stop();
    times.push(await timeStart(topology, sites[0]));
  }
  return {
    variant: variant.name,
    idleSeconds: elapsed,
    idleShare: Math.max(...shares),
    idleResidentMb,
    startToFirstFrameMs: summarize(times),
  };
}

async function undo({ host1, host2 }: Topology, sites: ReturnType<typeof createSites>): Promise<void> {
  await Promise.all(sites.map((site) => site.dispose()));
  await Promise.all([host1, host2].map((host) => host.run(['ip', 'neigh', 'flush', 'all', 'nud', 'all'])));
}

/** A ping every 10 ms from before the start on: the first answer's own time stamp tells. */
async function timeStart(topology: Topology, site: ReturnType<typeof createSites>[0]): Promise<number> {
  const ping = topology.host1.start([
    'stdbuf',
    '-oL',
    'ping',
    '-n',
    '-D',
    '-i',
    '0.01',
    '-w',
    '15',
    topology.site2.host,
  ]);
  try {
    await ping.waitFor(/^PING/);
    const startedMs = Date.now();
    await site.start();
    const [, seconds] = await ping.waitFor(/^\[([\d.]+)\] \d+ bytes from/);
    return Number(seconds) * 1000 - startedMs;
  } finally {
    await ping.stop('SIGKILL');
  }
}

/** Fixed ARP entries: a host that asks once a second would hide what is measured. */
export async function pinNeighbours({ host1, host2, site1, site2 }: Topology): Promise<void> {
  await host1.ip(`neigh replace ${site2.host} lladdr ${site2.hostMac} dev veth1 nud permanent\n`);
  await host2.ip(`neigh replace ${site1.host} lladdr ${site1.hostMac} dev veth2 nud permanent\n`);
}
