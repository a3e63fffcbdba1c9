/** Podman with a store of its own: it takes docker's options as they are, needs no daemon, and no registry. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { treeCache } from '../../lab/debian-tree.ts';
import { pathOf } from '../../lab/packages.ts';
import { Background, must, type RunOptions, type RunResult, run } from '../../lab/run.ts';

const RUNTIME = '/run/l2vpnd-test-podman';

let made: NodeJS.ProcessEnv | undefined;

/** Nothing of this host's own podman is touched. */
export function podmanEnv(): NodeJS.ProcessEnv {
  made ??= writeSettings();
  return made;
}

function writeSettings(): NodeJS.ProcessEnv {
  const root = treeCache('podman');
  mkdirSync(root, { recursive: true });
  const [storage, containers] = [join(root, 'storage.conf'), join(root, 'containers.conf')];
  const places = `graphroot = "${root}/store"\nrunroot = "${RUNTIME}"\n`;
  writeFileSync(storage, `[storage]\ndriver = "overlay"\n${places}`);
  writeFileSync(containers, CONTAINERS_CONF);
  // Health is asked for by the tests; podman's own timers are systemd's.
  const ours = { CONTAINERS_STORAGE_CONF: storage, CONTAINERS_CONF: containers, DISABLE_HC_SYSTEMD: 'true' };
  return { ...process.env, ...ours };
}

// Limits of our own: podman's defaults are above what a machine without CAP_SYS_RESOURCE may set.
const CONTAINERS_CONF = `
[containers]
log_driver = "k8s-file"
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
runtime = "runc"
`;

/** Why no image can be built and run here, or undefined. */
export function lackingPodman(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root';
  if (!existsSync('/dev/net/tun')) return 'needs /dev/net/tun';
  const packages = { podman: 'podman', runc: 'runc', debootstrap: 'debootstrap', ip: 'iproute2' };
  const missing = Object.entries(packages).filter(([program]) => pathOf(program) === undefined);
  if (missing.length === 0) return undefined;
  return `needs ${missing.map(([program]) => program).join(', ')}: apt-get install ${missing.map(([, name]) => name).join(' ')}`;
}

export function podman(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return run(['podman', ...args], { timeoutMs: 60_000, env: podmanEnv(), ...options });
}

export function mustPodman(args: readonly string[], options: RunOptions = {}): Promise<string> {
  return must(['podman', ...args], { timeoutMs: 60_000, env: podmanEnv(), ...options });
}

/** A root filesystem as an image: what `tar` writes to its standard output with these arguments. */
export async function importImage(name: string, tar: readonly string[]): Promise<void> {
  const script = `tar "$@" | podman import - ${name}`;
  await must(['sh', '-c', script, 'sh', ...tar], { timeoutMs: 300_000, env: podmanEnv() });
}

/** One container of ours, until `remove`. */
export class Container {
  readonly name: string;
  /** `docker run`, which ends with the container, and as it does. */
  readonly #run: Background;

  private constructor(name: string, args: readonly string[], enter: readonly string[]) {
    this.name = name;
    const argv = [...enter, 'podman', 'run', '--sig-proxy=false', '--name', name, ...args];
    this.#run = new Background(argv, { env: podmanEnv() });
  }

  /**
   * `docker run` with these options, image and arguments, behind the words of `enter`. Whoever had the name before is
   * removed.
   */
  static async run(name: string, args: readonly string[], enter: readonly string[] = []): Promise<Container> {
    await podman(['rm', '--force', '--time', '0', '--ignore', name]);
    return new Container(name, args, enter);
  }

  /** Waits for a line of what it prints. */
  waitFor(pattern: RegExp, timeoutMs = 60_000): Promise<RegExpMatchArray> {
    return this.#run.waitFor(pattern, timeoutMs);
  }

  get output(): string {
    return this.#run.lines.join('\n');
  }

  exec(...argv: readonly string[]): Promise<RunResult> {
    return podman(['exec', this.name, ...argv]);
  }

  /** What HEALTHCHECK says now: `code` 0 is healthy. */
  health(): Promise<RunResult> {
    return podman(['healthcheck', 'run', this.name]);
  }

  /** `docker stop`; the exit status. */
  async stop(): Promise<number | null> {
    await mustPodman(['stop', '--time', '20', this.name]);
    return this.ended();
  }

  /** Waits for its end; the exit status. */
  async ended(): Promise<number | null> {
    return (await this.#run.ended).code;
  }

  async remove(): Promise<void> {
    await podman(['rm', '--force', '--time', '0', '--ignore', this.name]);
    await this.#run.ended;
  }
}

/** Until the health check has nothing to say against it: a peer counts as alive when it is looked at next, once a second. */
export async function healthy(container: Container): Promise<void> {
  for (const end = Date.now() + 30_000; ; ) {
    if ((await container.health()).code === 0) return;
    if (Date.now() < end) continue;
    const { stdout, stderr } = await container.exec('l2vpnd', 'status');
    throw new Error(`${container.name}: not healthy\n${stdout}${stderr}`);
  }
}
