import { chmodSync, chownSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import * as fsPromises from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { volatileKind, volatileRefusal } from '../../../src/state/volatile.ts';
import { disk, dropDir, errno, makeDir, refusal, startStore } from './kit.ts';

const ROOT = process.geteuid!() === 0;
let folder: string;
let dir: string;
beforeEach(() => {
  folder = makeDir();
  dir = join(folder, 'a/b/state');
  mkdirSync(join(folder, 'a/b'), { recursive: true });
});
afterEach(() => dropDir(folder));

describe('the state directory', () => {
  it('is made with its parents, for its owner only, also under a parent like /tmp', async () => {
    const { store } = await startStore(dir);
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    await store.close();
  });

  it('that cannot be made: 73', async () => {
    writeFileSync(join(folder, 'file'), '');
    const error = await refusal(startStore(join(folder, 'file/state')));
    expect(error).toMatchObject({ code: 'L2VPN_CANTCREATE', exitStatus: 73 });
    expect(error.message).toMatch(/stateDir \S+\/file\/state cannot be made: ENOTDIR/);
    expect((await refusal(startStore(join(folder, 'file')))).message).toMatch(/cannot be made: EEXIST/);
    const readOnly = disk((call) => {
      if (call === 'mkdir') throw errno('EROFS');
    });
    expect((await refusal(startStore(dir, { fs: readOnly }))).code).toBe('L2VPN_CANTCREATE');
  });

  it.each([
    ['itself', 'a/b/state', 0o777],
    ['itself, sticky', 'a/b/state', 0o1777],
    ['its parent', 'a/b', 0o770],
    ['one further up', 'a', 0o702],
  ])('others may write %s: refused with place and remedy', async (_what, at, mode) => {
    mkdirSync(dir);
    chmodSync(join(folder, at), mode);
    const error = await refusal(startStore(dir));
    expect(error).toMatchObject({ code: 'L2VPN_STATE', exitStatus: 71 });
    expect(error.message).toContain(
      `others may write ${join(folder, at)} (mode ${mode.toString(8).padStart(4, '0')})`,
    );
    expect(error.message).toContain(`chmod go-w ${join(folder, at)}`);
  });

  it('belongs to another user, or lies below what does: refused', async () => {
    if (!ROOT) return console.warn('chown needs root: the owner of the directory is not tried');
    mkdirSync(dir);
    for (const at of [dir, join(folder, 'a')]) {
      chownSync(at, 65534, 65534);
      expect((await refusal(startStore(dir))).message).toContain(`${at} belongs to uid 65534`);
      chownSync(at, 0, 0);
    }
  });

  it('may be reached by a link that is ours, to what is ours', async () => {
    symlinkSync(join(folder, 'a/b'), join(folder, 'link'));
    const { store } = await startStore(join(folder, 'link/state'));
    await store.close();
    chmodSync(join(folder, 'a'), 0o777);
    expect((await refusal(startStore(join(folder, 'link/state')))).message).toContain(
      `write ${folder}/a (mode`,
    );
    if (!ROOT) return console.warn('lchown needs root: the owner of a link is not tried');
    chmodSync(join(folder, 'a'), 0o700);
    await fsPromises.lchown(join(folder, 'link'), 65534, 65534);
    expect((await refusal(startStore(join(folder, 'link/state')))).message).toContain(
      'link belongs to uid 65534',
    );
  });

  it('links that end nowhere are an error, not a loop', async () => {
    symlinkSync(join(folder, 'y'), join(folder, 'x'));
    symlinkSync(join(folder, 'x'), join(folder, 'y'));
    expect((await refusal(startStore(join(folder, 'x/state')))).message).toMatch(/ELOOP/);
    rmSync(join(folder, 'x'));
  });
});

describe('a state directory that forgets', () => {
  it.each([
    [0x01021994, 'tmpfs'],
    [0x858458f6, 'ramfs'],
    [0x858458f6 | 0, 'ramfs'],
    [0x794c7630, 'overlay'],
    [0xef53, null],
  ])('file system type %i: %s', async (type, kind) => {
    const statfs = (async () => ({ type })) as unknown as typeof fsPromises.statfs;
    expect(await volatileKind({ ...fsPromises, statfs }, dir)).toBe(kind);
    const { store } = await startStore(dir, { fs: { ...fsPromises, statfs } });
    expect(store.volatile).toBe(kind);
  });

  it('is refused with what to do', () => {
    expect(volatileRefusal('/run/l2vpnd', 'tmpfs')).toMatchObject({ code: 'L2VPN_CONFIG', exitStatus: 78 });
    expect(volatileRefusal('/run/l2vpnd', 'tmpfs').message).toMatch(
      /stateDir \/run\/l2vpnd lies on tmpfs, which is lost at a reboot.*"stateMayBeLost": true/,
    );
    expect(volatileRefusal('/state', 'overlay').message).toMatch(/lost at a new container.*on a volume/);
  });
});
