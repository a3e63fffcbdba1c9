import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { markerPath } from '../../../src/state/key-record.ts';
import type { PnChannel } from '../../../src/state/pn-channel.ts';
import { disk, dropDir, errno, fileIn, gate, makeChannel, makeDir, refusal, startStore } from './kit.ts';

let folder: string;
let dir: string;
let channel: PnChannel;
beforeEach(() => {
  folder = makeDir();
  dir = join(folder, 'state');
  mkdirSync(join(folder, 'keys'));
  channel = makeChannel({ keyFile: join(folder, 'keys/a.key') });
});
afterEach(() => dropDir(folder));

/** A daemon that has sent, and crashed. */
async function sent(): Promise<void> {
  await (await (await startStore(dir)).store.openTx(channel, 1n)).reserve(1000n);
}

async function start(): Promise<unknown> {
  return (await startStore(dir)).store.openTx(channel, 1n);
}

describe('a key that was used', () => {
  it('is unknown before its first number is granted, whatever was opened', async () => {
    const tx = await (await startStore(dir)).store.openTx(channel, 1n);
    await tx.close(1n);
    expect(await start()).toMatchObject({ fresh: true });
    expect(existsSync(markerPath(channel)!)).toBe(false);
  });

  it('whose state directory is lost: refused, from the marker beside the key file', async () => {
    await sent();
    const numbers = fileIn(dir, '.tx.json');
    rmSync(dir, { recursive: true });
    const error = await refusal(start());
    expect(error).toMatchObject({ code: 'L2VPN_STATE', exitStatus: 71 });
    expect(error.message).toMatch(
      /packet numbers of key 01 .* were stored in .*, which is gone.*take new keys/,
    );
    expect(error.message).toContain(numbers);
    expect(error.message).toContain(markerPath(channel)!);
  });

  it('whose numbers alone are lost: refused, from the record in the directory', async () => {
    await sent();
    rmSync(fileIn(dir, '.tx.json'));
    rmSync(markerPath(channel)!);
    expect((await refusal(start())).message).toMatch(/which is gone.*\.key\.json says that the key was used/);
  });

  it('whose marker was damaged: refused all the same', async () => {
    await sent();
    rmSync(dir, { recursive: true });
    writeFileSync(markerPath(channel)!, '{}');
    expect((await refusal(start())).message).toMatch(/which is gone/);
  });

  it('is a new one for another SCI, and after the marker was deleted by hand', async () => {
    await sent();
    rmSync(dir, { recursive: true });
    const other = { ...channel, sci: '0000003333330001' };
    expect(await (await startStore(dir)).store.openTx(other, 1n)).toMatchObject({ fresh: true });
    rmSync(markerPath(channel)!);
    expect(await start()).toMatchObject({ fresh: true });
  });

  it('whose marker is lost has one again with the next number', async () => {
    await sent();
    rmSync(markerPath(channel)!);
    const tx = await (await startStore(dir)).store.openTx(channel, 1n);
    await tx.reserve(2000n);
    expect(JSON.parse(readFileSync(markerPath(channel)!, 'utf8'))).toMatchObject({ stateFile: tx.path });
  });

  it('is marked once, also by grants that are asked for while it is', async () => {
    const second = gate();
    let marks = 0;
    let renames = 0;
    let grant: Promise<void> | undefined;
    const fs = disk(async (call, path) => {
      if (call === 'rename' && path.includes('.tx.json') && ++renames === 2) second.open();
      if (call !== 'open' || !path.endsWith('.used.tmp')) return;
      marks++;
      grant ??= tx.reserve(2000n);
      await second.promise;
    });
    const { store, events } = await startStore(dir, { fs });
    const tx = await store.openTx(channel, 1n);
    await tx.reserve(1000n);
    await grant;
    expect(marks).toBe(1);
    expect(events).toEqual([]);
  });

  it('beside which nothing can be written: a warning, and it sends', async () => {
    const fs = disk((call, path) => {
      if (call === 'open' && path.includes('/keys/') && path.endsWith('.tmp')) throw errno('EROFS');
    });
    const { store, events } = await startStore(dir, { fs });
    const tx = await store.openTx(channel, 1n);
    await tx.reserve(1000n);
    await tx.reserve(2000n);
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({ kind: 'marker', level: 'warn' });
    expect(events[0]!.message).toMatch(/no marker can be left beside key 01 .*EROFS.*will repeat unnoticed/);
  });

  it('is not granted numbers while that cannot be recorded in the directory', async () => {
    let broken = true;
    const fs = disk((call, path) => {
      if (broken && call === 'rename' && path.includes('.key.json')) throw errno('ENOSPC');
    });
    const tx = await (await startStore(dir, { fs })).store.openTx(channel, 1n);
    expect((await refusal(tx.reserve(1000n))).message).toMatch(
      /use of a key cannot be stored.*free space there/,
    );
    expect(tx.next).toBe(1n);
    broken = false;
    await tx.reserve(1000n);
    expect(tx.next).toBe(1000n);
  });
});

describe('a retired key', () => {
  it('is refused for good, in both directions, by its identifier and the remedy', async () => {
    await sent();
    const { store } = await startStore(dir);
    expect(await store.isRetired(channel)).toBe(false);
    await store.retire(channel);
    const again = (await startStore(dir)).store;
    expect(await again.isRetired(channel)).toBe(true);
    for (const open of [again.openTx, again.openRx]) {
      const error = await refusal(open(channel, 1n));
      expect(error).toMatchObject({ code: 'L2VPN_CONFIG', exitStatus: 78 });
      expect(error.message).toMatch(/key 01 .* was retired at 20.*take a new key.*delete \S+\.key\.json/);
    }
  });

  it('is allowed again by hand only', async () => {
    await sent();
    const { store } = await startStore(dir);
    await store.retire(channel);
    await store.unretire(channel);
    expect(await start()).toMatchObject({ next: 1000n });
    await store.retire(channel);
    rmSync(fileIn(dir, '.key.json'));
    expect(await start()).toMatchObject({ next: 1000n });
  });

  it('stays retired where the directory is removed while the daemon runs', async () => {
    const { store } = await startStore(dir);
    await store.retire(channel);
    rmSync(dir, { recursive: true });
    expect((await refusal(store.openTx(channel, 1n))).message).toMatch(/was retired/);
  });

  it('whose record was damaged is not taken for a good one', async () => {
    await sent();
    writeFileSync(fileIn(dir, '.key.json'), '{"status":"used"}');
    expect((await refusal(start())).message).toMatch(/says whether key 01 .* is retired, is corrupt/);
    chmodSync(fileIn(dir, '.key.json'), 0o666);
    expect((await refusal(start())).message).toMatch(/cannot be read: others may write it/);
  });
});
