/**
 * Debian packages with the libraries that they need, downloaded and unpacked into a folder of the cache, never
 * installed: programs of another release of Debian run over that release's own loader and libraries.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDir } from './kernel-image.ts';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/**
 * The folder that `name` of the release `suite` and its libraries are unpacked in; downloaded where it is not in the
 * cache. Null: the release that this machine's apt is set up for. Throws with apt's reason.
 */
export function unpackedPackage(name: string, suite: string | null): string {
  const root = cacheDir(suite === null ? name : `${name}-${suite}`);
  if (existsSync(root)) return root;
  const work = `${root}.${process.pid}`;
  mkdirSync(work, { recursive: true });
  try {
    const debs = new Downloads(work, suite === null ? [] : aptOf(suite, work));
    for (const deb of debs.closure(name)) execFileSync('dpkg-deb', ['-x', deb, join(work, 'root')]);
    renameSync(join(work, 'root'), root);
    return root;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Options that make apt one of another release, with lists and cache of its own. It asks the mirror that is set up. */
function aptOf(suite: string, work: string): string[] {
  const targets = execFileSync('apt-get', ['indextargets', '--format', '$(REPO_URI) $(COMPONENT)'], {
    encoding: 'utf8',
  });
  const [mirror] = targets.match(/^\S+\/debian\/(?= main$)/m) ?? [];
  if (mirror === undefined) throw new Error('apt has no mirror of Debian');
  const [list, lists, archives] = ['sources.list', 'lists', 'archives'].map((file) => join(work, file));
  for (const dir of [lists!, archives!]) mkdirSync(join(dir, 'partial'), { recursive: true });
  writeFileSync(list!, `deb [signed-by=${KEYRING}] ${mirror} ${suite} main\n`);
  const settings = {
    'Dir::Etc::sourcelist': list,
    'Dir::Etc::sourceparts': '-',
    'Dir::State::lists': lists,
    'Dir::State::status': '/dev/null',
    'Dir::Cache::archives': archives,
    'Dir::Cache::pkgcache': '',
    'Dir::Cache::srcpkgcache': '',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  run('apt-get', [...options, 'update', '-q'], work);
  return options;
}

class Downloads {
  readonly #dir: string;
  readonly #options: readonly string[];

  constructor(dir: string, options: readonly string[]) {
    this.#dir = dir;
    this.#options = options;
  }

  /** The files of a package and of all libraries that it needs, directly or not. */
  closure(name: string): string[] {
    const known = new Set<string>();
    const found: string[] = [];
    for (let wanted = [name]; wanted.length > 0; ) {
      const debs = this.#download(wanted);
      for (const one of wanted) known.add(one);
      found.push(...debs);
      wanted = [...new Set(debs.flatMap(librariesOf))].filter((one) => !known.has(one));
    }
    return found;
  }

  #download(names: readonly string[]): string[] {
    const before = new Set(readdirSync(this.#dir));
    run('apt-get', [...this.#options, 'download', ...names], this.#dir);
    const debs = readdirSync(this.#dir).filter((file) => file.endsWith('.deb') && !before.has(file));
    return debs.map((deb) => join(this.#dir, deb));
  }
}

/** What a package needs that holds libraries; of alternatives the first. */
function librariesOf(deb: string): string[] {
  const depends = ['Pre-Depends', 'Depends'].map((field) =>
    execFileSync('dpkg-deb', ['-f', deb, field], { encoding: 'utf8' }),
  );
  const names = depends.flatMap((list) => list.split(',')).map((one) => one.trim().split(/[ (|:]/)[0]!);
  return names.filter((name) => /^(lib(?!c-gconv)|zlib1g)/.test(name));
}

function run(command: string, argv: readonly string[], cwd: string): void {
  execFileSync(command, argv, { cwd, stdio: ['ignore', 'ignore', 'pipe'] });
}
