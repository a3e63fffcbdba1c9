/**
 * Programs of the lab: run one to its end, or start one and wait for what it prints. Nothing here sleeps.
 *
 * Every program started for a lab is written to a ledger (pid and start time, `man 5 proc_pid_stat` field 22),
 * so that a later run can end what an earlier, killed run left behind, and nothing else.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';

export interface RunOptions {
  /** After this the program gets SIGKILL and `run` throws. Default 20 s. */
  timeoutMs?: number;
  /** Written to its standard input, which then ends. */
  input?: string;
  /** Of a `Background`: standard input stays open for `write`. */
  interactive?: boolean;
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** File that remembers its pid. */
  ledger?: string;
}

export interface RunResult {
  /** Exit status; null when a signal ended it. */
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** Runs `argv` to its end. Throws where it cannot start or takes too long; its exit status is the caller's matter. */
export function run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const timeoutMs = options.timeoutMs ?? 20_000;
  return new Promise((resolve, reject) => {
    const child = launch(argv, options);
    let stdout = '';
    let stderr = '';
    let late = false;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    // A program may end before it has read its input; its exit status says what happened.
    child.stdin?.on('error', () => undefined).end(options.input ?? '');
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    child.on('error', (cause) => {
      clearTimeout(timer);
      reject(new Error(`${argv.join(' ')}: cannot start: ${cause.message}`, { cause }));
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (late)
        reject(new Error(`${argv.join(' ')}: not done after ${timeoutMs} ms\n${stdout}${stderr}`.trimEnd()));
      else resolve({ code, signal, stdout, stderr });
    });
  });
}

/** As `run`, and throws with what the program printed unless it exits 0. Returns its standard output. */
export async function must(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, signal, stdout, stderr } = await run(argv, options);
  if (code !== 0)
    throw new Error(`${argv.join(' ')}: exit ${code ?? signal}\n${options.input ?? ''}${stdout}${stderr}`);
  return stdout;
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A program that goes on while we look at what it prints. */
export class Background {
  readonly pid: number;
  /** Settles when it has ended and all its output is here. Never rejects. */
  readonly ended: Promise<Exit>;
  readonly #title: string;
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  readonly #watchers = new Set<() => void>();
  #exit: Exit | undefined;

  constructor(argv: readonly string[], options: Omit<RunOptions, 'timeoutMs'> = {}) {
    this.#title = argv.join(' ');
    this.#child = launch(argv, options);
    this.pid = this.#child.pid ?? -1;
    this.#child.stdin?.on('error', () => undefined);
    if (!options.interactive) this.#child.stdin?.end(options.input ?? '');
    for (const stream of [this.#child.stdout, this.#child.stderr]) this.#collect(stream);
    this.ended = new Promise((resolve) => {
      const settle = (exit: Exit): void => {
        this.#exit ??= exit;
        this.#wake();
        resolve(this.#exit);
      };
      this.#child.on('error', (error) => {
        this.#lines.push(`cannot start: ${error.message}`);
        settle({ code: 127, signal: null });
      });
      this.#child.on('close', (code, signal) => settle({ code, signal }));
    });
  }

  /** What it printed so far, both streams, line by line in the order of arrival. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** How it ended, or undefined while it runs. */
  get exit(): Exit | undefined {
    return this.#exit;
  }

  /** Writes to its standard input (`interactive`). */
  write(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** The first line at or after line `from` that matches. Throws with the output when it ends or time runs out first. */
  waitFor(pattern: RegExp, timeoutMs = 10_000, from = 0): Promise<RegExpMatchArray> {
    return new Promise((resolve, reject) => {
      let next = from;
      const look = (): boolean => {
        for (; next < this.#lines.length; next++) {
          const match = this.#lines[next]?.match(pattern);
          if (match) {
            finish();
            resolve(match);
            return true;
          }
        }
        if (this.#exit === undefined) return false;
        finish();
        reject(
          this.#complaint(`ended (${this.#exit.code ?? this.#exit.signal}) before it printed ${pattern}`),
        );
        return true;
      };
      const timer = setTimeout(() => {
        finish();
        reject(this.#complaint(`did not print ${pattern} in ${timeoutMs} ms`));
      }, timeoutMs);
      const finish = (): void => {
        clearTimeout(timer);
        this.#watchers.delete(look);
      };
      if (!look()) this.#watchers.add(look);
    });
  }

  /** Asks it to end (SIGTERM unless told otherwise), after `patienceMs` insists with SIGKILL. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', patienceMs = 5000): Promise<Exit> {
    if (this.#exit !== undefined) return this.#exit;
    this.#child.kill(signal);
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), patienceMs);
    const exit = await this.ended;
    clearTimeout(timer);
    return exit;
  }

  #collect(stream: NodeJS.ReadableStream | null): void {
    let rest = '';
    stream?.setEncoding('utf8');
    stream?.on('data', (text: string) => {
      const lines = (rest + text).split(/\r?\n/);
      rest = lines.pop() ?? '';
      if (lines.length === 0) return;
      this.#lines.push(...lines);
      this.#wake();
    });
    stream?.on('end', () => {
      if (rest !== '') this.#lines.push(rest);
      this.#wake();
    });
  }

  #wake(): void {
    for (const look of [...this.#watchers]) look();
  }

  #complaint(what: string): Error {
    return new Error(`${this.#title}: ${what}; it printed:\n${this.#lines.slice(-40).join('\n')}`);
  }
}

/** Starts a program that outlives this process, its output appended to the file `log`. Returns its pid. */
export function startDetached(argv: readonly string[], options: { log: string; ledger: string }): number {
  const [program = '', ...rest] = argv;
  const log = openSync(options.log, 'a');
  const child = spawn(program, rest, { detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  if (child.pid === undefined) throw new Error(`${argv.join(' ')}: cannot start`);
  record(options.ledger, child.pid);
  child.unref();
  return child.pid;
}

/** Ends every program that `ledger` names and that is still the one it names; forgets the ledger. */
export function endLedger(ledger: string): void {
  if (!existsSync(ledger)) return;
  for (const line of readFileSync(ledger, 'utf8').split('\n')) {
    const [pid, startTime] = line.split(' ');
    if (pid && startTime && startTimeOf(Number(pid)) === startTime) process.kill(Number(pid), 'SIGKILL');
  }
  rmSync(ledger, { force: true });
}

function launch(argv: readonly string[], options: RunOptions): ChildProcess {
  const [program, ...rest] = argv;
  if (program === undefined) throw new Error('run: "argv" expected a program');
  const child = spawn(program, rest, {
    stdio: ['pipe', 'pipe', 'pipe'],
    cwd: options.cwd,
    env: options.env ?? process.env,
  });
  if (options.ledger !== undefined && child.pid !== undefined) record(options.ledger, child.pid);
  return child;
}

function record(ledger: string, pid: number): void {
  const startTime = startTimeOf(pid);
  if (startTime === undefined) return;
  mkdirSync(dirname(ledger), { recursive: true });
  appendFileSync(ledger, `${pid} ${startTime}\n`);
}

/** Field 22 of /proc/PID/stat; the name in field 2 may hold spaces and parentheses. */
function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
