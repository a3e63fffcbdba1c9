/**
 * `npm run bench`: the codecs and stages in frames/s, octets allocated per frame, the daemon's memory, idle CPU and
 * start, and the demo's iperf beside fastd, OpenVPN and tinc. Written to bench/results/ as JSON and Markdown. The
 * micro part needs no privileges, the rest root; see `--help`.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Topology } from '../lab/topology.ts';
import { allContenders, L2VPND_VARIANTS, YARDSTICK } from './contenders/index.ts';
import { type DaemonFigures, type DaemonPlan, measureDaemon } from './daemon.ts';
import { admit, type Skipped } from './entrants.ts';
import { inLab } from './lab.ts';
import type { AllocationResult } from './micro/allocation.ts';
import type { MicroPlan, MicroResult } from './micro/bench.ts';
import { runAllocation, runMicro } from './micro/run.ts';
import { type MkaFigures, type MkaPlan, measureMka } from './mka.ts';
import { integerList, positive, positiveInteger } from './options.ts';
import { aggregate, type ContenderRow } from './report/aggregate.ts';
import { describeMachine, type Machine, machineLine } from './report/machine.ts';
import { mkaLine, mkaSection } from './report/mka.ts';
import { PACKAGE_ROOT, RESULTS } from './report/paths.ts';
import { alignColumns, complaints, consoleTable, table, throughputTable } from './report/table.ts';
import { measureScale, type ScaleFigures, type ScalePlan } from './scale.ts';
import { type Plan, type RoundSample, runRounds } from './sites-run.ts';

const HELP = `usage: npm run bench -- [options]

  --part LIST       micro, daemon, scale, mka, sites (default all five)
  --tunnels N       of the hub in the parts "scale" and "mka" (default 1000)
  --rounds N        rounds of the end-to-end part, interleaved (default 3)
  --seconds N       of each TCP run (default 3)
  --streams LIST    parallel TCP streams (default 1,5)
  --quick           shorter samples, 1 round of 1 s
`;

/** The end-to-end part: our own variants, and the three to be measured against. */
const CONTENDERS = ['l2vpnd', 'fastd', 'openvpn', 'tinc'];
const PARTS = ['micro', 'daemon', 'scale', 'mka', 'sites'] as const;
type Part = (typeof PARTS)[number];

interface Options {
  parts: Part[];
  micro: MicroPlan;
  daemon: DaemonPlan;
  scale: ScalePlan;
  mka: MkaPlan;
  sites: Plan;
}

/** What was not run is null. */
interface Report {
  machine: Machine;
  micro: MicroResult[] | null;
  allocation: AllocationResult[] | null;
  daemon: DaemonFigures[] | null;
  scale: ScaleFigures[] | null;
  mka: MkaFigures | null;
  sites: {
    plan: Plan;
    yardstick: string;
    skipped: Skipped[];
    rows: ContenderRow[];
    samples: RoundSample[];
  } | null;
}

function parseOptions(argv: readonly string[]): Options | null {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      part: { type: 'string', default: PARTS.join(',') },
      rounds: { type: 'string' },
      tunnels: { type: 'string' },
      seconds: { type: 'string' },
      streams: { type: 'string', default: '1,5' },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return null;
  const { quick } = values;
  const parts = values.part.split(',').map((name) => {
    const part = PARTS.find((known) => known === name);
    if (part === undefined) throw new Error(`--part: no part "${name}"; there are ${PARTS.join(', ')}`);
    return part;
  });
  return {
    parts,
    micro: quick ? { warmupMs: 60, sampleMs: 40, samples: 3 } : { warmupMs: 200, sampleMs: 100, samples: 5 },
    daemon: quick ? { idleSeconds: 2, starts: 1 } : { idleSeconds: 5, starts: 3 },
    scale: {
      tunnels: positiveInteger('tunnels', values.tunnels, 1000),
      rounds: quick ? 1 : 3,
      seconds: quick ? 1 : 2,
    },
    mka: {
      starts: quick ? 1 : 5,
      rounds: quick ? 1 : 3,
      seconds: positive('seconds', values.seconds, quick ? 3 : 20),
      tunnels: positiveInteger('tunnels', values.tunnels, 1000),
    },
    sites: {
      rounds: positiveInteger('rounds', values.rounds, quick ? 1 : 3),
      seconds: positive('seconds', values.seconds, quick ? 1 : 3),
      streams: integerList('streams', values.streams),
      pings: 0,
      udp: null,
    },
  };
}

