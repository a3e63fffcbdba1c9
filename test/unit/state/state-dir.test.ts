import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dropDir, fileIn, makeChannel, makeDir, refusal, startStore } from './kit.ts';

const CHANNEL = makeChannel();
const IDLE = makeChannel();
let folder: string;
let dir: string;
beforeEach(() => {
  folder = makeDir();
  dir = join(folder, 'state');
});
afterEach(() => dropDir(folder));

/** Two transmit channels at 1000 and 500, a receive channel at 70. */
async function running() {
  const { store, events } = await startStore(dir);
  const tx = await store.openTx(CHANNEL, 1n);
  await tx.reserve(1000n);
  const idle = await store.openTx(IDLE, 1n);
  await idle.reserve(500n);
  const rx = await store.openRx(CHANNEL, 1n);
  await rx.save(70n);
  return { store, events, tx, idle, rx };
}

async function nextStart(): Promise<number[]> {
  const { store } = await startStore(dir);
  const [tx, idle, rx] = [
    await store.openTx(CHANNEL, 1n),
    await store.openTx(IDLE, 1n),
    await store.openRx(CHANNEL, 1n),
  ];
  return [tx.next, idle.next, rx.lowest].map(Number);
}

describe('the state directory removed while the daemon runs', () => {
  it('is made again by the next grant, with the numbers of every channel, and said', async () => {
    const { store, events, tx } = await running();
    rmSync(dir, { recursive: true });
    await tx.reserve(2000n);
    await store.close();
    expect(await nextStart()).toEqual([2000, 500, 70]);
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({ kind: 'remade', level: 'error' });
    expect(events[0]!.message).toBe(
      `state directory ${dir} had been removed: made again, with the packet numbers of this process`,
    );
  });

  it('is made again at the stop, also where the number is the one stored', async () => {
    const { events, tx, idle } = await running();
    rmSync(dir, { recursive: true });
    await tx.close(1000n);
    await idle.close(321n);
    expect(await nextStart()).toEqual([1000, 321, 70]);
    expect(events).toHaveLength(1);
  });

  it('is made again by a look, with nothing to write', async () => {
    const { store, events } = await running();
    await store.verify();
    expect(events).toEqual([]);
    rmSync(dir, { recursive: true });
    await store.verify();
    expect(await nextStart()).toEqual([1000, 500, 70]);
    expect(events).toHaveLength(1);
  });

  it('and another one in its place counts as removed', async () => {
    const { store, events } = await running();
    renameSync(dir, `${dir}.away`);
    mkdirSync(dir, { mode: 0o700 });
    await store.verify();
    expect(await nextStart()).toEqual([1000, 500, 70]);
    expect(events).toHaveLength(1);
  });

  it('that others could write is not used, and said with every try', async () => {
    const { store, tx } = await running();
    renameSync(dir, `${dir}.away`);
    mkdirSync(dir);
    const { chmodSync } = await import('node:fs');
    chmodSync(dir, 0o777);
    expect((await refusal(tx.reserve(2000n))).message).toMatch(
      /others may write .* \(mode 0777\).*chmod go-w/,
    );
    expect(tx.next).toBe(1000n);
    chmodSync(dir, 0o700);
    await tx.reserve(2000n);
    await store.close();
    expect(await nextStart()).toEqual([2000, 500, 70]);
  });
});

describe('a state file removed while the daemon runs', () => {
  it('is made again by the next write, and said', async () => {
    const { events, rx } = await running();
    const path = fileIn(dir, '.rx.json');
    rmSync(path);
    await rx.save(90n);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ pn: 90 });
    expect(events).toHaveLength(1);
    expect(events[0]!.message).toMatch(/state file \S+\.rx\.json had been removed: made again/);
  });

  it('is made again by a look, and by nobody once its channel was closed', async () => {
    const { store, events, tx, idle } = await running();
    rmSync(tx.path);
    await idle.close(400n);
    rmSync(idle.path);
    await store.verify();
    expect(existsSync(tx.path)).toBe(true);
    expect(existsSync(idle.path)).toBe(false);
    expect(events).toHaveLength(1);
  });

  it('is found by a look among a thousand, in turn', async () => {
    const { store, events } = await startStore(dir);
    for (let i = 0; i < 70; i++)
      await store.saveEndpoint(`t${i}`, { address: '192.0.2.1', port: 1, lowestPn: 1n }, makeChannel().sak);
    rmSync(join(dir, 'tunnel-t69.endpoint.json'));
    for (let i = 0; i < 3; i++) await store.verify();
    expect(existsSync(join(dir, 'tunnel-t69.endpoint.json'))).toBe(true);
    expect(events).toHaveLength(1);
  });
});
