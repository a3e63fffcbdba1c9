/**
 * One l2vpnd in a namespace: its configuration, its life, its log lines and its counters.
 *
 *     const site = new Site(topology.nsra, 'site1', siteConfig(topology, 1));
 *     await site.start();              // returns when the daemon has logged `ready`
 *     await site.counters();           // over its control socket
 *     await site.stop();               // SIGTERM; or site.kill9()
 *
 * Everything a site writes (configuration, state, control socket) is in a directory of its own under the
 * system's temporary one; `dispose` removes it.
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Background, Exit, RunResult } from './run.ts';
import type { Namespace, Topology } from './topology.ts';

/**
 * Keys of the reference configuration. Everybody has them: l2vpnd takes them in the lab only, where every daemon is
 * started with EXAMPLE_KEYS.
 */
export const KEY_1 = '11111111111111111111111111111111';
export const KEY_2 = '22222222222222222222222222222222';
export const EXAMPLE_KEYS = '--insecure-example-keys';

/** The parts of a configuration file that the lab sets; everything else has its default. */
export interface SiteFile {
  tunnels: TunnelFile[];
  [setting: string]: unknown;
}

export interface TunnelFile {
  name: string;
  tap: { ifname: string; [setting: string]: unknown };
  gre: { local: string; remote: string; [setting: string]: unknown };
  macsec: MacsecFile | null;
  peerTimeoutSeconds?: number;
  keepalive?: KeepaliveFile | null;
}

export interface KeepaliveFile {
  helloMs?: number;
  lifeMs?: number;
}

export interface MacsecFile {
  txSa?: SaFile[];
  rxSc?: { mac?: string; port?: number; sci?: string; sa: SaFile[] }[];
  [setting: string]: unknown;
}

export interface SaFile {
  an: number;
  pn?: number;
  keyId: string;
  key?: string;
  keyFile?: string;
}

/** What to change in the reference tunnel: settings are laid over it one by one, `macsec: null` is plain GRETAP. */
export interface TunnelChanges {
  name?: string;
  tap?: Record<string, unknown>;
  gre?: Record<string, unknown>;
  macsec?: MacsecFile | null;
  peerTimeoutSeconds?: number;
  keepalive?: KeepaliveFile | null;
}

/** The reference tunnel at one of the two sites (examples/site1.json, site2.json), with changes. */
export function tunnelFile(topology: Topology, side: 1 | 2, changes: TunnelChanges = {}): TunnelFile {
  const [own, peer] = side === 1 ? [topology.site1, topology.site2] : [topology.site2, topology.site1];
  const [ownKey, peerKey] = side === 1 ? [KEY_1, KEY_2] : [KEY_2, KEY_1];
  const [ownKeyId, peerKeyId] = side === 1 ? ['01', '02'] : ['02', '01'];
  return {
    name: changes.name ?? (side === 1 ? 'site2' : 'site1'),
    tap: { ifname: 'macsec1', mac: own.tapMac, bridge: 'br0', ...changes.tap },
    gre: { local: own.underlay, remote: peer.underlay, ...changes.gre },
    macsec:
      changes.macsec === null
        ? null
        : changes.macsec?.mka !== undefined
          ? changes.macsec
          : {
              txSa: [{ an: 0, keyId: ownKeyId, key: ownKey }],
              rxSc: [{ mac: peer.tapMac, sa: [{ an: 0, keyId: peerKeyId, key: peerKey }] }],
              ...changes.macsec,
            },
    ...(changes.peerTimeoutSeconds === undefined ? {} : { peerTimeoutSeconds: changes.peerTimeoutSeconds }),
    ...(changes.keepalive === undefined ? {} : { keepalive: changes.keepalive }),
  };
}

/** A configuration with the one reference tunnel. */
export function siteFile(topology: Topology, side: 1 | 2, changes: TunnelChanges = {}): SiteFile {
  return { tunnels: [tunnelFile(topology, side, changes)] };
}

/** A line of the daemon's log, as pino writes it. */
export interface LogLine {
  level: number;
  time: number;
  msg: string;
  [field: string]: unknown;
}

/** Every counter of a tunnel under the name that `ip -s macsec show` gives it, and our drop reasons under theirs. */
export type Counters = Readonly<Record<string, number>>;

/** The built daemon: dist/src/main.js, found from this file in lab/ and in dist/lab/ alike. */
export function daemonPath(): string {
  const above = dirname(dirname(fileURLToPath(import.meta.url)));
  const candidates = [join(above, 'dist', 'src', 'main.js'), join(above, 'src', 'main.js')];
  const found = candidates.find((path) => existsSync(path));
  if (found === undefined) throw new Error(`${candidates[0]}: not there; run "npm run build"`);
  return found;
}

