import { renameSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HostLocks, hostLocks } from '../../../src/host/host-lock.ts';
import { channelId } from '../../../src/state/pn-channel.ts';
import { pnFileName } from '../../../src/state/pn-record.ts';
import { dropDir, freeLocks, makeChannel, makeDir, refusal, startStore } from './kit.ts';

const CHANNEL = makeChannel();
/** The lock on the file is the kernel's; every process has host names of its own, as in two network namespaces. */
const fileOnly: HostLocks = { ...freeLocks, lockFd: hostLocks.lockFd };

let dir: string;
let other: string;
beforeEach(() => {
  dir = makeDir();
  other = makeDir();
});
afterEach(async () => {
  await dropDir(dir);
  await dropDir(other);
});

describe('one sender for a key and SCI', () => {
  it('two state directories on one host: the second is refused with key, SCI and who has it', async () => {
    const tx = await (await startStore(dir, { locks: hostLocks })).store.openTx(CHANNEL, 1n);
    const { store } = await startStore(other, { locks: hostLocks });
    const error = await refusal(store.openTx(CHANNEL, 1n));
    expect(error).toMatchObject({ code: 'L2VPN_UNAVAILABLE', exitStatus: 69 });
    expect(error.message).toBe(
      `@l2vpnd/${channelId(CHANNEL)} is in use: another l2vpnd (pid ${process.pid}, uid ${process.geteuid!()}) ` +
        'sends with key 01 and SCI 0000001111110001; stop it',
    );
    const neighbour = await store.openTx({ ...CHANNEL, sci: '0000001111110002' }, 1n);
    await neighbour.close(1n);
    await tx.close(1n);
    await (await store.openTx(CHANNEL, 1n)).close(1n);
  });

  it('one state directory in two network namespaces: the second is refused by the file', async () => {
    const tx = await (await startStore(dir, { locks: fileOnly })).store.openTx(CHANNEL, 1n);
    const { store } = await startStore(dir, { locks: fileOnly });
    const error = await refusal(store.openTx(CHANNEL, 1n));
    expect(error).toMatchObject({ code: 'L2VPN_UNAVAILABLE', exitStatus: 69 });
    expect(error.message).toMatch(/\.lock is in use: another l2vpnd sends with key 01/);
    await tx.close(1n);
    await (await store.openTx(CHANNEL, 1n)).close(1n);
  });

  it('a refused start leaves both locks free', async () => {
    const { store } = await startStore(dir, { locks: hostLocks });
    const tx = await store.openTx(CHANNEL, 1n);
    await tx.reserve(10n);
    await tx.close(5n);
    expect((await refusal(store.openTx(CHANNEL, 50n))).code).toBe('L2VPN_STATE');
    await (await store.openTx(CHANNEL, 1n)).close(5n);
  });

  it('a lock file that is exchanged while it is being locked is locked again', async () => {
    const path = join(dir, `${pnFileName(CHANNEL, 'tx')}.lock`);
    let exchanges = 0;
    const locks: HostLocks = {
      ...fileOnly,
      lockFd: (fd) => {
        const got = hostLocks.lockFd(fd);
        if (exchanges++ === 0) unlinkSync(path);
        if (exchanges === 2) renameSync(path, `${path}.away`);
        return got;
      },
    };
    await (await startStore(dir, { locks })).store.openTx(CHANNEL, 1n);
    expect(exchanges).toBe(3);
    const { store } = await startStore(dir, { locks: fileOnly });
    expect((await refusal(store.openTx(CHANNEL, 1n))).code).toBe('L2VPN_UNAVAILABLE');
  });

  it('a lock file that is exchanged for ever is an error', async () => {
    const path = join(dir, `${pnFileName(CHANNEL, 'tx')}.lock`);
    const locks: HostLocks = {
      ...freeLocks,
      lockFd: () => {
        unlinkSync(path);
        return true;
      },
    };
    const { store } = await startStore(dir, { locks });
    expect((await refusal(store.openTx(CHANNEL, 1n))).message).toMatch(/is exchanged all the time/);
  });

  it('a link in place of the lock file is not followed', async () => {
    symlinkSync('/etc/passwd', join(dir, `${pnFileName(CHANNEL, 'tx')}.lock`));
    const { store } = await startStore(dir);
    expect((await refusal(store.openTx(CHANNEL, 1n))).message).toMatch(
      /cannot be locked: ELOOP.*; remove the link that lies there/,
    );
  });

  it('a directory made again is locked again before numbers are granted', async () => {
    const { store } = await startStore(dir, { locks: fileOnly });
    const tx = await store.openTx(CHANNEL, 1n);
    await tx.reserve(10n);
    rmSync(dir, { recursive: true });
    await tx.reserve(20n);
    const second = (await startStore(dir, { locks: fileOnly })).store;
    expect((await refusal(second.openTx(CHANNEL, 1n))).code).toBe('L2VPN_UNAVAILABLE');
  });

  it('a directory made again in which another has the lock: nothing is granted', async () => {
    const tx = await (await startStore(dir, { locks: fileOnly })).store.openTx(CHANNEL, 1n);
    await tx.reserve(10n);
    rmSync(dir, { recursive: true });
    const second = await (await startStore(dir, { locks: fileOnly })).store.openTx(CHANNEL, 1n);
    expect((await refusal(tx.reserve(20n))).code).toBe('L2VPN_UNAVAILABLE');
    expect(tx.next).toBe(10n);
    await second.close(1n);
    await tx.reserve(20n);
  });
});
