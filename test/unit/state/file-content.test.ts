import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pnFileName } from '../../../src/state/pn-record.ts';
import { seal } from '../../../src/state/sealed.ts';
import type { StateStore } from '../../../src/state/store.ts';
import { dropDir, fileIn, makeChannel, makeDir, refusal, startStore } from './kit.ts';

const CHANNEL = makeChannel();
const RX = makeChannel({ sci: '0000002222220001' });
let dir: string;
let store: StateStore;
beforeEach(async () => {
  dir = makeDir();
  ({ store } = await startStore(dir));
});
afterEach(() => dropDir(dir));

/** Numbers at 1000 in both directions; a daemon that has crashed. Returns the two files. */
async function crashed(): Promise<{ tx: string; rx: string }> {
  await (await store.openTx(CHANNEL, 1n)).reserve(1000n);
  await (await store.openRx(RX, 1n)).save(1000n);
  ({ store } = await startStore(dir));
  return { tx: fileIn(dir, '.tx.json'), rx: fileIn(dir, '.rx.json') };
}

/** As earlier releases wrote it: a checksum that anybody can make. */
function version1(path: string, pn: number | string): string {
  const [sci, keyId] = ['0000001111110001', '01'];
  const checked = JSON.stringify([1, basename(path), sci, keyId, pn]);
  const checksum = createHash('sha256').update(checked).digest('hex').slice(0, 16);
  return JSON.stringify({ version: 1, sci, keyId, pn, checksum });
}

describe('a file that cannot be believed', () => {
  it.each<[string, (text: string) => string]>([
    ['empty', () => ''],
    ['cut off', (text) => text.slice(0, -20)],
    ['no JSON', () => 'next = 5'],
    ['edited', (text) => text.replace('"pn":1000', '"pn":1')],
    ['of another version', (text) => text.replace('"version":2', '"version":3')],
    ['of the other direction', (text) => text.replace(/"kind":"(tx|rx)"/, '"kind":"key"')],
    ['without a seal', (text) => text.replace(/,"mac":"[^"]*"/, '')],
    ['a list', () => '[]'],
    ['null', () => 'null'],
    ['binary', () => '\0\0\0\0'],
    ['nested 3000 deep', () => '['.repeat(3000)],
  ])('%s: 71, with what it means for each direction', async (_what, damage) => {
    const { tx, rx } = await crashed();
    for (const path of [tx, rx]) writeFileSync(path, damage(readFileSync(path, 'utf8')));
    const txError = await refusal(store.openTx(CHANNEL, 1n));
    expect(txError).toMatchObject({ code: 'L2VPN_STATE', exitStatus: 71 });
    expect(txError.message).toMatch(
      /are corrupt: restore the file, or take a new key.*repeat packet numbers/,
    );
    const rxError = await refusal(store.openRx(RX, 5n));
    expect(rxError).toMatchObject({ code: 'L2VPN_STATE', exitStatus: 71 });
    expect(rxError.message).toMatch(/is corrupt.*replay protection then starts again at packet number 5/);
    expect(rxError.message).not.toMatch(/repeat/);
  });

  it('sealed by somebody who has another key: refused', async () => {
    const { tx } = await crashed();
    const name = JSON.parse(readFileSync(tx, 'utf8')).name;
    writeFileSync(tx, seal('tx', name, { sci: CHANNEL.sci, keyId: '01', pn: 1 }, makeChannel().sak));
    expect((await refusal(store.openTx(CHANNEL, 1n))).message).toMatch(/are corrupt/);
  });

  it('of another channel: refused', async () => {
    const other = makeChannel();
    await (await store.openTx(other, 1n)).reserve(10n);
    const name = join(dir, pnFileName(CHANNEL, 'tx'));
    copyFileSync(fileIn(dir, '.tx.json'), name);
    expect((await refusal(store.openTx(CHANNEL, 1n))).message).toMatch(/are corrupt/);
  });

  it.each<[string, RegExp, (path: string) => void]>([
    ['a FIFO', /not a regular file/, (path) => execFileSync('mkfifo', ['-m', '600', path])],
    ['a link to /dev/zero', /is a symbolic link/, (path) => symlinkSync('/dev/zero', path)],
    ['a directory', /not a regular file/, (path) => execFileSync('mkdir', [path])],
    [
      'a file of a gigabyte',
      /has 1073741824 octets/,
      (path) => execFileSync('truncate', ['-s', '1G', '--no-create', path]),
    ],
  ])('%s in its place: an error, and no wait', async (_what, text, place) => {
    const { tx } = await crashed();
    if (!text.source.includes('octets')) rmSync(tx);
    place(tx);
    const error = await refusal(store.openTx(CHANNEL, 1n));
    expect(error.code).toBe('L2VPN_STATE');
    expect(error.message).toMatch(text);
    expect(error.message).toContain(tx);
  });

  it('that others may write, or have made: refused with the remedy', async () => {
    const { tx } = await crashed();
    execFileSync('chmod', ['0620', tx]);
    expect((await refusal(store.openTx(CHANNEL, 1n))).message).toMatch(/mode 0620\): chmod 600/);
    execFileSync('chmod', ['0600', tx]);
    if (process.geteuid!() !== 0) return console.warn('chown needs root: the owner of a file is not tried');
    execFileSync('chown', ['65534', tx]);
    expect((await refusal(store.openTx(CHANNEL, 1n))).message).toMatch(/belongs to uid 65534: chown/);
  });
});

describe('a file of an earlier release', () => {
  it('is read, and written sealed with the next number', async () => {
    const path = join(dir, pnFileName(CHANNEL, 'tx'));
    writeFileSync(path, version1(path, 500), { mode: 0o600 });
    const tx = await store.openTx(CHANNEL, 1n);
    expect(tx).toMatchObject({ next: 500n, fresh: false });
    await tx.reserve(600n);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ version: 2, pn: 600 });
  });

  it.each([
    ['the largest number that it was', Number.MAX_SAFE_INTEGER, 2n ** 53n - 1n],
    ['digits beyond that', '9007199254740992', 2n ** 53n],
    ['the end of all', '18446744073709551616', 2n ** 64n],
  ])('is read: %s', async (_what, stored, next) => {
    const path = join(dir, pnFileName(CHANNEL, 'tx'));
    writeFileSync(path, version1(path, stored), { mode: 0o600 });
    expect(await store.openTx(CHANNEL, 1n)).toMatchObject({ next, fresh: false });
  });

  it('is not believed in the place of a sealed one: anybody can make it', async () => {
    const { tx } = await crashed();
    writeFileSync(tx, version1(tx, 1));
    expect((await refusal(store.openTx(CHANNEL, 1n))).message).toMatch(/are corrupt/);
  });
});

describe('a temporary file that was left', () => {
  it('is removed, and a link of its name is not followed', async () => {
    const tx = await store.openTx(CHANNEL, 1n);
    const victim = join(dir, 'victim');
    writeFileSync(victim, 'untouched');
    symlinkSync(victim, `${tx.path}.tmp`);
    await tx.reserve(10n);
    expect(readFileSync(victim, 'utf8')).toBe('untouched');
    renameSync(tx.path, `${tx.path}.tmp`);
    await tx.reserve(20n);
    expect(JSON.parse(readFileSync(tx.path, 'utf8'))).toMatchObject({ pn: 20 });
  });
});
