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
    expect(await store.openRx(CHANNEL, 5)).toMatchObject({ lowest: 5, fresh: true });
  });

  it('go forward only, also while they are being written', async () => {
    const rx = await store.openRx(CHANNEL, 1);
    await Promise.all([rx.save(100), rx.save(50), rx.save(70)]);
    await rx.save(20);
    await rx.save(Number.NaN);
    await rx.close();
    expect(await store.openRx(CHANNEL, 1)).toMatchObject({ lowest: 100, fresh: false });
  });

  it('follow a configuration that demands more', async () => {
    await (await store.openRx(CHANNEL, 1)).save(100);
    expect((await (await startStore(dir)).store.openRx(CHANNEL, 200)).lowest).toBe(200);
  });

  it('that cannot be stored are said so, and stored at the next try', async () => {
    let broken = true;
    const fs = disk((call) => {
      if (broken && call === 'write') throw errno('EROFS');
    });
    const rx = await (await startStore(dir, { fs })).store.openRx(CHANNEL, 1);
    const error = await refusal(rx.save(100));
    expect(error.message).toMatch(
      /receive progress cannot be stored in \S+: EROFS.*; mount the file system writable/,
    );
    broken = false;
    await rx.save(100);
    expect((await (await startStore(dir)).store.openRx(CHANNEL, 1)).lowest).toBe(100);
  });
});