async function main(argv: readonly string[]): Promise<void> {
  const options = parseOptions(argv);
  if (options === null) {
    process.stdout.write(HELP);
    return;
  }
  const machine = describeMachine(PACKAGE_ROOT);
  say(machineLine(machine));
  const report: Report = {
    ...{ machine, micro: null, allocation: null, daemon: null, scale: null, mka: null, sites: null },
  };
  if (options.parts.includes('micro')) {
    report.micro = runMicro(options.micro, (result) => say(microLine(result)));
    report.allocation = runAllocation();
    for (const one of report.allocation) say(allocationLine(one));
  }
  if (options.parts.some((part) => part !== 'micro')) {
    if (process.getuid?.() !== 0) say('not root: the daemon and end-to-end parts are skipped');
    else
      await inLab(async (topology) => {
        if (options.parts.includes('daemon')) report.daemon = await runDaemon(topology, options.daemon);
        if (options.parts.includes('scale')) report.scale = await runScale(topology, options.scale);
        if (options.parts.includes('mka')) report.mka = await runMka(topology, options.mka);
        if (options.parts.includes('sites')) report.sites = await runSites(topology, options.sites);
      });
  }
  await mkdir(RESULTS, { recursive: true });
  await writeFile(join(RESULTS, 'bench.json'), `${JSON.stringify(report, null, 2)}\n`);
  await writeFile(join(RESULTS, 'bench.md'), markdown(report));
  if (report.sites) {
    process.stdout.write(`\n${consoleTable(report.sites.rows, options.sites.streams)}\n`);
    for (const line of complaints(report.sites.rows)) say(line);
    if (report.sites.rows.some(({ failures }) => failures.length > 0)) process.exitCode = 1;
  }
}

async function runDaemon(topology: Topology, plan: DaemonPlan): Promise<DaemonFigures[]> {
  const figures: DaemonFigures[] = [];
  for (const variant of L2VPND_VARIANTS.filter(
    ({ name }) => name === 'l2vpnd-raw' || name === 'l2vpnd-udp',
  )) {
    const one = await measureDaemon(topology, variant, plan);
    say(daemonLine(one));
    figures.push(one);
  }
  return figures;
}

async function runScale(topology: Topology, plan: ScalePlan): Promise<ScaleFigures[]> {
  const figures: ScaleFigures[] = [];
  for (const variant of L2VPND_VARIANTS.filter(
    ({ name }) => name === 'l2vpnd-raw' || name === 'l2vpnd-udp',
  )) {
    const one = await measureScale(topology, variant, plan);
    say(scaleLine(one));
    figures.push(one);
  }
  return figures;
}

async function runMka(topology: Topology, plan: MkaPlan): Promise<MkaFigures> {
  const figures = await measureMka(topology, plan, () => loadavg()[0]!);
  say(mkaLine(figures));
  return figures;
}

