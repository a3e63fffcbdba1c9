/**
 * The kernel of the guest: Debian's `linux-image-*-amd64` package, downloaded and unpacked, never installed.
 *
 * Kept outside the repository, in $L2VPND_KERNEL_CACHE or ~/.cache/l2vpnd-kernel. A kernel that lies there is
 * used; delete the folder for a newer one. $L2VPND_KERNEL_PACKAGE names another package of the same distribution
 * (`linux-image-6.12-amd64`), a meta package is followed to the kernel that it depends on.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

export interface KernelImage {
  /** `6.1.0-50-amd64`. */
  release: string;
  /** What QEMU's `-kernel` loads. */
  vmlinuz: string;
  /** `…/lib/modules/<release>`. */
  moduleDir: string;
}

/** Finds the kernel in the cache, or downloads it by `apt-get download`. Throws with the reason where neither works. */
export function kernelImage(): KernelImage {
  const wanted = process.env.L2VPND_KERNEL_PACKAGE ?? 'linux-image-amd64';
  const root = cacheDir(wanted);
  return inspect(root) ?? download(wanted, root);
}

/** Where what was downloaded under this name is kept. */
export function cacheDir(name: string): string {
  return join(process.env.L2VPND_KERNEL_CACHE ?? join(homedir(), '.cache', 'l2vpnd-kernel'), name);
}

/** The names (`macsec`, `ip_gre`) and all that they depend on, as files in the order in which they load. */
export function modulePaths(image: KernelImage, names: readonly string[]): string[] {
  const byName = indexModules(image.moduleDir);
  const ordered: string[] = [];
  const seen = new Set<string>();
  const visit = (name: string, required: boolean): void => {
    if (seen.has(name)) return;
    seen.add(name);
    const path = byName.get(name);
    if (path === undefined) {
      if (required && !isBuiltIn(image, name))
        throw new Error(`kernel ${image.release} has no module "${name}"`);
      return;
    }
    for (const dependency of dependsOf(readModule(path))) visit(dependency, true);
    ordered.push(path);
  };
  for (const name of names) visit(name, false);
  return ordered;
}

/** A module's octets, unpacked: newer packages compress them. */
export function readModule(path: string): Buffer {
  if (path.endsWith('.xz')) return execFileSync('xz', ['-dc', path], { maxBuffer: 1 << 26 });
  if (path.endsWith('.gz')) return gunzipSync(readFileSync(path));
  return readFileSync(path);
}

function inspect(root: string): KernelImage | null {
  const boot = join(root, 'boot');
  if (!existsSync(boot)) return null;
  const file = readdirSync(boot).find((name) => name.startsWith('vmlinuz-'));
  if (file === undefined) return null;
  const release = file.slice('vmlinuz-'.length);
  const moduleDir = [join(root, 'lib/modules', release), join(root, 'usr/lib/modules', release)].find(
    existsSync,
  );
  return moduleDir === undefined ? null : { release, vmlinuz: join(boot, file), moduleDir };
}

function download(wanted: string, root: string): KernelImage {
  mkdirSync(root, { recursive: true });
  const name = resolvePackage(wanted);
  execFileSync('apt-get', ['download', name], { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] });
  const deb = readdirSync(root).find((file) => file.endsWith('.deb'));
  if (deb === undefined) throw new Error(`apt-get download ${name}: no .deb came`);
  const unpacked = join(root, 'unpacked');
  execFileSync('dpkg-deb', ['-x', join(root, deb), unpacked]);
  for (const entry of readdirSync(unpacked)) renameSync(join(unpacked, entry), join(root, entry));
  rmSync(join(root, deb));
  writeFileSync(join(root, 'package'), `${deb}\n`);
  const image = inspect(root);
  if (image === null) throw new Error(`${deb}: no kernel in it`);
  return image;
}

/** `linux-image-amd64` depends on the kernel of the day: that one. */
function resolvePackage(name: string): string {
  const text = execFileSync('apt-cache', ['depends', name], { encoding: 'utf8' });
  return text.match(/^\s*Depends: (linux-image-\d\S+)/m)?.[1] ?? name;
}

function indexModules(dir: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const entry of readdirSync(dir, { recursive: true, encoding: 'utf8' })) {
    const match = entry.match(/([^/]+)\.ko(\.xz|\.gz)?$/);
    if (match?.[1] !== undefined) found.set(match[1].replaceAll('-', '_'), join(dir, entry));
  }
  return found;
}

function isBuiltIn(image: KernelImage, name: string): boolean {
  const list = readFileSync(join(image.moduleDir, 'modules.builtin'), 'utf8').replaceAll('-', '_');
  return list.includes(`/${name}.ko`);
}

/** The `depends=` entry of the .modinfo section: the package carries no modules.dep (depmod writes it on installation). */
function dependsOf(module: Buffer): string[] {
  const at = module.indexOf('\0depends=');
  if (at < 0) return [];
  const text = module.toString('latin1', at + '\0depends='.length, module.indexOf(0, at + 1));
  return text === '' ? [] : text.split(',').map((name) => name.replaceAll('-', '_'));
}
