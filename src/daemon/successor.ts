/**
 * The program on disk may be another than the one that runs: then a reload starts it, and it takes over (`take-over.ts`). Its
 * parent ends, so under a service manager it is the service's from the start: same control group, same sandbox.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { L2vpnError } from '../errors.ts';
import { withOurPrivileges } from '../host/process.ts';
import { packageRoot } from '../package-root.ts';

/** It has to load, test its ciphers, and warm up; then it opens tunnels, a thousand maybe. */
const TAKE_OVER_MS = 60_000;
/** Of the start of this process and no other. */
const OWN_VARIABLES = ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES', 'WATCHDOG_PID'];
const TAKE_OVER = '--take-over';

/** What a program is made of, as far as any release changes it: node, our first script, what says the version. */
export class ProgramOnDisk {
  readonly #paths: readonly string[];
  readonly #found: string;

  constructor(paths: readonly string[] = ownPaths()) {
    this.#paths = paths;
    this.#found = this.#look();
  }

  /** It is another one than when this was made, and is whole. */
  get isAnother(): boolean {
    const found = this.#look();
    return found !== '' && found !== this.#found;
  }

  /** Empty: something is missing, as in the middle of an upgrade. */
  #look(): string {
    try {
      return this.#paths.map((path) => identityOf(path)).join(' ');
    } catch {
      return '';
    }
  }
}

function identityOf(path: string): string {
  const { dev, ino, size, mtimeMs } = statSync(path);
  return `${dev}/${ino}/${size}/${mtimeMs}`;
}

function ownPaths(): string[] {
  // What it is called by, which may be a link to another one tomorrow.
  return [process.execPath, process.argv[1]!, join(packageRoot(), 'package.json')];
}

/**
 * Starts the program as it is on disk now, with our arguments, to take over from us; `taken` resolves with its process id when
 * it has. Rejects with L2VPN_UNAVAILABLE where it has not: it has ended then.
 */
export async function upgrade(taken: Promise<number>): Promise<number> {
  const child = start();
  try {
    return await Promise.race([taken, ended(child), late()]);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  } finally {
    child.removeAllListeners();
    child.unref();
  }
}

function start(): ChildProcess {
  const env = { ...process.env };
  for (const name of OWN_VARIABLES) delete env[name];
  const args = process.argv.slice(2).filter((arg) => arg !== TAKE_OVER);
  const argv = [...process.execArgv, process.argv[1]!, ...args, TAKE_OVER];
  return withOurPrivileges(() =>
    spawn(process.execPath, argv, { env, stdio: ['ignore', 'inherit', 'inherit'], detached: true }),
  );
}

function ended(child: ChildProcess): Promise<never> {
  return new Promise((_resolve, reject) => {
    child.once('error', (cause) => reject(notTaken(`cannot be started (${cause.message})`, cause)));
    child.once('exit', (code, signal) => reject(notTaken(`has ended (${signal ?? `exit status ${code}`})`)));
  });
}

function late(): Promise<never> {
  return new Promise((_resolve, reject) => {
    setTimeout(() => reject(notTaken(`is not ready in ${TAKE_OVER_MS / 1000} s`)), TAKE_OVER_MS).unref();
  });
}

function notTaken(why: string, cause?: unknown): L2vpnError {
  const text = `the program on disk is another one, and ${why} instead of taking over; its last lines say why. This process goes on`;
  return new L2vpnError('L2VPN_UNAVAILABLE', text, { cause });
}