async function runSites(topology: Topology, plan: Plan): Promise<NonNullable<Report['sites']>> {
  const { entrants, skipped } = await admit(topology, allContenders(), CONTENDERS);
  for (const { name, why } of skipped) say(`skipped  ${name.padEnd(16)} ${why}`);
  const contenders = entrants.map(({ contender }) => contender);
  const samples = await runRounds(topology, contenders, plan, say);
  return { plan, yardstick: YARDSTICK, skipped, rows: aggregate(entrants, samples), samples };
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

function microLine({ name, frameLen, provider, framesPerSecond, nsPerFrame }: MicroResult): string {
  return alignColumns([
    [
      `${name.padEnd(22)}${(provider ?? '').padEnd(14)}`,
      (frameLen ?? '').toString().padStart(5),
      `${(framesPerSecond / 1e6).toFixed(2)} M frames/s`.padStart(18),
      `${nsPerFrame.toFixed(0)} ns`.padStart(9),
    ],
  ]);
}

function allocationLine(one: AllocationResult): string {
  return (
    `allocated by a ${one.lane} batch, ${one.provider}, ${one.frameLen} octets: ` +
    `${one.heapOctetsPerFrame.toFixed(1)} on the heap and ${one.externalOctetsPerFrame.toFixed(1)} outside, per frame`
  );
}

function daemonLine(one: DaemonFigures): string {
  return (
    `${one.variant}: ${one.idleResidentMb.toFixed(0)} MB, idle ${(one.idleShare * 100).toFixed(2)} % of a core, ` +
    `first frame ${one.startToFirstFrameMs.median.toFixed(0)} ms after the start`
  );
}

function scaleLine(one: ScaleFigures): string {
  const [alone, among] = one.mbitPerSecond;
  return (
    `${one.variant}: ${one.tunnels} tunnels, ready after ${(one.startMs / 1000).toFixed(1)} s, stopped after ` +
    `${(one.stopMs / 1000).toFixed(1)} s, ${one.residentMb.toFixed(0)} MB, idle ${(one.idleShare * 100).toFixed(2)} % of a core; ` +
    `one of them ${among.toFixed(0)} Mbit/s, alone ${alone.toFixed(0)}; ping ${one.pingMs
      .map((ms) => ms.toFixed(3))
      .reverse()
      .join(', alone ')} ms`
  );
}

function scaleSection(scale: readonly ScaleFigures[]): string {
  const rows = scale.map((one) => [
    one.variant,
    `${one.tunnels}`,
    (one.startMs / 1000).toFixed(1),
    (one.stopMs / 1000).toFixed(1),
    one.residentMb.toFixed(0),
    (one.idleShare * 100).toFixed(2),
    one.mbitPerSecond.map((mbit) => mbit.toFixed(0)).join(' / '),
    one.pingMs.map((ms) => ms.toFixed(3)).join(' / '),
  ]);
  const header = [
    ...['daemon', 'tunnels', 'start, s', 'stop, s', 'resident memory, MB', 'idle, % of a core'],
    ...['Mbit/s of one tunnel, alone / among all', 'ping, ms, alone / among all'],
  ];
  return `## Many tunnels\n\nAll but one are idle.\n\n${table(header, rows)}`;
}

function markdown({ machine, micro, allocation, daemon, scale, mka, sites }: Report): string {
  const sections = [`# Benchmark\n\n${machineLine(machine)}. Made by \`npm run bench\`.`];
  if (micro) sections.push(`## Codecs and stages\n\n${MICRO_NOTE}\n\n${microTable(micro)}`);
  if (allocation) {
    const rows = allocation.map((one) => [
      `${one.lane} lane, ${one.provider}`,
      `${one.frameLen}`,
      one.heapOctetsPerFrame.toFixed(1),
      one.externalOctetsPerFrame.toFixed(1),
    ]);
    const header = ['batch of 128', 'frame, octets', 'octets per frame on the heap', 'outside it'];
    sections.push(`## Allocation\n\n${table(header, rows)}`);
  }
  if (daemon) {
    const rows = daemon.map((one) => [
      one.variant,
      one.idleResidentMb.toFixed(0),
      (one.idleShare * 100).toFixed(2),
      one.startToFirstFrameMs.median.toFixed(0),
    ]);
    const header = ['daemon', 'resident memory, MB', 'idle, % of a core', 'start to first frame, ms'];
    sections.push(`## Daemon\n\n${table(header, rows)}`);
  }
  if (scale) sections.push(scaleSection(scale));
  if (mka) sections.push(mkaSection(mka));
  if (sites) {
    const { plan, rows, skipped } = sites;
    const notes = [...skipped.map(({ title, why }) => `${title}: not run, ${why}`), ...complaints(rows)];
    sections.push(
      `## End to end\n\nTCP by iperf 2, host1 to host2, ${plan.seconds} s per run, ${plan.rounds === 1 ? 'one round' : `${plan.rounds} interleaved rounds`}: ` +
        'medians (lowest–highest).\n\n' +
        throughputTable(rows, plan.streams) +
        (notes.length > 0 ? `\n\n${notes.map((note) => `- ${note}`).join('\n')}` : ''),
    );
  }
  return `${sections.join('\n\n')}\n`;
}

const MICRO_NOTE =
  'One thread, batches of 128 frames that stay in the CPU caches, no system calls; median of the samples. ' +
  'Every figure was checked: what came back is what went in.';

function microTable(results: readonly MicroResult[]): string {
  const mega = (value: number): string => (value / 1e6).toFixed(2);
  return table(
    ['what', 'AEAD', 'frame, octets', 'M frames/s', 'lowest–highest', 'ns per frame'],
    results.map((one) => [
      one.name,
      one.provider ?? '',
      `${one.frameLen ?? ''}`,
      mega(one.framesPerSecond),
      `${mega(one.lowest)}–${mega(one.highest)}`,
      one.nsPerFrame.toFixed(0),
    ]),
  );
}

await main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
});
