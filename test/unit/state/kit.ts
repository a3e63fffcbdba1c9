/** A directory, a channel whose key nobody else has, a disk that can fail or stand still, and what the store said. */
import { createSecretKey, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import * as fsPromises from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { L2vpnError } from '../../../src/errors.ts';
import type { HostLocks } from '../../../src/host/host-lock.ts';
import type { StateFs } from '../../../src/state/disk.ts';
import type { StateEvent } from '../../../src/state/events.ts';
import type { PnChannel } from '../../../src/state/pn-channel.ts';
import { openStore, type StateStore, type StoreOptions } from '../../../src/state/store.ts';

export function makeDir(): string {
  return mkdtempSync(join(tmpdir(), 'l2vpnd-store-'));
}

export async function dropDir(dir: string): Promise<void> {
  await buryStores();
  rmSync(dir, { recursive: true, force: true });
}

export function makeChannel(fields: Partial<PnChannel> = {}): PnChannel {
  return {
    sak: createSecretKey(randomBytes(16)),
    sci: '0000001111110001',
    ssci: null,
    keyId: '01',
    ...fields,
  };
}

/** Locks as one process sees them that starts again and again: nobody else holds one. */
export const freeLocks: HostLocks = { lockFd: () => true, lockName: () => ({ fd: -1, release: () => {} }) };

/** Files that stores have opened, and not closed where they crashed. */
const opened = new Set<fsPromises.FileHandle>();

/** Opens a store and gathers its events. To open one again without `close` is a crash. */
export async function startStore(
  dir: string,
  options: Partial<StoreOptions> = {},
): Promise<{ store: StateStore; events: StateEvent[] }> {
  const events: StateEvent[] = [];
  const { fs = fsPromises } = options;
  const open: StateFs['open'] = async (...args) => {
    const file = await fs.open(...args);
    opened.add(file);
    return file;
  };
  const all = { locks: freeLocks, onEvent: (event: StateEvent) => events.push(event), ...options };
  return { store: await openStore(dir, { ...all, fs: { ...fs, open } }), events };
}

/** What the kernel does with a process that has crashed: its files are closed, and so unlocked. */
export async function buryStores(): Promise<void> {
  for (const file of opened) if (file.fd >= 0) await file.close();
  opened.clear();
}

/** The L2vpnError that `run` rejects with. */
export async function refusal(run: Promise<unknown>): Promise<L2vpnError> {
  try {
    await run;
  } catch (error) {
    if (error instanceof L2vpnError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

/** Calls that a disk fails: those of `StateFs`, and those of an open file. */
export type DiskCall = 'open' | 'rename' | 'unlink' | 'mkdir' | 'lstat' | 'stat' | 'write' | 'sync';

/** A disk on which `before` runs, with the path, before each call, and may throw or wait. */
export function disk(before: (call: DiskCall, path: string) => void | Promise<void>): StateFs {
  const real = fsPromises as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
  const calls = ['rename', 'unlink', 'mkdir', 'lstat', 'stat'] as const;
  const wrapped = calls.map((call) => [
    call,
    async (...args: unknown[]) => {
      await before(call, String(args[0]));
      return real[call]!(...args);
    },
  ]);
  return { ...fsPromises, ...Object.fromEntries(wrapped), open: openOn(before) };
}

function openOn(before: (call: DiskCall, path: string) => void | Promise<void>): StateFs['open'] {
  return async (path, flags, mode) => {
    await before('open', String(path));
    const file = await fsPromises.open(path, flags, mode);
    const { write, sync } = file;
    return Object.assign(file, {
      write: async (...args: Parameters<typeof write>) => {
        await before('write', String(path));
        return write.apply(file, args);
      },
      sync: async () => {
        await before('sync', String(path));
        return sync.call(file);
      },
    });
  };
}

/** Something to be waited for until it is opened. */
export function gate(): { promise: Promise<void>; open: () => void } {
  let open = (): void => {};
  const promise = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { promise, open };
}

/** As a system call fails. */
export function errno(code: string): Error {
  return Object.assign(new Error(`${code}: injected`), { code });
}

/** The one file in `dir` whose name ends so. */
export function fileIn(dir: string, end: string): string {
  const names = readdirSync(dir).filter((name) => name.endsWith(end));
  if (names.length !== 1) throw new Error(`${names.length} files *${end} in ${dir}`);
  return join(dir, names[0]!);
}