export interface SiteOptions {
  /** Where it keeps its files; one of its own unless named. `dispose` removes it. */
  dir?: string;
  /** What runs instead of `daemonPath()`: a test's own build of the daemon. */
  program?: string;
}

export class Site {
  readonly name: string;
  readonly space: Namespace;
  readonly #file: SiteFile;
  readonly #fixedDir: string | undefined;
  readonly #program: string | undefined;
  #dir: string | undefined;
  #daemon: Background | undefined;
  /** Processes that were started to take over, whatever became of them. */
  readonly #takers: Background[] = [];

  constructor(space: Namespace, name: string, file: SiteFile, options: SiteOptions = {}) {
    this.space = space;
    this.name = name;
    this.#file = file;
    this.#fixedDir = options.dir;
    this.#program = options.program;
  }

  get dir(): string {
    if (this.#dir === undefined) throw new Error(`${this.name}: not prepared yet`);
    return this.#dir;
  }

  get configPath(): string {
    return join(this.dir, `${this.name}.json`);
  }

  get stateDir(): string {
    return join(this.dir, 'state');
  }

  get controlSocket(): string {
    return join(this.dir, 'control.sock');
  }

  get pid(): number {
    return this.#running().pid;
  }

  /** How the daemon ended, or undefined while it runs. */
  get exit(): Exit | undefined {
    return this.#daemon?.exit;
  }

  /** Writes the configuration file; done by `start` where it was not. `changes` are laid over its top level. */
  async prepare(changes: Record<string, unknown> = {}): Promise<void> {
    if (this.#fixedDir !== undefined) await mkdir(this.#fixedDir, { recursive: true });
    this.#dir = this.#fixedDir ?? this.#dir ?? (await mkdtemp(join(tmpdir(), `l2vpnd-${this.name}-`)));
    const file = {
      stateDir: this.stateDir,
      // Wherever the lab's directories lie: its keys are the article's, and nobody's.
      stateMayBeLost: true,
      controlSocket: this.controlSocket,
      ...this.#file,
      ...changes,
    };
    await writeFile(this.configPath, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600 });
  }

  /** Starts the daemon and waits for its `ready`. Throws with its log when it does not come. */
  async start(timeoutMs = 10_000): Promise<void> {
    if (this.#dir === undefined) await this.prepare();
    if (this.#daemon !== undefined && this.#daemon.exit === undefined)
      throw new Error(`${this.name}: runs already`);
    this.#daemon = this.space.start(this.#argv());
    await this.#daemon.waitFor(/"msg":"ready"/, timeoutMs);
  }

  /**
   * Another process, of `program` where that is named, takes the tunnels over; resolves when it runs and the one before has
   * ended. From then on this site is the new process. Returns what the old one logged.
   */
  async takeOver(program?: string, timeoutMs = 20_000): Promise<LogLine[]> {
    const before = this.#running();
    const after = this.startTakeOver(program);
    await after.waitFor(/"msg":"ready"/, timeoutMs);
    await before.ended;
    this.#daemon = after;
    return logLines(before);
  }

  /** Starts the other process, and leaves it to the caller. */
  startTakeOver(program?: string): Background {
    const taker = this.space.start(
      [...this.#argv(), '--take-over'].with(1, program ?? this.#program ?? daemonPath()),
    );
    this.#takers.push(taker);
    return taker;
  }

  /** Starts a daemon that outlives this process, its log in `<dir>/l2vpnd.log`; waits for its `ready`. */
  async startDetached(timeoutMs = 10_000): Promise<void> {
    if (this.#dir === undefined) await this.prepare();
    const log = join(this.dir, 'l2vpnd.log');
    this.space.startDetached(this.#argv(), log);
    for (const end = Date.now() + timeoutMs; ; ) {
      const text = await readFile(log, 'utf8');
      if (text.includes('"msg":"ready"')) return;
      if (Date.now() > end) throw new Error(`${this.name}: not ready after ${timeoutMs} ms\n${text}`);
      await pause(20);
    }
  }

  /** Runs a daemon that is expected to refuse: to its end, which must come by itself. */
  async startToFail(wrapper: readonly string[] = [], timeoutMs = 10_000): Promise<RunResult> {
    if (this.#dir === undefined) await this.prepare();
    return this.space.run([...wrapper, ...this.#argv()], { timeoutMs });
  }

  /** Runs `l2vpnd <args> --config <this site's>` to its end. */
  command(...args: readonly string[]): Promise<RunResult> {
    return this.space.run(this.#argv(...args));
  }

  /** Asks the daemon to end, and waits for it. */
  stop(signal: 'SIGTERM' | 'SIGINT' = 'SIGTERM', timeoutMs = 10_000): Promise<Exit> {
    return this.#running().stop(signal, timeoutMs);
  }

  /** SIGKILL: what a crash or a power cut leaves. */
  kill9(): Promise<Exit> {
    return this.#running().stop('SIGKILL');
  }

  /** What the daemon logged since its last start. Lines that are not JSON are left out; see `output`. */
  logs(): LogLine[] {
    return logLines(this.#running());
  }

  /** Everything the daemon printed since its last start. */
  output(): string {
    return this.#running().lines.join('\n');
  }

  /** Waits for a log line that matches, at or after line `from` of the output. */
  waitForLog(pattern: RegExp, timeoutMs = 10_000, from = 0): Promise<RegExpMatchArray> {
    return this.#running().waitFor(pattern, timeoutMs, from);
  }

  /** One request to the control socket; the parsed JSON of the answer. */
  control(path: string, method = 'GET'): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const ask = request(
        { socketPath: this.controlSocket, path, method, timeout: 5000, agent: false },
        (answer) => {
          let text = '';
          answer.setEncoding('utf8').on('data', (part: string) => (text += part));
          answer.on('end', () => {
            if (answer.statusCode === 200) resolve(JSON.parse(text));
            else reject(new Error(`${this.name}: ${method} ${path}: ${answer.statusCode} ${text}`));
          });
        },
      );
      ask.on('timeout', () => ask.destroy(new Error(`${this.name}: ${method} ${path}: no answer`)));
      ask.on('error', reject);
      ask.end();
    });
  }

  /**
   * The counters of one tunnel (the only one, unless named), summed over its channels. A secure association's
   * own copy of a counter is left out, as its channel has counted the frame already.
   */
  async counters(tunnel?: string): Promise<Counters> {
    const tunnels = (await this.control('/v1/tunnels')) as TunnelSeen[];
    const found = tunnel === undefined ? tunnels[0] : tunnels.find((one) => one.name === tunnel);
    if (found === undefined) throw new Error(`${this.name}: no tunnel ${tunnel ?? ''}`);
    const channels = found.macsec?.rx_sc.map((sc) => sc.stats) ?? [];
    // A drop that the SecY counts is among the drops too.
    return { ...found.drops, ...sum([found.macsec?.stats ?? {}, found.macsec?.tx_stats ?? {}, ...channels]) };
  }

  /** Counters until `enough` says so: what the daemon counts arrives a moment after the frame. */
  async countersWhen(
    enough: (counters: Counters) => boolean,
    options: { tunnel?: string; timeoutMs?: number } = {},
  ): Promise<Counters> {
    const end = Date.now() + (options.timeoutMs ?? 5000);
    for (;;) {
      const counters = await this.counters(options.tunnel);
      if (enough(counters)) return counters;
      if (Date.now() > end)
        throw new Error(
          `${this.name}: counters never fulfilled ${enough}: ${JSON.stringify(counters, null, 1)}`,
        );
      await pause(20);
    }
  }

  /** Resident memory of the daemon, octets (/proc/PID/status VmRSS). */
  async residentOctets(): Promise<number> {
    const status = await this.space.must(['cat', `/proc/${this.pid}/status`]);
    return Number(status.match(/^VmRSS:\s+(\d+) kB/m)?.[1] ?? Number.NaN) * 1024;
  }

  /** Ends the daemon if it runs and removes the site's directory. May be called twice. */
  async dispose(): Promise<void> {
    if (this.#daemon !== undefined && this.#daemon.exit === undefined) await this.kill9();
    for (const taker of this.#takers) await taker.stop('SIGKILL');
    if (this.#dir !== undefined) await rm(this.#dir, { recursive: true, force: true });
    this.#dir = undefined;
  }

  #argv(...command: readonly string[]): string[] {
    const program = this.#program ?? daemonPath();
    return [process.execPath, program, EXAMPLE_KEYS, ...command, '--config', this.configPath];
  }

  #running(): Background {
    if (this.#daemon === undefined) throw new Error(`${this.name}: was never started`);
    return this.#daemon;
  }
}

function logLines({ lines }: Background): LogLine[] {
  return lines.flatMap((line) => {
    try {
      return [JSON.parse(line) as LogLine];
    } catch {
      return [];
    }
  });
}

/** What the tests read of the control socket's answer. */
interface TunnelSeen {
  name: string;
  drops: Counters;
  macsec: { stats: Counters; tx_stats: Counters; rx_sc: { stats: Counters }[] } | null;
}

function sum(all: readonly Counters[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const counters of all) {
    for (const [name, value] of Object.entries(counters)) sums[name] = (sums[name] ?? 0) + value;
  }
  return sums;
}
