/** Medians and spread over the rounds of one run, one row per contender. */
import type { Contender } from '../contenders/contender.ts';
import { YARDSTICK } from '../contenders/index.ts';
import type { RoundSample } from '../sites-run.ts';
import { type Summary, summarize } from './statistics.ts';

export interface ContenderRow {
  name: string;
  title: string;
  layer: 2 | 3;
  protection: string;
  version: string;
  mtu: number;
  overhead: string;
  /** Mbit/s by number of streams. */
  tcp: Record<string, Summary>;
  /** Median to the yardstick's median of the same run, by number of streams. */
  ratio: Record<string, number>;
  /** CPU seconds per Gbit with one stream, by site; empty for what the kernel does. */
  cpuPerGbit: Record<string, Summary>;
  /** The same of the whole machine: kernel, hosts' iperf and all. */
  machineCpuPerGbit: Summary;
  pingIdleMs: Summary | null;
  pingLoadedMs: Summary | null;
  /** All idle and loaded pings. */
  pingsSent: number;
  pingsLost: number;
  udpFramesPerSecond: Summary | null;
  /** The sender or the number of trials was the limit in at least one round. */
  udpOpenEnded: boolean;
  residentMb: Summary | null;
  fragments: number;
  failures: string[];
}

/** What a row is made of besides the samples. */
export interface Entrant {
  contender: Contender;
  version: string;
}

export function aggregate(entrants: readonly Entrant[], samples: readonly RoundSample[]): ContenderRow[] {
  const rows = entrants.map(({ contender, version }) =>
    rowOf(
      contender,
      version,
      samples.filter((sample) => sample.contender === contender.name),
    ),
  );
  const yardstick = rows.find(({ name }) => name === YARDSTICK);
  for (const row of rows) {
    for (const [streams, { median: mbit }] of Object.entries(row.tcp)) {
      const base = yardstick?.tcp[streams]?.median;
      if (base !== undefined) row.ratio[streams] = mbit / base;
    }
  }
  return rows;
}

function rowOf(contender: Contender, version: string, all: readonly RoundSample[]): ContenderRow {
  const good = all.filter(({ failure }) => failure === null);
  const pings = good.flatMap(({ pingIdle, pingLoaded }) => [pingIdle, pingLoaded]).filter((p) => p !== null);
  const single = good.flatMap(({ tcp }) => tcp.slice(0, 1));
  const sites = Object.keys(single[0]?.cpuPerGbit.processes ?? {});
  return {
    name: contender.name,
    title: contender.title,
    layer: contender.layer,
    protection: contender.protection,
    version,
    mtu: contender.mtu,
    overhead: contender.overhead,
    tcp: Object.fromEntries(
      [...new Set(good.flatMap(({ tcp }) => tcp.map(({ streams }) => streams)))].map((streams) => [
        streams,
        summarize(
          good.flatMap(({ tcp }) => tcp.filter((t) => t.streams === streams)).map((t) => t.mbitPerSecond),
        ),
      ]),
    ),
    ratio: {},
    cpuPerGbit: Object.fromEntries(
      sites.map((site) => [site, summarize(single.map((t) => t.cpuPerGbit.processes[site] ?? Number.NaN))]),
    ),
    machineCpuPerGbit: summarize(single.map((t) => t.cpuPerGbit.machine)),
    pingIdleMs: maybe(good.map(({ pingIdle }) => pingIdle?.medianMs)),
    pingLoadedMs: maybe(good.map(({ pingLoaded }) => pingLoaded?.medianMs)),
    pingsSent: pings.reduce((sum, { sent }) => sum + sent, 0),
    pingsLost: pings.reduce((sum, { sent, received }) => sum + sent - received, 0),
    udpFramesPerSecond: maybe(good.map(({ udp }) => udp?.framesPerSecond)),
    udpOpenEnded: good.some(({ udp }) => udp?.openEnded === true),
    residentMb: maybe(good.map(({ memory }) => memory?.residentMb)),
    fragments: all.reduce((sum, { fragments }) => sum + fragments, 0),
    failures: all.flatMap(({ failure, round }) => (failure === null ? [] : [`round ${round}: ${failure}`])),
  };
}

function maybe(values: readonly (number | undefined)[]): Summary | null {
  const known = values.filter((value): value is number => value !== undefined && !Number.isNaN(value));
  return known.length === 0 ? null : summarize(known);
}

/** CPU seconds per Gbit of the busier of a row's processes; NaN where there is none. */
export function busiestCpu(row: ContenderRow): number {
  const values = Object.values(row.cpuPerGbit).map((summary) => summary.median);
  return values.length === 0 ? Number.NaN : Math.max(...values);
}
