/** A service manager for a daemon, without systemd: notifications, and the store that keeps descriptors over a restart. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Background } from './run.ts';
import type { Namespace } from './topology.ts';

/** The distribution's Python. */
const PYTHON = '/usr/bin/python3';
const READY = /^notify READY=1/;

export class ServiceManager {
  readonly #program: Background;

  private constructor(program: Background) {
    this.#program = program;
  }

  /** Starts `argv` as a service that may store `storeMax` descriptors; returns when it says that it is ready. */
  static async start(space: Namespace, storeMax: number, argv: readonly string[]): Promise<ServiceManager> {
    const program = space.start([PYTHON, scriptPath(), String(storeMax), ...argv], { interactive: true });
    await program.waitFor(READY);
    return new ServiceManager(program);
  }

  /** What the service printed, and a line for each notification (`notify READY=1`) and start. */
  get lines(): readonly string[] {
    return this.#program.lines;
  }

  /** Ends it by SIGTERM, or as a crash does, and starts it again; returns how many descriptors it got then. */
  async restart(how: 'restart' | 'kill' = 'restart'): Promise<number> {
    const from = this.lines.length;
    this.#program.write(`${how}\n`);
    const [, count] = await this.#program.waitFor(/^started \d+ with (\d+) /, 20_000, from);
    await this.#program.waitFor(READY, 20_000, from);
    return Number(count);
  }

  /** Ends it for good: what is stored is closed. */
  async stop(): Promise<void> {
    this.#program.write('stop\n');
    await this.#program.waitFor(/^stopped/);
  }

  waitFor(pattern: RegExp, from = 0): Promise<RegExpMatchArray> {
    return this.#program.waitFor(pattern, 20_000, from);
  }
}

/** Found from this file in lab/ and in dist/lab/ alike. */
function scriptPath(): string {
  const above = dirname(dirname(fileURLToPath(import.meta.url)));
  const candidates = [above, dirname(above)].map((root) => join(root, 'lab', 'service-manager.py'));
  return candidates.find((path) => existsSync(path))!;
}
