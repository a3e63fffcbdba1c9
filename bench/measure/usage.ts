/** CPU time and memory from /proc (`man 5 proc_pid_stat`, `proc_pid_status`, `proc_stat`). */
import { readdirSync, readFileSync } from 'node:fs';
import type { BenchProcess } from '../contenders/contender.ts';

/** USER_HZ: a constant of the ABI on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** CPU seconds used so far, by process and by the whole machine. */
export interface CpuReading {
  atMs: number;
  machine: number;
  /** By pid. */
  processes: Map<number, number>;
}

export function readCpu(processes: readonly BenchProcess[]): CpuReading {
  return {
    atMs: performance.now(),
    machine: machineSeconds(),
    processes: new Map(processes.map(({ pid }) => [pid, processSeconds(pid)])),
  };
}

/** CPU seconds between two readings. */
export interface CpuUse {
  wallSeconds: number;
  machine: number;
  /** By site. */
  processes: Record<string, number>;
}

export function cpuBetween(
  before: CpuReading,
  after: CpuReading,
  processes: readonly BenchProcess[],
): CpuUse {
  const used = processes.map(({ site, pid }): [string, number] => [
    site,
    (after.processes.get(pid) ?? 0) - (before.processes.get(pid) ?? 0),
  ]);
  return {
    wallSeconds: (after.atMs - before.atMs) / 1000,
    machine: after.machine - before.machine,
    processes: Object.fromEntries(used),
  };
}

/** CPU seconds of all threads of a process to the nanosecond (`schedstat`); finer than the 10 ms of `stat`. */
export function threadSeconds(pid: number): number {
  let ns = 0;
  for (const tid of readdirSync(`/proc/${pid}/task`)) {
    ns += Number(readFileSync(`/proc/${pid}/task/${tid}/schedstat`, 'utf8').split(' ')[0]);
  }
  return ns / 1e9;
}

/** Resident memory in megabytes (10^6 octets): now, and at its highest. */
export function readMemory(pid: number): { residentMb: number; peakMb: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mb = (field: string): number =>
    (Number(status.match(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm'))?.[1] ?? Number.NaN) * 1024) / 1e6;
  return { residentMb: mb('VmRSS'), peakMb: mb('VmHWM') };
}

/** utime + stime: fields 14 and 15; the name in field 2 may hold spaces. */
function processSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** user + nice + system + irq + softirq + steal-free: everything but idle, iowait and what the host took. */
function machineSeconds(): number {
  const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = (
    readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? ''
  )
    .split(/\s+/)
    .map(Number);
  return (user + nice + system + irq + softirq) / TICKS_PER_SECOND;
}
