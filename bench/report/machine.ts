/** What the numbers were measured on. */
import { execFileSync } from 'node:child_process';
import { cpus, loadavg, release, totalmem } from 'node:os';

export interface Machine {
  date: string;
  kernel: string;
  cpu: string;
  cpuCount: number;
  memoryGb: number;
  node: string;
  /** The OpenSSL that this Node runs on. */
  openssl: string;
  commit: string;
  /** Processes that wanted a CPU over the last minute before the run: well below 1, or the figures are of a busy machine. */
  loadBefore: number;
}

export function describeMachine(packageRoot: string): Machine {
  const all = cpus();
  return {
    date: new Date().toISOString(),
    kernel: `Linux ${release()}`,
    cpu: all[0]?.model.trim() ?? 'unknown',
    cpuCount: all.length,
    memoryGb: Math.round(totalmem() / 1e8) / 10,
    node: process.versions.node,
    openssl: process.versions.openssl,
    commit: commitOf(packageRoot),
    loadBefore: loadavg()[0] ?? Number.NaN,
  };
}

export function machineLine(machine: Machine): string {
  return (
    `${machine.kernel}, ${machine.cpuCount} × ${machine.cpu}, Node ${machine.node}, ` +
    `OpenSSL ${machine.openssl}, ${machine.date.slice(0, 16).replace('T', ' ')} UTC, commit ${machine.commit}, load before the run ${machine.loadBefore.toFixed(1)}`
  );
}

function commitOf(packageRoot: string): string {
  try {
    const argv = ['-C', packageRoot, 'rev-parse', '--short', 'HEAD'];
    return execFileSync('git', argv, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return 'unknown';
  }
}
