import { readdirSync, statSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StateFs } from '../../../src/state/disk.ts';
import type { TxPn } from '../../../src/state/stored-tx.ts';
import { type DiskCall, disk, dropDir, errno, makeChannel, makeDir, refusal, startStore } from './kit.ts';

const CHANNEL = makeChannel();
let dir: string;
beforeEach(() => {
  dir = makeDir();
});
afterEach(() => dropDir(dir));

async function openTx(fs?: StateFs, channel = CHANNEL): Promise<TxPn> {
  return (await startStore(dir, fs === undefined ? {} : { fs })).store.openTx(channel, 1n);
}

describe('a disk that fails', () => {
  it.each<[DiskCall, string, string]>([
    ['open', 'EMFILE', '; raise the limit of open files (LimitNOFILE)'],
    ['write', 'ENOSPC', '; free space there'],
    ['sync', 'EIO', '; the disk fails: replace it'],
    ['rename', 'EROFS', '; mount the file system writable'],
  ])('%s: %s: nothing is granted, the old file stays, and trying again works', async (call, code, remedy) => {
    let broken = false;
    const tx = await openTx(
      disk((now, path) => {
        if (broken && now === call && path.endsWith('.tmp')) throw errno(code);
      }),
    );
    await tx.reserve(100n);
    broken = true;
    const error = await refusal(tx.reserve(200n));
    expect(error).toMatchObject({ code: 'L2VPN_STATE', exitStatus: 71, cause: { code } });
    expect(error.message).toBe(`packet numbers cannot be stored in ${tx.path}: ${code}: injected${remedy}`);
    expect(tx.next).toBe(100n);
    expect((await openTx()).next).toBe(100n);
    expect(readdirSync(dir).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    broken = false;
    await tx.reserve(200n);
    expect((await openTx()).next).toBe(200n);
  });

  it('a directory that cannot be synced: nothing is granted, the file has the old number or the new one', async () => {
    let broken = false;
    const tx = await openTx(
      disk((now, path) => {
        if (broken && now === 'sync' && path === dir) throw errno('EIO');
      }),
    );
    await tx.reserve(100n);
    broken = true;
    await refusal(tx.reserve(200n));
    expect(tx.next).toBe(100n);
    expect([100n, 200n]).toContain((await openTx()).next);
  });

  it('a short write is a failure', async () => {
    const fs = disk(() => {});
    const open: StateFs['open'] = async (...args) => {
      const file = await fs.open(...args);
      if (!String(args[0]).endsWith('.tmp')) return file;
      return Object.assign(file, { write: async () => ({ bytesWritten: 3, buffer: '' }) });
    };
    expect((await refusal((await openTx({ ...fs, open })).reserve(5n))).message).toMatch(/a part only/);
    expect((await openTx()).next).toBe(1n);
  });

  it('a close that fails releases the lock, and a restart goes on at the ceiling', async () => {
    let broken = false;
    const tx = await openTx(
      disk((now) => {
        if (broken && now === 'rename') throw errno('ENOSPC');
      }),
    );
    await tx.reserve(1000n);
    broken = true;
    expect((await refusal(tx.close(17n))).message).toMatch(/cannot be stored/);
    expect((await openTx()).next).toBe(1000n);
  });

  it('file, then name, then directory: each is on disk before the next step', async () => {
    const done: string[] = [];
    const tx = await openTx(
      disk((call, path) => {
        if (path.includes('.key.json')) return;
        if (call === 'rename') done.push('rename');
        if (call === 'sync') done.push(`sync ${statSync(path).isDirectory() ? 'directory' : 'file'}`);
      }),
    );
    await tx.reserve(100n);
    done.length = 0;
    await tx.reserve(200n);
    expect(done).toEqual(['sync file', 'rename', 'sync directory']);
  });

  it('the names of files written at once are synced together, each before its number is granted', async () => {
    const synced: number[] = [];
    let renamed = 0;
    const { store } = await startStore(dir, {
      fs: disk((call, path) => {
        if (call === 'rename' && path.includes('.tx.json')) renamed++;
        if (call === 'sync' && path === dir) synced.push(renamed);
      }),
    });
    const all = await Promise.all(Array.from({ length: 16 }, () => store.openTx(makeChannel(), 1n)));
    await Promise.all(all.map((tx) => tx.reserve(100n)));
    renamed = 0;
    synced.length = 0;
    const granted: number[] = [];
    await Promise.all(
      all.map(async (tx) => {
        await tx.reserve(200n);
        granted.push(Math.max(...synced));
      }),
    );
    expect(synced.length).toBeLessThan(8);
    // The nth number is granted after a sync that has begun with n names at least.
    granted.forEach((names, i) => {
      expect(names).toBeGreaterThan(i);
    });
  });
});
