/**
 * A Debian with the package installed, booted in a container that has the network of a namespace of the lab: systemd is
 * its process 1, and starts, watches and stops the service as on any host.
 */
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { debianTree, TEST_PACKAGES } from '../../lab/debian-tree.ts';
import { pathOf } from '../../lab/packages.ts';
import { Background, must, type RunOptions, type RunResult, run } from '../../lab/run.ts';
import type { Namespace } from '../../lab/topology.ts';

/** No systemd has to run on this host. */
const UNREGISTERED = ['--register=no', '--keep-unit'];
/** Exit status of nspawn (`man 1 systemd-nspawn`). */
const REBOOT = 133;
const BOOT_MS = 60_000;
const LOOK_MS = 50;

/** Why no machine can be booted here, or undefined. */
export function lackingMachine(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root';
  if (!existsSync('/dev/net/tun')) return 'needs /dev/net/tun';
  const programs = {
    'systemd-nspawn': 'systemd-container',
    debootstrap: 'debootstrap',
    nsenter: 'util-linux',
  };
  const missing = Object.entries(programs).filter(([program]) => pathOf(program) === undefined);
  if (missing.length === 0) return undefined;
  const names = missing.map(([program]) => program).join(', ');
  return `needs ${names}: apt-get install -y ${missing.map(([, name]) => name).join(' ')}`;
}

/** Asks `question` until it has an answer, at most `timeoutMs`; then throws with `what`. */
export async function until<T>(
  what: string,
  question: () => Promise<T | null | false>,
  timeoutMs = 30_000,
): Promise<T> {
  for (const end = Date.now() + timeoutMs; ; await pause(LOOK_MS)) {
    const answer = await question();
    if (answer !== null && answer !== false) return answer;
    if (Date.now() > end) throw new Error(`not within ${timeoutMs} ms: ${what}`);
  }
}

/** What systemd says of a unit. */
export interface UnitState {
  readonly ActiveState: string;
  readonly SubState: string;
  readonly Result: string;
  readonly StatusText: string;
  readonly MainPID: string;
  readonly ExecMainStatus: string;
  readonly NRestarts: string;
}

const PROPERTIES = [
  ...['ActiveState', 'SubState', 'Result', 'StatusText', 'MainPID', 'ExecMainStatus', 'NRestarts'],
] as const;

export class Machine {
  readonly #dir: string;
  readonly #space: Namespace;
  #nspawn: Background | null = null;

  private constructor(dir: string, space: Namespace) {
    this.#dir = dir;
    this.#space = space;
  }

