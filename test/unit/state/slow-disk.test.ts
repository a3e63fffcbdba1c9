import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Disk } from '../../../src/state/disk.ts';
import type { TxPn } from '../../../src/state/stored-tx.ts';
import { disk, dropDir, errno, gate, makeChannel, makeDir, startStore } from './kit.ts';

const CHANNEL = makeChannel();
let dir: string;
beforeEach(() => {
  dir = makeDir();
});
afterEach(() => dropDir(dir));

/** Numbers at 10 on a disk whose fsync of a file stands still from then on, until `thaw`; `frozen`: it has begun to. */
async function onFrozenDisk() {
  const [warm, frozen] = [gate(), gate()];
  const writes: number[] = [];
  let cold = false;
  const fs = disk(async (call, path) => {
    if (call !== 'sync' || !path.endsWith('.tmp')) return;
    if (path.includes('.tx.json')) writes.push(JSON.parse(readFileSync(path, 'utf8')).pn);
    if (!cold) return;
    frozen.open();
    await warm.promise;
  });
  const { store } = await startStore(dir, { fs });
  const tx = await store.openTx(CHANNEL, 1n);
  await tx.reserve(10n);
  cold = true;
  writes.length = 0;
  return { store, tx, writes, frozen: frozen.promise, thaw: warm.open };
}

/** Which of `grants` have been resolved. */
function watch(grants: Promise<void>[]): number[] {
  const done: number[] = [];
  grants.forEach((grant, i) => {
    grant.then(() => done.push(i));
  });
  return done;
}

async function storedBy(): Promise<TxPn> {
  return (await startStore(dir)).store.openTx(CHANNEL, 1n);
}

describe('a disk that stands still', () => {
  it('holds up the grant that waits for it, and nothing else', async () => {
    const { tx, frozen, thaw } = await onFrozenDisk();
    const grant = tx.reserve(20n);
    const done = watch([grant]);
    await frozen;
    expect((await readFile('/proc/self/stat')).length).toBeGreaterThan(0);
    expect(done).toEqual([]);
    expect(tx.next).toBe(10n);
    thaw();
    await grant;
    expect(tx.next).toBe(20n);
  });

  it('writes the newest of the numbers that waited, once, and then grants all', async () => {
    const { tx, writes, frozen, thaw } = await onFrozenDisk();
    const first = tx.reserve(20n);
    await frozen;
    const others = [30, 40, 50].map((ceiling) => tx.reserve(BigInt(ceiling)));
    const done = watch([first, ...others]);
    thaw();
    await Promise.all([first, ...others]);
    expect(writes).toEqual([20, 50]);
    expect(done).toEqual([0, 1, 2, 3]);
    expect((await storedBy()).next).toBe(50n);
  });

  it('closes after what was asked for before', async () => {
    const { tx, writes, frozen, thaw } = await onFrozenDisk();
    const grants = [tx.reserve(20n), tx.reserve(30n)];
    await frozen;
    const closed = tx.close(25n);
    thaw();
    await Promise.all([...grants, closed]);
    expect(writes.at(-1)).toBe(25);
    expect((await storedBy()).next).toBe(25n);
  });

  it('fails those that waited for the write that fails, and none before', async () => {
    let failing = false;
    const fs = disk((call, path) => {
      if (failing && call === 'rename' && path.endsWith('.tmp')) throw errno('ENOSPC');
    });
    const tx = await (await startStore(dir, { fs })).store.openTx(CHANNEL, 1n);
    await tx.reserve(10n);
    failing = true;
    const results = await Promise.allSettled([tx.reserve(20n), tx.reserve(30n)]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    failing = false;
    await tx.reserve(15n);
    expect((await storedBy()).next).toBe(15n);
  });
});

describe('turns of the disk', () => {
  it('are two at a time, so that two of four threads are left, in the order asked for', async () => {
    const turns = new Disk();
    const gates = [0, 1, 2, 3].map(() => gate());
    const begun: number[] = [];
    const all = gates.map(({ promise }, i) =>
      turns.run(async () => {
        begun.push(i);
        await promise;
      }),
    );
    await Promise.resolve();
    expect(begun).toEqual([0, 1]);
    gates[1]!.open();
    await all[1];
    expect(begun).toEqual([0, 1, 2]);
    for (const { open } of gates) open();
    await Promise.all(all);
    expect(begun).toEqual([0, 1, 2, 3]);
  });

  it('are given on by a task that fails', async () => {
    const turns = new Disk();
    const fail = async () => {
      throw errno('EIO');
    };
    await Promise.allSettled([turns.run(fail), turns.run(fail), turns.run(fail)]);
    expect(await turns.run(async () => 'done')).toBe('done');
  });
});
