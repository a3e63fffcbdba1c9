/**
 * What key agreement costs beside static keys: from the start of both sites to the first frame, what a new SAK each second
 * takes of the throughput and loses of frames, and what hellos of very many tunnels take of a core and of memory.
 */
import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { type MacsecFile, Site, type SiteFile, siteFile, type TunnelFile } from '../lab/site.ts';
import type { Topology } from '../lab/topology.ts';
import { pinNeighbours } from './daemon.ts';
import { withUndo } from './lab.ts';
import { runTcp, runUdp } from './measure/iperf.ts';
import { awaitPath } from './measure/ping.ts';
import { readMemory, threadSeconds } from './measure/usage.ts';
import { median, type Summary, summarize } from './report/statistics.ts';

export interface MkaPlan {
  readonly starts: number;
  readonly rounds: number;
  /** Of a run of traffic. */
  readonly seconds: number;
  readonly tunnels: number;
}

export interface MkaFigures {
  /** Of the machine, by load average, before each. */
  readonly load: readonly number[];
  readonly startToPingMs: { readonly fixed: Summary; readonly agreed: Summary };
  readonly rekey: RekeyFigures;
  readonly hub: { readonly tunnels: number; readonly fixed: HubFigures; readonly agreed: HubFigures };
}

/** A new SAK each second; medians. */
export interface RekeyFigures {
  readonly seconds: number;
  readonly saks: number;
  readonly mbitPerSecond: { readonly fixed: number; readonly agreed: number };
  readonly datagrams: number;
  /** Frames that one site sent and the other did not take, whatever the reason. */
  readonly framesLost: number;
}

export interface HubFigures {
  /** Share of one core that one end takes while nothing but hellos happens. */
  readonly idleShare: number;
  readonly residentMb: number;
}

type Keys = 'fixed' | 'agreed';

const CKN = '6c32';
const START_TIMEOUT_MS = 180_000;
const IDLE_SECONDS = 10;
/** Forty hellos at the standard `helloMs`, and some. */
const CALM_MS = 30_000;
/** Datagrams that a machine of two cores carries with ease. */
const UDP_RATE = 10_000;
const UDP_OCTETS = 1000;

export async function measureMka(
  topology: Topology,
  plan: MkaPlan,
  loadNow: () => number,
): Promise<MkaFigures> {
  await topology.setHostMtu(1430);
  const load = [loadNow()];
  const startToPingMs = await measureStart(topology, plan);
  load.push(loadNow());
  const rekey = await measureRekey(topology, plan);
  load.push(loadNow());
  const fixed = await measureHub(topology, plan.tunnels, 'fixed');
  const agreed = await measureHub(topology, plan.tunnels, 'agreed');
  return { load, startToPingMs, rekey, hub: { tunnels: plan.tunnels, fixed, agreed } };
}

function macsecOf(keys: Keys, name: string, changes: object = {}): MacsecFile {
  return keys === 'fixed' ? {} : { mka: { ckn: CKN, cak: keyOf(name), ...changes } };
}

/** Keys for nobody: any two differ. */
function keyOf(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 32);
}

async function withSites<T>(
  topology: Topology,
  files: readonly [SiteFile, SiteFile],
  work: (sites: [Site, Site]) => Promise<T>,
): Promise<T> {
  const sites: [Site, Site] = [
    new Site(topology.nsra, 'site1', files[0]),
    new Site(topology.nsrb, 'site2', files[1]),
  ];
  return withUndo(
    () => work(sites),
    () => Promise.all(sites.map((site) => site.dispose())),
  );
}

function bothFiles(topology: Topology, macsec: MacsecFile): [SiteFile, SiteFile] {
  return [siteFile(topology, 1, { macsec }), siteFile(topology, 2, { macsec })];
}

async function measureStart(topology: Topology, { starts }: MkaPlan): Promise<MkaFigures['startToPingMs']> {
  const times: Record<Keys, number[]> = { fixed: [], agreed: [] };
  for (let i = 0; i < starts; i++) {
    for (const keys of ['fixed', 'agreed'] as const) {
      const files = bothFiles(topology, macsecOf(keys, 'start'));
      times[keys].push(await withSites(topology, files, (sites) => timeStart(topology, sites)));
    }
  }
  return { fixed: summarize(times.fixed), agreed: summarize(times.agreed) };
}

/** A ping every 10 ms from before both start on; the first answer's own time stamp tells. */
async function timeStart(topology: Topology, sites: readonly Site[]): Promise<number> {
  await pinNeighbours(topology);
  const argv = ['stdbuf', '-oL', 'ping', '-n', '-D', '-i', '0.01', '-w', '15', topology.site2.host];
  const ping = topology.host1.start(argv);
  try {
    await ping.waitFor(/^PING/);
    await Promise.all(sites.map((site) => site.prepare()));
    const startedMs = Date.now();
    await Promise.all(sites.map((site) => site.start()));
    const [, seconds] = await ping.waitFor(/^\[([\d.]+)\] \d+ bytes from/);
    return Number(seconds) * 1000 - startedMs;
  } finally {
    await ping.stop('SIGKILL');
  }
}

