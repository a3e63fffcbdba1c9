/**
 * The end-to-end measurement, used by `bench` and `bench:sites`: every contender in every round, interleaved, on one
 * topology. A round of one contender:
 *   1. start it, set the hosts' MTU, wait for a ping; the frames before the measurement warm it up
 *   2. ping, idle
 *   3. TCP with each number of streams; CPU time of its processes and of the machine over the same seconds
 *   4. ping while one TCP stream runs
 *   5. UDP with small packets: the highest rate found without loss
 *   6. memory; and the check that nothing was fragmented
 * The order of contenders turns by one each round, so that none always runs on a warm or a throttled machine.
 */
import type { Topology } from '../lab/topology.ts';
import type { Contender } from './contenders/contender.ts';
import { withUndo } from './lab.ts';
import { runTcp } from './measure/iperf.ts';
import { awaitPath, type PingResult, runPing } from './measure/ping.ts';
import { searchUdpRate, type UdpPlan, type UdpRate } from './measure/search.ts';
import { readFragments } from './measure/snmp.ts';
import { type CpuUse, cpuBetween, readCpu, readMemory } from './measure/usage.ts';

export interface Plan {
  rounds: number;
  /** Of each TCP run. */
  seconds: number;
  streams: readonly number[];
  /** Pings at 5 ms, idle; half as many at 10 ms under load. 0: none. */
  pings: number;
  /** null: no UDP. */
  udp: UdpPlan | null;
}

export interface TcpSample {
  streams: number;
  mbitPerSecond: number;
  cpu: CpuUse;
  /** CPU seconds per 10^9 bits carried: by site, and of the whole machine (kernel, iperf and all). */
  cpuPerGbit: { processes: Record<string, number>; machine: number };
}

export interface RoundSample {
  contender: string;
  round: number;
  tcp: TcpSample[];
  pingIdle: PingResult | null;
  pingLoaded: PingResult | null;
  udp: UdpRate | null;
  /** Of the larger of its processes. */
  memory: { residentMb: number; peakMb: number } | null;
  /** IP fragments that its outer packets were cut into. */
  fragments: number;
  /** What went wrong, or null. */
  failure: string | null;
}

export type Progress = (text: string) => void;

/** Runs the plan. A contender that fails is reported and out of that round, the others go on. */
export async function runRounds(
  topology: Topology,
  contenders: readonly Contender[],
  plan: Plan,
  progress: Progress,
): Promise<RoundSample[]> {
  const samples: RoundSample[] = [];
  for (let round = 0; round < plan.rounds; round++) {
    for (let i = 0; i < contenders.length; i++) {
      const contender = contenders[(i + round) % contenders.length]!;
      const hint = lastRate(samples, contender.name);
      const sample = await runContender(topology, contender, plan, round + 1, hint);
      samples.push(sample);
      progress(`round ${round + 1}/${plan.rounds}  ${contender.name.padEnd(16)} ${describe(sample)}`);
    }
  }
  return samples;
}

/** The UDP rate that this contender reached last; undefined where there is none to begin with. */
function lastRate(samples: readonly RoundSample[], contender: string): number | undefined {
  const rate = samples.findLast((sample) => sample.contender === contender)?.udp?.framesPerSecond;
  return rate === 0 ? undefined : rate;
}

async function runContender(
  topology: Topology,
  contender: Contender,
  plan: Plan,
  round: number,
  hint: number | undefined,
): Promise<RoundSample> {
  const sample: RoundSample = {
    contender: contender.name,
    round,
    tcp: [],
    pingIdle: null,
    pingLoaded: null,
    udp: null,
    memory: null,
    fragments: 0,
    failure: null,
  };
  try {
    await withUndo(
      () => measure(topology, contender, plan, sample, hint),
      () => contender.stop(),
    );
  } catch (error) {
    sample.failure = error instanceof Error ? error.message : String(error);
  }
  return sample;
}

/** Fills in `sample`, as far as it gets. */
async function measure(
  topology: Topology,
  contender: Contender,
  plan: Plan,
  sample: RoundSample,
  hint: number | undefined,
): Promise<void> {
  const spaces = [topology.nsra, topology.wan, topology.nsrb];
  const fragmentsBefore = await readFragments(spaces);
  await topology.setHostMtu(contender.mtu);
  await contender.start(topology);
  await awaitPath(topology, 15);
  await runTcp(topology, 1, 0.5);
  if (plan.pings > 0) sample.pingIdle = await runPing(topology, plan.pings, 5);
  for (const streams of plan.streams) {
    sample.tcp.push(await measureTcp(topology, contender, streams, plan.seconds));
  }
  if (plan.pings > 0) sample.pingLoaded = await pingUnderLoad(topology, plan.pings >> 1);
  if (plan.udp) sample.udp = await searchUdpRate(topology, plan.udp, hint);
  sample.memory = largestMemory(contender);
  sample.fragments = (await readFragments(spaces)) - fragmentsBefore;
}

async function measureTcp(
  topology: Topology,
  contender: Contender,
  streams: number,
  seconds: number,
): Promise<TcpSample> {
  const processes = contender.processes();
  const before = readCpu(processes);
  const { mbitPerSecond, octets } = await runTcp(topology, streams, seconds);
  const cpu = cpuBetween(before, readCpu(processes), processes);
  const gbit = (octets * 8) / 1e9;
  return {
    streams,
    mbitPerSecond,
    cpu,
    cpuPerGbit: {
      processes: Object.fromEntries(Object.entries(cpu.processes).map(([site, s]) => [site, s / gbit])),
      machine: cpu.machine / gbit,
    },
  };
}

async function pingUnderLoad(topology: Topology, count: number): Promise<PingResult> {
  const intervalMs = 10;
  const load = runTcp(topology, 1, (count * intervalMs) / 1000 + 1);
  const [result] = await Promise.all([runPing(topology, count, intervalMs), load]);
  return result;
}

function largestMemory(contender: Contender): RoundSample['memory'] {
  const readings = contender.processes().map(({ pid }) => readMemory(pid));
  if (readings.length === 0) return null;
  return {
    residentMb: Math.max(...readings.map(({ residentMb }) => residentMb)),
    peakMb: Math.max(...readings.map(({ peakMb }) => peakMb)),
  };
}

function describe(sample: RoundSample): string {
  const parts = sample.tcp.map(({ streams, mbitPerSecond }) => `${streams}: ${mbitPerSecond.toFixed(0)}`);
  const text = [parts.length > 0 ? `TCP Mbit/s ${parts.join('  ')}` : ''];
  if (sample.udp) text.push(`UDP ${(sample.udp.framesPerSecond / 1000).toFixed(1)} kframes/s`);
  if (sample.pingIdle) text.push(`ping ${sample.pingIdle.medianMs.toFixed(3)} ms`);
  if (sample.failure) text.push(`FAILED: ${sample.failure}`);
  return text.filter((part) => part !== '').join('   ');
}
