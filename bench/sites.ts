/**
 * `npm run bench:sites`: contenders on the reference topology, TCP, UDP, latency, CPU and memory, written to
 * bench/results/ as JSON, Markdown and SVG. Needs root; see `--help`.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { allContenders, YARDSTICK } from './contenders/index.ts';
import { admit, type Skipped } from './entrants.ts';
import { inLab } from './lab.ts';
import { integerList, positive, positiveInteger } from './options.ts';
import { aggregate, busiestCpu, type ContenderRow } from './report/aggregate.ts';
import { writeBarChart } from './report/chart.ts';
import { checkGoals } from './report/goals.ts';
import { describeMachine, type Machine, machineLine } from './report/machine.ts';
import { PACKAGE_ROOT, RESULTS } from './report/paths.ts';
import {
  complaints,
  consoleTable,
  costTable,
  goalTable,
  setupTable,
  throughputTable,
} from './report/table.ts';
import { type Plan, type RoundSample, runRounds } from './sites-run.ts';

const HELP = `usage: npm run bench:sites -- [options]

  --rounds N        rounds, interleaved (default 3; the whole run takes about 15 minutes)
  --seconds N       of each TCP run (default 3)
  --streams LIST    parallel TCP streams (default 1,3,5,7)
  --only LIST       contenders, by name; "l2vpnd" means all of its variants
  --quick           1 round, 1 s, streams 1 and 5, fewer pings and UDP trials
  --list            names of the contenders, and why one cannot run here
  --out NAME        name of the files in bench/results/ (default sites)

Environment: WIREGUARD_GO, another wireguard-go than the one in PATH.
`;

interface Options {
  plan: Plan;
  only: string[] | null;
  list: boolean;
  out: string;
}

function parseOptions(argv: readonly string[]): Options | null {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      streams: { type: 'string' },
      only: { type: 'string' },
      quick: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      out: { type: 'string', default: 'sites' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return null;
  const { quick } = values;
  return {
    plan: {
      rounds: positiveInteger('rounds', values.rounds, quick ? 1 : 3),
      seconds: positive('seconds', values.seconds, quick ? 1 : 3),
      streams: integerList('streams', values.streams ?? (quick ? '1,5' : '1,3,5,7')),
      pings: quick ? 100 : 200,
      udp: { payload: 100, seconds: quick ? 0.5 : 1, trials: quick ? 8 : 10, tolerance: 0.0005 },
    },
    only: values.only?.split(',') ?? null,
    list: values.list,
    out: values.out,
  };
}

interface Report {
  machine: Machine;
  plan: Plan;
  yardstick: string;
  skipped: Skipped[];
  rows: ContenderRow[];
  samples: RoundSample[];
}

async function main(argv: readonly string[]): Promise<void> {
  const options = parseOptions(argv);
  if (options === null) {
    process.stdout.write(HELP);
    return;
  }
  await inLab(async (topology) => {
    const { entrants, skipped } = await admit(topology, allContenders(), options.only);
    for (const { name, why } of skipped) say(`skipped  ${name.padEnd(16)} ${why}`);
    if (options.list) {
      for (const { contender } of entrants) say(`here     ${contender.name.padEnd(16)} ${contender.title}`);
      return;
    }
    const machine = describeMachine(PACKAGE_ROOT);
    say(machineLine(machine));
    const contenders = entrants.map(({ contender }) => contender);
    const samples = await runRounds(topology, contenders, options.plan, say);
    const rows = aggregate(entrants, samples);
    await writeReport(
      { machine, plan: options.plan, yardstick: YARDSTICK, skipped, rows, samples },
      options.out,
    );
    printSummary(rows, options.plan);
  });
}

function printSummary(rows: readonly ContenderRow[], plan: Plan): void {
  process.stdout.write(`\n${consoleTable(rows, plan.streams)}\n\n`);
  for (const { what, aim, measured } of checkGoals(rows)) say(`${what}: ${measured} (aim: ${aim})`);
  for (const line of complaints(rows)) say(line);
  if (rows.some(({ failures }) => failures.length > 0)) process.exitCode = 1;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function writeReport(report: Report, name: string): Promise<void> {
  await mkdir(RESULTS, { recursive: true });
  const file = (suffix: string): string => join(RESULTS, `${name}${suffix}`);
  await writeFile(file('.json'), `${JSON.stringify(report, null, 2)}\n`);
  await writeFile(file('.md'), markdown(report, name));
  await writeCharts(report, file);
}

function markdown({ machine, plan, rows, skipped }: Report, name: string): string {
  const worries = complaints(rows);
  const goals = checkGoals(rows);
  const { udp } = plan;
  return `# Site to site

${machineLine(machine)}.
Both sites, the WAN between them and the hosts' iperf share this machine. TCP by iperf 2 from host1 to host2,
${plan.seconds} s per run, as the server counted it; ${plan.rounds} ${plan.rounds === 1 ? 'round' : 'rounds, interleaved: medians (lowest–highest)'}.
Inner MTU is the largest with which no outer packet exceeds 1500 octets.
Made by \`npm run bench:sites\`.

![TCP throughput](${name}-tcp.svg)

${throughputTable(rows, plan.streams)}

${
  udp === null
    ? ''
    : `UDP: ${udp.payload}-octet payloads, highest rate of a bounded search (at most ${udp.trials} trials of ${udp.seconds} s) with at
most ${udp.tolerance * 100} % missing; "≥" where the sender was the limit. Ping: median of ${plan.pings} at 5 ms, idle, and of ${plan.pings >> 1}
at 10 ms beside one TCP stream. CPU: with ${plan.streams[0]} ${plan.streams[0] === 1 ? 'stream' : 'streams'}; "machine" is everything, kernel and iperf too. Memory: resident,
the larger of the two processes, after the load.`
}

${costTable(rows)}

${setupTable(rows)}
${goals.length > 0 ? `\n${goalTable(goals)}\n` : ''}${skipped.length > 0 ? `\nNot run:\n${skipped.map(({ title, why }) => `- ${title}: ${why}`).join('\n')}\n` : ''}${
  worries.length > 0 ? `\nTo note:\n${worries.map((line) => `- ${line}`).join('\n')}\n` : ''
}`;
}

async function writeCharts(report: Report, file: (suffix: string) => string): Promise<void> {
  const { machine, plan, rows } = report;
  const subtitle = `${machine.cpuCount} × ${machine.cpu}, ${machine.kernel}, Node ${machine.node}; ${plan.rounds === 1 ? 'one round' : `medians of ${plan.rounds} rounds`}`;
  const categories = rows.map(({ title }) => title);
  const one = (name: string, values: number[]): { name: string; values: number[] }[] => [{ name, values }];
  await writeBarChart(file('-tcp.svg'), {
    title: 'TCP, host to host through the tunnel',
    subtitle,
    unit: 'Mbit/s',
    categories,
    series: plan.streams.map((n) => ({
      name: `${n} ${n === 1 ? 'stream' : 'streams'}`,
      values: rows.map((row) => row.tcp[n]?.median ?? Number.NaN),
    })),
    digits: 0,
  });
  await writeBarChart(file('-ping.svg'), {
    title: 'Round trip of a ping',
    subtitle,
    unit: 'ms, median',
    categories,
    series: [
      { name: 'idle', values: rows.map((row) => row.pingIdleMs?.median ?? Number.NaN) },
      { name: 'beside one TCP stream', values: rows.map((row) => row.pingLoadedMs?.median ?? Number.NaN) },
    ],
    digits: 3,
  });
  await writeBarChart(file('-udp.svg'), {
    title: `UDP, ${plan.udp?.payload}-octet payloads, without loss`,
    subtitle,
    unit: 'frames/s',
    categories,
    series: one(
      'frames/s',
      rows.map((row) => row.udpFramesPerSecond?.median ?? Number.NaN),
    ),
    digits: 0,
  });
  await writeBarChart(file('-cpu.svg'), {
    title: 'CPU time for one Gbit of TCP',
    subtitle,
    unit: 'CPU seconds per Gbit',
    categories,
    series: [
      { name: 'busier daemon', values: rows.map(busiestCpu) },
      { name: 'whole machine', values: rows.map((row) => row.machineCpuPerGbit.median) },
    ],
    digits: 2,
  });
}

await main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`bench:sites: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
});
