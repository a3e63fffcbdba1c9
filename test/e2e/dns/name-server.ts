/** A name server in a namespace, which everything that `ip netns exec` starts there asks; its zone is the test's. */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Background } from '../../../lab/run.ts';
import type { Namespace } from '../../../lab/topology.ts';
import { PYTHON } from '../support.ts';

const ADDRESS = '127.0.0.1';

/** What the namespace's resolver asks; `ip netns exec` mounts it over /etc/resolv.conf. */
const etcOf = (space: Namespace): string => join('/etc/netns', space.name);

export class NameServer {
  readonly #space: Namespace;
  readonly #path: string;
  #program: Background | undefined;

  constructor(space: Namespace, path: string) {
    this.#space = space;
    this.#path = path;
  }

  /** Names and their addresses; null: it does not answer at all. */
  async serve(zone: Readonly<Record<string, readonly string[]>> | null): Promise<void> {
    if (zone === null) return rm(this.#path, { force: true });
    await writeFile(`${this.#path}.new`, JSON.stringify(zone));
    await rename(`${this.#path}.new`, this.#path);
  }

  /** `hosts`: what /etc/hosts has beside. Before the daemon of the namespace is started. */
  async start(hosts = ''): Promise<void> {
    const etc = etcOf(this.#space);
    await mkdir(etc, { recursive: true });
    await writeFile(join(etc, 'resolv.conf'), `nameserver ${ADDRESS}\noptions timeout:1 attempts:1\n`);
    await writeFile(join(etc, 'hosts'), `127.0.0.1 localhost\n${hosts}`);
    this.#program = this.#space.start([PYTHON, join(import.meta.dirname, 'server.py'), ADDRESS, this.#path]);
    await this.#program.waitFor(/^ready/);
  }

  /** Waits for a question that matches, asked after the last `count` lines that `questions` gave. */
  async asked(pattern: RegExp, from = 0, timeoutMs = 30_000): Promise<void> {
    await this.#program?.waitFor(pattern, timeoutMs, from);
  }

  get questions(): readonly string[] {
    return this.#program?.lines ?? [];
  }

  async stop(): Promise<void> {
    await this.#program?.stop('SIGKILL');
    await rm(etcOf(this.#space), { recursive: true, force: true });
  }
}
