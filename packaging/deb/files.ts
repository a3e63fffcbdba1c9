/** Writing the package's tree: what Debian asks of every file. Paths are those of the installed file, without the first slash. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

export class Tree {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  /** A file of its own text. */
  write(path: string, content: string | Uint8Array, mode = 0o644): void {
    const target = this.#make(path);
    writeFileSync(target, content, { mode });
  }

  /** Compressed as Debian wants manuals and changelogs: at its best, and without the time. */
  writeGzip(path: string, content: string | Uint8Array): void {
    this.write(`${path}.gz`, gzipSync(content, { level: 9 }));
  }

  /** A copy of the file `source`. */
  copy(source: string, path: string, mode = 0o644): void {
    this.write(path, readFileSync(source), mode);
  }

  /** A copy of all files below `source` that `isWanted`; none where there is no such folder. */
  copyFolder(source: string, path: string, isWanted: (file: string) => boolean = () => true): void {
    if (!existsSync(source)) return;
    for (const file of filesBelow(source)) {
      if (isWanted(file)) this.copy(join(source, file), join(path, file));
    }
  }

  #make(path: string): string {
    const target = join(this.root, path);
    mkdirSync(dirname(target), { recursive: true, mode: 0o755 });
    return target;
  }
}

/** Paths relative to `folder`, in order. */
export function filesBelow(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1)).sort();
}

/** Of a whole tree, in KiB as the field Installed-Size counts them. */
export function installedSize(root: string): number {
  const sizes = filesBelow(root).map((file) => Math.ceil(statSync(join(root, file)).size / 1024));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Of a dependency, what runs and its licence: no types, maps, tests, documents. */
export function isNeededAtRunTime(file: string): boolean {
  const name = basename(file);
  if (
    /(^|\/)node_modules\/(\.[^/]+|(@[^/]+\/)?[^/]+\/(test|tests|benchmarks|docs|examples|\.github))(\/|$)/.test(
      `node_modules/${file}`,
    )
  )
    return false;
  return /\.([cm]?js|json)$/.test(name) || isLicence(name);
}

export function isLicence(name: string): boolean {
  return /^(licen[cs]e|copying|notice)(\.|-|$)/i.test(name);
}
