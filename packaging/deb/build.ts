/** Makes `out/l2vpnd_VERSION_ARCH.deb`: lays out its tree, writes its papers, and has dpkg-deb pack it. */
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { must, run } from '../../lab/run.ts';
import { packageRoot } from '../../src/package-root.ts';
import { buildAddon } from '../addon/build.ts';
import { type Target, targetNamed } from '../addon/targets.ts';
import { dependenciesOf } from './dependencies.ts';
import { filesBelow, installedSize, Tree } from './files.ts';
import { fetchModules } from './modules.ts';
import { type About, changelogFile, controlFile, copyrightFile, debianVersion } from './papers.ts';
import { type DebianArch, fetchRuntime } from './runtime.ts';
import { layOut } from './tree.ts';

/** What runs on each of Debian's machines. */
export const TARGET_OF: Readonly<Record<DebianArch, Target>> = {
  amd64: targetNamed('linux-x64-glibc'),
  arm64: targetNamed('linux-arm64-glibc'),
};

export interface Packing {
  /** For trying it out: packs in seconds, and the package is a third larger. */
  readonly quick: boolean;
  /** The folder that the package goes into. */
  readonly out: string;
}

/** Returns the package's file. `dist` must be built. */
export async function buildDeb(arch: DebianArch, { quick, out }: Packing): Promise<string> {
  const target = TARGET_OF[arch];
  const [runtime, addon, modules] = [
    await fetchRuntime(arch),
    await buildAddon(target.name),
    await fetchModules(),
  ];
  const tree = new Tree(join(packageRoot(), 'out', 'deb', arch));
  rmSync(tree.root, { recursive: true, force: true });
  const parts = { runtime, addon, modules, strip: target.strip, platform: target.name };
  const binaries = await layOut(tree, parts);
  const about = await aboutOf(tree, arch, await dependenciesOf(binaries));
  writePapers(tree, about, { licences: join(runtime.folder, 'LICENSE'), modules });
  const file = join(out, `l2vpnd_${debianVersion(about.version)}_${arch}.deb`);
  await pack(tree.root, file, about.date, quick);
  return file;
}

async function aboutOf(tree: Tree, arch: DebianArch, depends: string): Promise<About> {
  const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8'));
  return { version, arch, depends, size: installedSize(tree.root), date: await sourceDate() };
}

/** When what is packed was written, so that the same sources make the same package: SOURCE_DATE_EPOCH, or the commit's. */
async function sourceDate(): Promise<Date> {
  const { SOURCE_DATE_EPOCH: given } = process.env;
  if (given !== undefined) return new Date(Number(given) * 1000);
  const { code, stdout } = await run(['git', '-C', packageRoot(), 'log', '-1', '--format=%ct']);
  return code === 0 ? new Date(Number(stdout) * 1000) : new Date();
}

function writePapers(tree: Tree, about: About, from: { licences: string; modules: string }): void {
  const read = (file: string): string => readFileSync(file, 'utf8');
  const licence = read(join(packageRoot(), 'LICENSE'));
  tree.write('usr/share/doc/l2vpnd/copyright', copyrightFile(licence, read(from.licences), from.modules));
  tree.writeGzip('usr/share/doc/l2vpnd/changelog', changelogFile(about));
  tree.write('DEBIAN/md5sums', sumsOf(tree.root));
  tree.write('DEBIAN/control', controlFile(about));
  const folder = join(packageRoot(), 'packaging/deb');
  for (const script of ['postinst', 'prerm', 'postrm'])
    tree.copy(join(folder, script), `DEBIAN/${script}`, 0o755);
}

function sumsOf(root: string): string {
  const md5 = (file: string): string =>
    createHash('md5')
      .update(readFileSync(join(root, file)))
      .digest('hex');
  return filesBelow(root)
    .map((file) => `${md5(file)}  ${file}\n`)
    .join('');
}

/** Modes as the umask of nobody's shell makes them: a package's folders are everybody's to read. */
async function pack(root: string, file: string, date: Date, quick: boolean): Promise<void> {
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) chmodSync(join(entry.parentPath, entry.name), 0o755);
  }
  mkdirSync(dirname(file), { recursive: true });
  const how = quick ? ['-Zgzip', '-z1'] : ['-Zxz'];
  const env = { ...process.env, SOURCE_DATE_EPOCH: String(Math.floor(date.getTime() / 1000)) };
  await must(['dpkg-deb', '--root-owner-group', ...how, '--build', root, file], { env, timeoutMs: 600_000 });
}
