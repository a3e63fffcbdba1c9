/**
 * A hub: one daemon with very many tunnels of which all but one are idle. How long it takes to start and to stop, its
 * memory and idle CPU, and whether the one that carries traffic is as fast among the others as alone.
 */
import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Site, type SiteFile, siteFile, type TunnelFile } from '../lab/site.ts';
import type { Topology } from '../lab/topology.ts';
import { createL2vpnd, type L2vpndVariant } from './contenders/l2vpnd.ts';
import { withUndo } from './lab.ts';
import { runTcp } from './measure/iperf.ts';
import { awaitPath, runPing } from './measure/ping.ts';
import { readMemory, threadSeconds } from './measure/usage.ts';
import { median } from './report/statistics.ts';

export interface ScalePlan {
  readonly tunnels: number;
  readonly rounds: number;
  readonly seconds: number;
}

export interface ScaleFigures {
  readonly variant: string;
  readonly tunnels: number;
  /** From the start of the process to `ready`, and from SIGTERM to its end. */
  readonly startMs: number;
  readonly stopMs: number;
  readonly residentMb: number;
  /** Share of one core while nothing happens. */
  readonly idleShare: number;
  /** Medians: alone, and among the others. */
  readonly mbitPerSecond: readonly [alone: number, among: number];
  readonly pingMs: readonly [alone: number, among: number];
}

const START_TIMEOUT_MS = 120_000;
const IDLE_SECONDS = 5;

interface Round {
  readonly startMs: number;
  readonly stopMs: number;
  readonly residentMb: number;
  readonly idleShare: number;
  readonly mbitPerSecond: number;
  readonly pingMs: number;
}

export async function measureScale(
  topology: Topology,
  variant: L2vpndVariant,
  plan: ScalePlan,
): Promise<ScaleFigures> {
  const alone: Round[] = [];
  const among: Round[] = [];
  for (let round = 0; round < plan.rounds; round++) {
    alone.push(await runOne(topology, variant, plan, 0));
    among.push(await runOne(topology, variant, plan, plan.tunnels - 1));
  }
  const of = (rounds: readonly Round[], figure: keyof Round): number =>
    median(rounds.map((round) => round[figure]));
  const both = (figure: keyof Round): [number, number] => [of(alone, figure), of(among, figure)];
  return {
    variant: variant.name,
    tunnels: plan.tunnels,
    startMs: of(among, 'startMs'),
    stopMs: of(among, 'stopMs'),
    residentMb: of(among, 'residentMb'),
    idleShare: of(among, 'idleShare'),
    mbitPerSecond: both('mbitPerSecond'),
    pingMs: both('pingMs'),
  };
}

async function runOne(
  topology: Topology,
  variant: L2vpndVariant,
  plan: ScalePlan,
  idle: number,
): Promise<Round> {
  const hub = new Site(topology.nsra, 'hub', hubFile(topology, variant, idle));
  const spoke = new Site(topology.nsrb, 'spoke', siteFile(topology, 2, { gre: { encap: variant.encap } }));
  return withUndo(
    async () => {
      await topology.setHostMtu(createL2vpnd(variant).mtu);
      await spoke.start();
      const started = performance.now();
      await hub.start(START_TIMEOUT_MS);
      const startMs = performance.now() - started;
      await awaitPath(topology, 15);
      const idleShare = await idleShareOf(hub.pid);
      const { residentMb } = readMemory(hub.pid);
      const { medianMs } = await runPing(topology, 100, 10);
      const { mbitPerSecond } = await runTcp(topology, 1, plan.seconds);
      const stopping = performance.now();
      await hub.stop('SIGTERM', START_TIMEOUT_MS);
      const stopMs = performance.now() - stopping;
      return { startMs, stopMs, residentMb, idleShare, mbitPerSecond, pingMs: medianMs };
    },
    async () => {
      await hub.dispose();
      await spoke.dispose();
    },
  );
}

async function idleShareOf(pid: number): Promise<number> {
  const before = threadSeconds(pid);
  const start = performance.now();
  await pause(IDLE_SECONDS * 1000);
  return (threadSeconds(pid) - before) / ((performance.now() - start) / 1000);
}

/** The reference tunnel, and `idle` others to peers that nobody is. */
function hubFile(topology: Topology, variant: L2vpndVariant, idle: number): SiteFile {
  const reference = siteFile(topology, 1, { gre: { encap: variant.encap } });
  const others = Array.from({ length: idle }, (_, i) => idleTunnel(topology, variant, i));
  return { ...reference, tunnels: [...reference.tunnels, ...others], log: { level: 'info' } };
}

function idleTunnel(topology: Topology, { encap }: L2vpndVariant, i: number): TunnelFile {
  const host = `${1 + (i >> 8)}.${i & 0xff}`;
  const octets = [0x10 + (i >> 8), i & 0xff].map((octet) => octet.toString(16).padStart(2, '0')).join(':');
  return {
    name: `idle${i}`,
    tap: { ifname: `idle${i}`, mac: `02:00:00:01:${octets}` },
    // A port of its own, as the daemon has it for a peer that is dynamic.
    gre: {
      local: topology.site1.underlay,
      remote: `10.77.${host}`,
      encap,
      ...(encap === 'udp' ? { port: 10_000 + i } : {}),
    },
    macsec: {
      txSa: [{ an: 0, keyId: '01', key: keyOf(`tx ${i}`) }],
      rxSc: [{ mac: `02:00:00:02:${octets}`, sa: [{ an: 0, keyId: '02', key: keyOf(`rx ${i}`) }] }],
    },
  };
}

/** Keys for nobody: any two differ. */
function keyOf(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 32);
}
