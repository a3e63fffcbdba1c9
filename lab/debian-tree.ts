/**
 * Debian in a folder, as `debootstrap` makes it: this machine's release, or another, and what packages are wanted beside
 * the minimal ones. Made once and kept in the cache; whoever changes one works on a copy.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { must } from './run.ts';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** What every test of the package, the service and the image has beside a minimal Debian: one tree does for all. */
export const TEST_PACKAGES: readonly string[] = [
  ...['systemd', 'systemd-sysv', 'dbus', 'iproute2'],
  // Node.js needs them, and Ansible Python.
  ...['libatomic1', 'libstdc++6', 'python3', 'python3-apt'],
];

export interface TreeOptions {
  /** Beside the minimal system. */
  packages?: readonly string[];
  /** `bookworm`; this machine's, unless named. */
  suite?: string;
}

/** Where trees, and what is made of them, are kept. */
export function treeCache(name: string): string {
  return join(process.env.L2VPND_TREE_CACHE ?? join(homedir(), '.cache', 'l2vpnd-trees'), name);
}

/** The folder of the tree; made where it is not in the cache, in a minute or so. Needs root. Throws with debootstrap's reason. */
export async function debianTree(options: TreeOptions = {}): Promise<string> {
  const { packages = [], suite = ownSuite() } = options;
  const digest = createHash('sha256')
    .update([...packages].sort().join())
    .digest('hex')
    .slice(0, 8);
  const root = treeCache(`${suite}-${digest}`);
  if (existsSync(root)) return root;
  const work = `${root}.${process.pid}`;
  mkdirSync(dirname(work), { recursive: true });
  try {
    const include = packages.length === 0 ? [] : [`--include=${packages.join(',')}`];
    const kind = ['--variant=minbase', `--keyring=${KEYRING}`, ...include];
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    await must(['debootstrap', ...kind, suite, work, await mirror()], { timeoutMs: 600_000, env });
    await must(['sh', '-c', `rm -f '${work}'/var/cache/apt/archives/*.deb`]);
    renameSync(work, root);
    return root;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The codename of this machine's Debian. */
export function ownSuite(): string {
  const [, suite] = readFileSync('/etc/os-release', 'utf8').match(/^VERSION_CODENAME=(\w+)$/m) ?? [];
  if (suite === undefined) throw new Error('/etc/os-release: no VERSION_CODENAME');
  return suite;
}

/** The mirror that this machine's apt asks. */
async function mirror(): Promise<string> {
  const targets = await must(['apt-get', 'indextargets', '--format', '$(REPO_URI) $(COMPONENT)']);
  const [found] = targets.match(/^\S+\/debian\/(?= main$)/m) ?? [];
  if (found === undefined) throw new Error('apt has no mirror of Debian');
  return found;
}
