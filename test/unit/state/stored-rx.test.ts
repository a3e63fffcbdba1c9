import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StateStore } from '../../../src/state/store.ts';
import { disk, dropDir, errno, makeChannel, makeDir, refusal, startStore } from './kit.ts';

const CHANNEL = makeChannel();
let dir: string;
let store: StateStore;
beforeEach(async () => {
  dir = makeDir();
  ({ store } = await startStore(dir));
});
afterEach(() => dropDir(dir));

describe('receive numbers', () => {
  it('begin at the pn of the configuration', async () => {
    expect(await store.openRx(CHANNEL, 5n)).toMatchObject({ lowest: 5n, fresh: true });
  });

  it('go forward only, also while they are being written', async () => {
    const rx = await store.openRx(CHANNEL, 1n);
    await Promise.all([rx.save(100n), rx.save(50n), rx.save(70n)]);
    await rx.save(20n);
    await rx.save(2n ** 64n + 1n);
    await rx.close();
    expect(await store.openRx(CHANNEL, 1n)).toMatchObject({ lowest: 100n, fresh: false });
  });

  it('follow a configuration that demands more', async () => {
    await (await store.openRx(CHANNEL, 1n)).save(100n);
    expect((await (await startStore(dir)).store.openRx(CHANNEL, 200n)).lowest).toBe(200n);
  });

  it('that cannot be stored are said so, and stored at the next try', async () => {
    let broken = true;
    const fs = disk((call) => {
      if (broken && call === 'write') throw errno('EROFS');
    });
    const rx = await (await startStore(dir, { fs })).store.openRx(CHANNEL, 1n);
    const error = await refusal(rx.save(100n));
    expect(error.message).toMatch(
      /receive progress cannot be stored in \S+: EROFS.*; mount the file system writable/,
    );
    broken = false;
    await rx.save(100n);
    expect((await (await startStore(dir)).store.openRx(CHANNEL, 1n)).lowest).toBe(100n);
  });
});
