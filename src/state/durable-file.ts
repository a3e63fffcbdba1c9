/**
 * One small file, replaced so that a crash at any moment leaves the old text or the new one: write a temporary file,
 * fsync it, rename it, fsync the directory (`man 2 fsync`). Read so that nothing which lies in its place can hang or
 * flood the reader. Failures are those of node:fs; who calls says what they mean.
 */
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { errnoName } from '../errors.ts';
import { formatMode, isOurs } from '../host/trusted-path.ts';
import type { StateFs } from './disk.ts';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
/** What this room writes is far shorter. */
const MAX_FILE_LEN = 65_536;

/** Makes `text` what is found at `path`; on disk when it resolves. Rejects with the old file intact or the new one whole. */
export async function writeDurably(fs: StateFs, path: string, text: string): Promise<void> {
  await replaceFile(fs, path, text);
  await syncDirectory(fs, dirname(path));
}

/** As `writeDurably`, but for the directory: until that is synced a power failure may bring the old file back. */
export async function replaceFile(fs: StateFs, path: string, text: string): Promise<void> {
  const octets = Buffer.from(text);
  if (octets.length > MAX_FILE_LEN) throw new Error(`${octets.length} octets are more than would be read`);
  const temporary = `${path}.tmp`;
  try {
    await withNewFile(fs, temporary, async (file) => {
      const { bytesWritten } = await file.write(octets, 0, octets.length, 0);
      if (bytesWritten !== octets.length) throw new Error('the disk took a part only');
      await file.sync();
    });
    await fs.rename(temporary, path);
  } catch (error) {
    // A full disk is not made fuller. What went wrong first is what is told.
    await removeIfThere(fs, temporary).catch(() => {});
    throw error;
  }
}

/** In the place of one that was left. */
async function withNewFile(
  fs: StateFs,
  path: string,
  use: (file: FileHandle) => Promise<void>,
): Promise<void> {
  const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
  try {
    await withFile(fs, path, flags, use);
  } catch (error) {
    if (errnoName(error) !== 'EEXIST') throw error;
    await removeIfThere(fs, path);
    await withFile(fs, path, flags, use);
  }
}

/**
 * The text at `path`, or null where there is nothing. Rejects for a link, a FIFO, a device, a file that is too long, and
 * one that another user than root or ours has made or may write.
 */
export async function readTrusted(fs: StateFs, path: string): Promise<string | null> {
  try {
    return await withFile(fs, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, readRegular);
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return null;
    if (errnoName(error) === 'ELOOP') throw new Error('it is a symbolic link', { cause: error });
    throw error;
  }
}

async function readRegular(file: FileHandle): Promise<string> {
  const stat = await file.stat();
  const { uid, mode, size } = stat;
  if (!stat.isFile()) throw new Error('it is not a regular file');
  if (!isOurs(uid)) throw new Error(`it belongs to uid ${uid}: chown it to uid ${process.geteuid!()}`);
  if ((mode & 0o022) !== 0) throw new Error(`others may write it (mode ${formatMode(mode)}): chmod 600`);
  if (size > MAX_FILE_LEN) throw new Error(`it has ${size} octets, more than ${MAX_FILE_LEN}`);
  const octets = Buffer.alloc(MAX_FILE_LEN + 1);
  const { bytesRead } = await file.read(octets, 0, octets.length, 0);
  return octets.toString('utf8', 0, bytesRead);
}

/** Is there anything at `path`, whatever it is? */
export async function isThere(fs: StateFs, path: string): Promise<boolean> {
  try {
    await fs.lstat(path);
    return true;
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Makes directory `path` and what is missing above it, for its owner only; a power failure does not undo it. */
export async function makeDirectory(fs: StateFs, path: string): Promise<void> {
  const missing: string[] = [];
  for (let dir = resolve(path); !(await isThere(fs, dir)); dir = dirname(dir)) missing.unshift(dir);
  for (const dir of missing) {
    await fs.mkdir(dir, { mode: 0o700 });
    await syncDirectory(fs, dirname(dir));
  }
  if ((await fs.stat(path)).isDirectory()) return;
  // A file in its place: EEXIST, as for any mkdir.
  await fs.mkdir(path, { mode: 0o700 });
}

/** Makes the names in directory `path` survive a power failure. */
async function syncDirectory(fs: StateFs, path: string): Promise<void> {
  await withFile(fs, path, O_RDONLY, (file) => file.sync());
}

/** Nothing where there is none. Until the directory is synced a power failure may bring it back. */
export async function removeIfThere(fs: StateFs, path: string): Promise<void> {
  try {
    await fs.unlink(path);
  } catch (error) {
    if (errnoName(error) !== 'ENOENT') throw error;
  }
}

async function withFile<T>(
  fs: StateFs,
  path: string,
  flags: number,
  use: (file: FileHandle) => Promise<T>,
): Promise<T> {
  const file = await fs.open(path, flags, 0o600);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}
