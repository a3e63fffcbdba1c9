/** What the numbers were measured on. */
import { execFileSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';

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
  };
}

export function machineLine(machine: Machine): string {
  return (
    `${machine.kernel}, ${machine.cpuCount} × ${machine.cpu}, Node ${machine.node}, ` +
    `OpenSSL ${machine.openssl}, ${machine.date.slice(0, 16).replace('T', ' ')} UTC, commit ${machine.commit}`
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
