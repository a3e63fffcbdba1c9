/** What is where in the Debian package. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { must } from '../../lab/run.ts';
import { prebuiltFile } from '../../src/native/load.ts';
import { packageRoot } from '../../src/package-root.ts';
import { isLicence, isNeededAtRunTime, type Tree } from './files.ts';
import type { Runtime } from './runtime.ts';

const LIB = 'usr/lib/l2vpnd';
const DOC = 'usr/share/doc/l2vpnd';

export interface Parts {
  readonly runtime: Runtime;
  /** For stripping the runtime's binary. */
  readonly strip: string;
  /** The addon's file, and what it is for. */
  readonly addon: string;
  readonly platform: string;
  readonly modules: string;
}

const here = (path: string): string => join(packageRoot(), path);

/** All but what papers.ts writes. Returns the ELF files. */
export async function layOut(tree: Tree, parts: Parts): Promise<string[]> {
  const node = `${LIB}/bin/node`;
  const addon = `${LIB}/${prebuiltFile(parts.platform)}`;
  tree.copy(join(parts.runtime.folder, 'bin/node'), node, 0o755);
  await must([parts.strip, '--strip-unneeded', join(tree.root, node)], { timeoutMs: 120_000 });
  tree.copy(parts.addon, addon);
  layOutProgram(tree, parts.modules);
  layOutService(tree);
  layOutDocuments(tree);
  await layOutManuals(tree);
  await layOutCompletions(tree);
  return [node, addon].map((path) => join(tree.root, path));
}

/** Licences are in the copyright file, where Debian wants them. */
function layOutProgram(tree: Tree, modules: string): void {
  const { name, version, type, license } = JSON.parse(readFileSync(here('package.json'), 'utf8'));
  tree.write(`${LIB}/package.json`, `${JSON.stringify({ name, version, type, license }, null, 2)}\n`);
  tree.copyFolder(here('dist/src'), `${LIB}/dist/src`, (file) => file.endsWith('.js'));
  tree.copyFolder(here('dist/web'), `${LIB}/dist/web`);
  tree.copyFolder(
    modules,
    `${LIB}/node_modules`,
    (file) => isNeededAtRunTime(file) && !isLicence(file.split('/').at(-1)!),
  );
  tree.copy(here('packaging/deb/l2vpnd.sh'), 'usr/bin/l2vpnd', 0o755);
}

function layOutService(tree: Tree): void {
  const folder = here('packaging/systemd');
  tree.copyFolder(folder, 'usr/lib/systemd/system', (file) =>
    /^[^/]+\.(service|socket|target|path|slice)$/.test(file),
  );
  for (const kind of ['sysusers', 'tmpfiles']) {
    const file = join(folder, `l2vpnd.${kind}`);
    if (existsSync(file)) tree.copy(file, `usr/lib/${kind}.d/l2vpnd.conf`);
  }
}

function layOutDocuments(tree: Tree): void {
  tree.writeGzip(`${DOC}/CHANGELOG.md`, readFileSync(here('CHANGELOG.md')));
  for (const file of ['README.md', 'SECURITY.md']) tree.copy(here(file), `${DOC}/${file}`);
  tree.copyFolder(here('docs'), `${DOC}/docs`);
  tree.copyFolder(here('examples'), `${DOC}/examples`);
  tree.copyFolder(here('packaging/monitoring'), `${DOC}/monitoring`);
  // Where the examples say that it is.
  tree.copy(here('l2vpnd.schema.json'), `${DOC}/l2vpnd.schema.json`);
  tree.copy(here('packaging/deb/lintian-overrides'), 'usr/share/lintian/overrides/l2vpnd');
}

async function layOutManuals(tree: Tree): Promise<void> {
  await must([process.execPath, here('dist/src/cli/manual/write.js'), here('out/man')], {
    timeoutMs: 120_000,
  });
  for (const page of ['l2vpnd.8', 'l2vpnd.json.5']) {
    const section = page.at(-1)!;
    tree.writeGzip(`usr/share/man/man${section}/${page}`, readFileSync(here(`out/man/${page}`)));
  }
}

/** Shell → where Debian's reads completions of packages. */
const COMPLETIONS = {
  bash: 'usr/share/bash-completion/completions/l2vpnd',
  zsh: 'usr/share/zsh/vendor-completions/_l2vpnd',
  fish: 'usr/share/fish/vendor_completions.d/l2vpnd.fish',
};

async function layOutCompletions(tree: Tree): Promise<void> {
  for (const [shell, path] of Object.entries(COMPLETIONS)) {
    tree.write(path, await must([process.execPath, here('dist/src/main.js'), 'completion', shell]));
  }
}
