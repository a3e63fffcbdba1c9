/** The programs that the lab runs, the Debian packages that have them, and which of them this machine lacks. */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { must } from './run.ts';

/** Program → Debian package. */
export const PACKAGES = {
  ip: 'iproute2',
  ping: 'iputils-ping',
  tcpdump: 'tcpdump',
  iperf: 'iperf',
  tshark: 'tshark',
  ethtool: 'ethtool',
  setpriv: 'util-linux',
  nft: 'nftables',
  keepalived: 'keepalived',
  tmux: 'tmux',
  openssl: 'openssl',
  promtool: 'prometheus',
  chromium: 'chromium',
} as const;
export type Program = keyof typeof PACKAGES;

/** Those of `programs` that are not in PATH. */
export function missingPrograms(programs: readonly Program[]): Program[] {
  return programs.filter((program) => pathOf(program) === undefined);
}

/** Where a program is, or undefined. */
export function pathOf(program: string): string | undefined {
  const dirs = (process.env.PATH ?? '').split(':').concat('/usr/sbin', '/sbin');
  return dirs.map((dir) => join(dir, program)).find(isExecutable);
}

/** The command that installs what is missing. */
export function installCommand(missing: readonly Program[]): string {
  return `apt-get install -y ${[...new Set(missing.map((program) => PACKAGES[program]))].join(' ')}`;
}

/** Installs what is missing with apt-get. Needs root and Debian. */
export async function installPrograms(missing: readonly Program[]): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await must(['apt-get', 'update', '-q'], { timeoutMs: 180_000, env });
  await must(installCommand(missing).split(' '), { timeoutMs: 600_000, env });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
