/**
 * The state directory while the process lives. What it knows is put back where the directory, or a file in it, is
 * removed: the numbers in memory are newer than any backup, and to start again without them would repeat them.
 */
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoName, L2vpnError, messageOf } from '../errors.ts';
import type { Disk, StateFs } from './disk.ts';
import { isThere, makeDirectory, readTrusted, removeIfThere, replaceFile } from './durable-file.ts';
import type { OnStateEvent } from './events.ts';
import { notMade } from './faults.ts';
import { SharedSync } from './shared-sync.ts';
import { StateFile } from './state-file.ts';
import { requireTrusted } from './trust.ts';
import { type VolatileKind, volatileKind } from './volatile.ts';

/** Files that one `verify` looks at: a daemon of a thousand tunnels has thousands. */
const LOOKS = 32;

export class StateDir {
  readonly path: string;
  readonly volatile: VolatileKind | null;
  readonly disk: Disk;
  readonly onEvent: OnStateEvent;
  readonly #files = new Map<string, StateFile>();
  /** Who must take a lock again in a directory made again. */
  readonly #remade = new Set<() => void>();
  /** Held open, so that no other directory can have its inode number while we compare by that. */
  #handle: FileHandle | null = null;
  #identity = '';
  /** Makes the names in it survive a power failure. */
  readonly #names: SharedSync;
  #remaking: Promise<void> | null = null;
  /** The files are back in a directory that was made again. */
  #restored: Promise<void> = Promise.resolve();
  #lookAt = 0;

  private constructor(path: string, disk: Disk, onEvent: OnStateEvent, kind: VolatileKind | null) {
    this.path = path;
    this.disk = disk;
    this.onEvent = onEvent;
    this.volatile = kind;
    this.#names = new SharedSync(disk, async () => this.#handle?.sync());
  }

  /** Makes it where it is missing. Throws L2VPN_CANTCREATE where that fails, L2VPN_STATE where others could write it. */
  static open(path: string, disk: Disk, onEvent: OnStateEvent): Promise<StateDir> {
    return disk.run(async (fs) => {
      try {
        await makeDirectory(fs, path);
        await requireTrusted(fs, path);
        const dir = new StateDir(path, disk, onEvent, await volatileKind(fs, path));
        await dir.#hold(fs);
        return dir;
      } catch (cause) {
        if (cause instanceof L2vpnError) throw cause;
        throw notMade(path, cause);
      }
    });
  }

  /** Resolves when nothing is being written any more. */
  async close(): Promise<void> {
    for (const file of this.#files.values()) await file.idle();
    await this.#restored;
    await this.#handle?.close();
    this.#handle = null;
  }

  /** The one writer of file `name` here. */
  file(name: string): StateFile {
    const known = this.#files.get(name);
    if (known !== undefined) return known;
    const file = new StateFile(join(this.path, name), this);
    this.#files.set(name, file);
    return file;
  }

  /** Nobody writes file `name` any more: it is no longer put back. */
  forget(name: string): void {
    this.#files.delete(name);
  }

  /** The text of file `name`, put back before where it was removed; null where there is none. Rejects as `readTrusted`. */
  async read(name: string): Promise<string | null> {
    const file = this.#files.get(name);
    if (file?.isKnown) await this.#putBack(file);
    return this.disk.run((fs) => readTrusted(fs, join(this.path, name)));
  }

  /** `call` runs after the directory was made again; returns what ends that. */
  whenRemade(call: () => void): () => void {
    this.#remade.add(call);
    return () => this.#remade.delete(call);
  }

  /** Runs `task` in a turn of the disk, with the directory there. */
  within<T>(task: (fs: StateFs) => Promise<T>): Promise<T> {
    return this.disk.run(async (fs) => {
      await this.#ensure(fs);
      return task(fs);
    });
  }

  async write(path: string, text: string, known: boolean): Promise<void> {
    const into = await this.disk.run(async (fs) => {
      const whole = await this.#ensure(fs);
      if (whole && known && !(await isThere(fs, path))) this.#sayFile(path);
      const identity = this.#identity;
      await replaceFile(fs, path, text);
      return identity;
    });
    await this.#names.run();
    // Made again meanwhile, without this file.
    if (into !== this.#identity) await this.write(path, text, false);
  }

  async remove(path: string): Promise<void> {
    await this.within((fs) => removeIfThere(fs, path));
    await this.#names.run();
  }

  /** Looks whether directory and files are there (some files each time), and puts back what is not. Rejects as a write does. */
  async verify(): Promise<void> {
    const whole = await this.disk.run((fs) => this.#ensure(fs));
    const files = [...this.#files.values()].filter(({ isKnown }) => isKnown);
    const some = whole ? rotated(files, this.#lookAt).slice(0, LOOKS) : files;
    this.#lookAt += LOOKS;
    await Promise.all(some.map((file) => this.#putBack(file)));
  }

  async #putBack(file: StateFile): Promise<void> {
    const gone = await this.disk.run(async (fs) => {
      const whole = await this.#ensure(fs);
      if (await isThere(fs, file.path)) return false;
      if (whole && !file.isBusy) this.#sayFile(file.path);
      return true;
    });
    if (gone) await file.rewrite();
  }

  /** False where the directory had to be made again. Runs in a turn of the disk. */
  async #ensure(fs: StateFs): Promise<boolean> {
    if (this.#remaking === null && (await identityOf(fs, this.path)) === this.#identity) return true;
    this.#remaking ??= this.#remake(fs).finally(() => {
      this.#remaking = null;
    });
    await this.#remaking;
    return false;
  }

  async #remake(fs: StateFs): Promise<void> {
    // Another turn may have done it meanwhile.
    if ((await identityOf(fs, this.path)) === this.#identity) return;
    await makeDirectory(fs, this.path);
    await requireTrusted(fs, this.path);
    await this.#hold(fs);
    // Not waited for: the files need turns of the disk, and this is one.
    const rewritten = [...this.#files.values()].map((file) =>
      file.rewrite().catch((error) => this.#sayFailed(file, error)),
    );
    this.#restored = Promise.all(rewritten).then(() => this.#sayRemade());
    for (const call of this.#remade) call();
  }

  async #hold(fs: StateFs): Promise<void> {
    const handle = await fs.open(this.path, constants.O_RDONLY | constants.O_DIRECTORY);
    const { dev, ino } = await handle.stat();
    await this.#handle?.close();
    this.#handle = handle;
    this.#identity = `${dev}/${ino}`;
  }

  /** Only now: whoever reads it may rely on it. */
  #sayRemade(): void {
    const message = `state directory ${this.path} had been removed: made again, with the packet numbers of this process`;
    this.onEvent({ kind: 'remade', level: 'error', message, path: this.path });
  }

  #sayFile(path: string): void {
    const message = `state file ${path} had been removed: made again, with what this process knows`;
    this.onEvent({ kind: 'remade', level: 'error', message, path });
  }

  #sayFailed({ path }: StateFile, error: unknown): void {
    const message = `state file ${path} cannot be made again: ${messageOf(error)}`;
    this.onEvent({ kind: 'failed', level: 'error', message, path });
  }
}

/** Device and inode of directory `path`, or null where there is none. */
async function identityOf(fs: StateFs, path: string): Promise<string | null> {
  try {
    const { dev, ino } = await fs.stat(path);
    return `${dev}/${ino}`;
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return null;
    throw error;
  }
}

function rotated<T>(list: readonly T[], by: number): T[] {
  const at = list.length === 0 ? 0 : by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}
