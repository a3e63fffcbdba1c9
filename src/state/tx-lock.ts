/**
 * One sender for a key and channel: a lock on a file in the state directory, and one on a name of the host, so that two
 * daemons with two directories meet as well. Network namespaces have host names of their own: what runs in two of them
 * meets at the file alone.
 */
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { errnoName, L2vpnError } from '../errors.ts';
import { closeFds } from '../host/close.ts';
import { type HeldName, type HostLocks, type NameHolder, takeOverName } from '../host/host-lock.ts';
import type { StateFs } from './disk.ts';
import { heldElsewhere, notLocked } from './faults.ts';
import { channelId, type PnChannel } from './pn-channel.ts';
import { pnFileName } from './pn-record.ts';
import type { StateDir } from './state-dir.ts';

const { O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_RDWR } = constants;
/** How often a lock file may be exchanged while it is being locked. */
const TRIES = 10;

/** Descriptors of the name and the file that are locked. */
export type LockFds = readonly [name: number, file: number];

/** Closing it ends the lock, unless another process has it too. */
type LockedFile = Pick<FileHandle, 'fd' | 'close'>;

export class TxLock {
  readonly #dir: StateDir;
  readonly #locks: HostLocks;
  readonly #channel: PnChannel;
  readonly #path: string;
  #name: HeldName | null = null;
  #file: LockedFile | null = null;

  private constructor(dir: StateDir, locks: HostLocks, channel: PnChannel) {
    this.#dir = dir;
    this.#locks = locks;
    this.#channel = channel;
    // As earlier releases called it, so that one of them that runs still is met.
    this.#path = `${dir.path}/${pnFileName(channel, 'tx')}.lock`;
  }

  /** Throws L2VPN_UNAVAILABLE where another process has one of the two, L2VPN_CANTCREATE where the file cannot be made. */
  static async take(dir: StateDir, locks: HostLocks, channel: PnChannel): Promise<TxLock> {
    const lock = new TxLock(dir, locks, channel);
    lock.#takeName();
    try {
      await lock.takeFile();
      return lock;
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /** With the locks of a process before, which has them still until it ends: descriptors of name and file. */
  static goOn(dir: StateDir, locks: HostLocks, channel: PnChannel, [name, file]: LockFds): TxLock {
    const lock = new TxLock(dir, locks, channel);
    lock.#name = takeOverName(name);
    lock.#file = { fd: file, close: async () => closeFds([file]) };
    return lock;
  }

  /** Null: it is being taken anew, or released. */
  get fds(): LockFds | null {
    return this.#name === null || this.#file === null ? null : [this.#name.fd, this.#file.fd];
  }

  #takeName(): void {
    const name = `l2vpnd/${channelId(this.#channel)}`;
    const taken = this.#locks.lockName(name);
    if (!('release' in taken)) throw heldElsewhere(this.#channel, `@${name}`, sayHolder(taken));
    this.#name = taken;
  }

  /** Takes the lock on the file, also again after the directory was made again. Throws as `take`. */
  async takeFile(): Promise<void> {
    const file = await this.#dir.within((fs) => this.#lockFile(fs));
    const before = this.#file;
    this.#file = file;
    await before?.close();
  }

  /** A lock on a file that has left its name locks nobody out: then once more, with the file that is there now. */
  async #lockFile(fs: StateFs): Promise<FileHandle> {
    for (let i = 0; i < TRIES; i++) {
      const file = await this.#open(fs);
      try {
        if (!this.#locks.lockFd(file.fd)) throw heldElsewhere(this.#channel, this.#path, '');
        if (await isAt(fs, file, this.#path)) return file;
      } catch (error) {
        await file.close();
        throw error;
      }
      await file.close();
    }
    throw new L2vpnError(
      'L2VPN_STATE',
      `${this.#path} is exchanged all the time: who writes ${this.#dir.path}?`,
    );
  }

  async #open(fs: StateFs): Promise<FileHandle> {
    try {
      return await fs.open(this.#path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
    } catch (cause) {
      throw notLocked(this.#path, this.#dir.path, cause);
    }
  }

  async release(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    this.#name?.release();
    this.#name = null;
    await file?.close();
  }
}

function sayHolder({ pid, uid }: NameHolder): string {
  return pid < 0 ? '' : ` (pid ${pid}, uid ${uid})`;
}

async function isAt(fs: StateFs, file: FileHandle, path: string): Promise<boolean> {
  const held = await file.stat();
  try {
    const there = await fs.lstat(path);
    return there.ino === held.ino && there.dev === held.dev;
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return false;
    throw error;
  }
}