  /** Installed from the package `deb`, or without it, not booted. Its disk is a copy, which goes with `destroy`. */
  static async install(deb: string | null, space: Namespace): Promise<Machine> {
    const machine = new Machine(await mkdtemp(join(tmpdir(), 'l2vpnd-machine-')), space);
    try {
      await machine.#layOut(await debianTree({ packages: TEST_PACKAGES }));
      if (deb !== null) await machine.#installPackage(deb);
      // One of its own: the host's node may be root's alone.
      mkdirSync(join(machine.#dir, 'dev'));
      await must(['mknod', '-m', '666', machine.#tun, 'c', '10', '200']);
      return machine;
    } catch (error) {
      await machine.destroy();
      throw error;
    }
  }

  get root(): string {
    return join(this.#dir, 'root');
  }

  get #tun(): string {
    return join(this.#dir, 'dev', 'tun');
  }

  /** On this host, what the machine calls `path`. */
  path(path: string): string {
    return join(this.root, path);
  }

  /** Writes a file below /etc/l2vpnd as an operator has it: root's; what lies in `keys` is for nobody else, the rest for the service's group. */
  writeEtc(name: string, content: string | object): void {
    const path = this.path(`/etc/l2vpnd/${name}`);
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content, null, 2));
    const isKey = name.startsWith('keys/');
    chownSync(path, 0, isKey ? 0 : this.groupId());
    chmodSync(path, isKey ? 0o600 : 0o640);
  }

  groupId(): number {
    const [, gid] = readFileSync(this.path('/etc/group'), 'utf8').match(/^l2vpnd:[^:]*:(\d+):/m) ?? [];
    return Number(gid);
  }

  /** Overrides a setting or two of the unit. */
  async dropIn(unit: string, lines: string): Promise<void> {
    mkdirSync(this.path(`/etc/systemd/system/${unit}.service.d`), { recursive: true });
    writeFileSync(this.path(`/etc/systemd/system/${unit}.service.d/test.conf`), `${lines}\n`);
    if (this.#nspawn !== null) await this.must(['systemctl', 'daemon-reload']);
  }

  /** A file of systemd-networkd's. */
  writeNetwork(name: string, content: string): void {
    writeFileSync(this.path(`/etc/systemd/network/${name}`), content);
  }

  /** Has `units` started at boot. Before `boot`. */
  async enable(...units: string[]): Promise<void> {
    await must(['systemctl', `--root=${this.root}`, '--quiet', 'enable', ...units]);
    // The lab's links are nobody's here, so that it would wait for ever.
    await must(['systemctl', `--root=${this.root}`, '--quiet', 'mask', 'systemd-networkd-wait-online']);
  }

  /** Boots it, until every unit has started or failed. */
  async boot(): Promise<void> {
    this.#nspawn = new Background([
      ...['systemd-nspawn', '--boot', '--quiet', '--console=pipe', `--directory=${this.root}`],
      ...UNREGISTERED,
      ...[`--network-namespace-path=/run/netns/${this.#space.name}`],
      ...['--capability=CAP_NET_ADMIN,CAP_NET_RAW', `--bind=${this.#tun}:/dev/net/tun`],
      `--bind=${join(this.#dir, 'state')}:/var/lib/l2vpnd`,
    ]);
    await this.#booted();
  }

  /** Reboots it from within: nspawn ends with a status that says so, and is started again. */
  async reboot(): Promise<void> {
    await this.run(['systemctl', 'reboot']);
    const { code } = await this.#nspawn!.ended;
    if (code !== REBOOT) throw new Error(`no reboot: ${code}\n${this.#nspawn!.lines.slice(-40).join('\n')}`);
    await this.boot();
  }

  /** Its process 1, as this host numbers it; 0 while there is none. */
  leader(): number {
    const pid = this.#nspawn?.pid ?? 0;
    try {
      return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').at(-1));
    } catch {
      return 0;
    }
  }

  /** What a command on this host is put behind to be run in it. */
  enter(): string[] {
    return ['nsenter', '--all', '--target', String(this.leader())];
  }

  /** Runs a program in it to its end. */
  run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const env = {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: '/root',
      LANG: 'C',
    };
    return run([...this.enter(), ...argv], {
      timeoutMs: 60_000,
      env,
      ...options,
    });
  }

  async must(argv: readonly string[], options: RunOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(argv, options);
    if (code !== 0) throw new Error(`${argv.join(' ')}: exit ${code}\n${stdout}${stderr}`);
    return stdout;
  }

  systemctl(...args: string[]): Promise<RunResult> {
    return this.run(['systemctl', '--no-pager', ...args]);
  }

  async state(unit: string): Promise<UnitState> {
    const text = await this.must([
      'systemctl',
      'show',
      unit,
      ...PROPERTIES.map((name) => `--property=${name}`),
    ]);
    return Object.fromEntries(text.split('\n').map((line) => line.split(/=(.*)/s))) as UnitState;
  }

  /** The state of `unit` when `isIt` says so. */
  stateWhen(unit: string, isIt: (state: UnitState) => boolean, timeoutMs?: number): Promise<UnitState> {
    let last: UnitState | null = null;
    const look = async (): Promise<UnitState | null> => {
      last = await this.state(unit);
      return isIt(last) ? last : null;
    };
    return until(`${unit} ${isIt}`, look, timeoutMs).catch(async (error: Error) => {
      const { stdout } = await this.systemctl('status', '--lines=30', '--full', unit);
      throw new Error(`${error.message}\n${JSON.stringify(last)}\n${stdout}`);
    });
  }

  /** What `systemctl status` shows of `unit`, when it says `pattern`: the journal is a moment behind. */
  async statusWhen(unit: string, pattern: RegExp): Promise<string> {
    let last = '';
    const look = async (): Promise<string | null> => {
      last = (await this.systemctl('status', '--full', '--lines=20', unit)).stdout;
      return pattern.test(last) ? last : null;
    };
    return until(`${pattern} in systemctl status`, look, 20_000).catch((error: Error) => {
      throw new Error(`${error.message}\n${last}`);
    });
  }

  /** The pid on this host of the process that the machine calls `pid`. */
  hostPid(pid: string): number {
    const space = readlinkSync(`/proc/${this.leader()}/ns/pid`);
    const isIt = (candidate: string): boolean => {
      try {
        const ids = /^NSpid:\s+(.*)$/m.exec(readFileSync(`/proc/${candidate}/status`, 'latin1'))?.[1];
        return ids?.split(/\s+/).at(-1) === pid && readlinkSync(`/proc/${candidate}/ns/pid`) === space;
      } catch {
        return false;
      }
    };
    const found = readdirSync('/proc').find((name) => /^\d+$/.test(name) && isIt(name));
    if (found === undefined) throw new Error(`the machine has no process ${pid}`);
    return Number(found);
  }

  async destroy(): Promise<void> {
    // nspawn alone would leave what it has started behind; with process 1 of the machine all of it ends.
    const leader = this.leader();
    if (leader > 0) await run(['kill', '-KILL', `${leader}`]);
    await this.#nspawn?.stop('SIGKILL');
    await run(['umount', '--lazy', this.root]);
    await rm(this.#dir, { recursive: true, force: true });
  }

  async #installPackage(deb: string): Promise<void> {
    writeFileSync(this.path('/l2vpnd.deb'), readFileSync(deb));
    const inside = ['systemd-nspawn', '--quiet', '--pipe', `--directory=${this.root}`, ...UNREGISTERED];
    await must([...inside, 'dpkg', '-i', '/l2vpnd.deb'], { timeoutMs: 120_000 });
  }

  async #layOut(tree: string): Promise<void> {
    const at = (name: string): string => join(this.#dir, name);
    for (const name of ['root', 'upper', 'work', 'state']) mkdirSync(at(name));
    const dirs = `lowerdir=${tree},upperdir=${at('upper')},workdir=${at('work')}`;
    await must(['mount', '-t', 'overlay', '-o', dirs, 'l2vpnd-machine', this.root]);
    rmSync(this.path('/etc/machine-id'), { force: true });
    writeFileSync(this.path('/etc/machine-id'), '');
  }

  async #booted(): Promise<void> {
    const running = async (): Promise<boolean> => {
      if (this.#nspawn?.exit !== undefined) throw new Error(`it ended: ${this.#nspawn.lines.join('\n')}`);
      if (this.leader() === 0) return false;
      const { stdout } = await this.run(['systemctl', 'is-system-running']);
      return ['running', 'degraded'].includes(stdout.trim());
    };
    await until('the machine has booted', running, BOOT_MS).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.#nspawn?.lines.slice(-40).join('\n')}`);
    });
  }
}