async function measureRekey(topology: Topology, { rounds, seconds }: MkaPlan): Promise<RekeyFigures> {
  const mbit: Record<Keys, number[]> = { fixed: [], agreed: [] };
  const runs: { lost: number; saks: number; datagrams: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const keys of ['fixed', 'agreed'] as const) {
      const files = bothFiles(topology, macsecOf(keys, 'rekey', { rekeySeconds: 1 }));
      await withSites(topology, files, async (sites) => {
        await Promise.all(sites.map((site) => site.start()));
        await awaitPath(topology, 15);
        await runTcp(topology, 1, 0.5);
        const saks = saksOf(sites);
        mbit[keys].push((await runTcp(topology, 1, seconds)).mbitPerSecond);
        if (keys === 'fixed') return;
        const before = await framesOf(sites);
        const { offered } = await runUdp(topology, UDP_OCTETS, UDP_RATE, seconds);
        const after = await framesOf(sites);
        const lost = after.sent - before.sent - (after.taken - before.taken);
        runs.push({ lost, saks: saksOf(sites) - saks, datagrams: Math.round(offered * seconds) });
      });
    }
  }
  const sum = (of: (run: (typeof runs)[number]) => number): number =>
    runs.reduce((all, run) => all + of(run), 0);
  return {
    ...{ seconds, saks: sum(({ saks }) => saks), datagrams: sum(({ datagrams }) => datagrams) },
    framesLost: sum(({ lost }) => lost),
    mbitPerSecond: { fixed: median(mbit.fixed), agreed: median(mbit.agreed) },
  };
}

/** SAKs that site 1 has taken into use. */
function saksOf([site1]: readonly Site[]): number {
  return site1!.output().match(/mka: SAK in use/g)?.length ?? 0;
}

/** Frames that site 1 has protected, and that site 2 has taken. */
async function framesOf([site1, site2]: readonly Site[]): Promise<{ sent: number; taken: number }> {
  const [one, two] = [await site1!.counters(), await site2!.counters()];
  return { sent: one.OutPktsEncrypted ?? 0, taken: two.InPktsOK ?? 0 };
}

async function measureHub(topology: Topology, tunnels: number, keys: Keys): Promise<HubFigures> {
  const files = [1, 2].map((side) => hubFile(topology, side as 1 | 2, tunnels, keys)) as [SiteFile, SiteFile];
  return withSites(topology, files, async (sites) => {
    for (const site of sites) await site.start(START_TIMEOUT_MS);
    if (keys === 'agreed') await untilKeyed(sites[0], tunnels);
    // What is compiled while all begin at once is no part of it, nor are the hellos before all is calm.
    await pause(keys === 'agreed' ? CALM_MS : 3000);
    const { pid } = sites[0];
    const [before, start] = [threadSeconds(pid), performance.now()];
    await pause(IDLE_SECONDS * 1000);
    const idleShare = (threadSeconds(pid) - before) / ((performance.now() - start) / 1000);
    const { residentMb } = readMemory(pid);
    return { idleShare, residentMb };
  });
}

async function untilKeyed(site: Site, tunnels: number): Promise<void> {
  for (const end = Date.now() + START_TIMEOUT_MS; saksOf([site]) < tunnels; ) {
    if (Date.now() > end) throw new Error(`${saksOf([site])} of ${tunnels} tunnels have agreed on a key`);
    await pause(100);
  }
}

/** Tunnels that have their peers at the other site. */
function hubFile(topology: Topology, side: 1 | 2, tunnels: number, keys: Keys): SiteFile {
  const all = Array.from({ length: tunnels }, (_, i) => pairedTunnel(topology, side, i, keys));
  return { tunnels: all, log: { level: 'info' } };
}

function pairedTunnel(topology: Topology, side: 1 | 2, i: number, keys: Keys): TunnelFile {
  const octets = [i >> 8, i & 0xff].map((octet) => octet.toString(16).padStart(2, '0')).join(':');
  const macOf = (which: number): string => `02:00:00:0${which}:${octets}`;
  const [own, peer] = side === 1 ? [topology.site1, topology.site2] : [topology.site2, topology.site1];
  return {
    name: `t${i}`,
    tap: { ifname: `t${i}`, mac: macOf(side) },
    gre: { local: own.underlay, remote: peer.underlay, encap: 'udp', port: 10_000 + i },
    macsec:
      keys === 'agreed'
        ? macsecOf(keys, `${i}`)
        : {
            txSa: [{ an: 0, keyId: '01', key: keyOf(`${i} from ${side}`) }],
            rxSc: [
              { mac: macOf(3 - side), sa: [{ an: 0, keyId: '02', key: keyOf(`${i} from ${3 - side}`) }] },
            ],
          },
  };
}
