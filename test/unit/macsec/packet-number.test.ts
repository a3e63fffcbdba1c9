/** Transmit packet numbers: no lane ever takes one twice, nor one that was not granted. */
import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { transformWithOxc } from 'vite';
import { describe, expect, it } from 'vitest';
import { NO_PN, PnBlock, PnGrant, pnEnd } from '../../../src/macsec/packet-number.ts';

/** The next number of `block`, or null. */
function take(block: PnBlock): bigint | null {
  const low = block.take();
  return low === NO_PN ? null : (BigInt(block.high) << 32n) + BigInt(low);
}

/** Everything that `block` can get now. */
function drain(block: PnBlock): bigint[] {
  const taken: bigint[] = [];
  while (block.available() > 0) taken.push(take(block)!);
  return taken;
}

describe('packet numbers (802.1AE 10.5.1)', () => {
  it('begin where the grant begins, and follow each other', () => {
    const grant = new PnGrant(7n);
    grant.grant(12n, 12n);
    expect(drain(new PnBlock(grant.shared, 2, false))).toEqual([7n, 8n, 9n, 10n, 11n]);
    expect(grant.next).toBe(12n);
  });

  it('tell the last that was used', () => {
    const grant = new PnGrant(9n);
    grant.grant(100n, 100n);
    const block = new PnBlock(grant.shared, 4, false);
    expect(block.nextLow).toBe(0);
    for (let pn = 9; pn < 100; pn++) {
      block.available();
      block.take();
      expect(block.nextLow).toBe(pn + 1);
    }
    block.take();
    expect(block.nextLow).toBe(100);
  });

  it('are not there before they are granted', () => {
    const grant = new PnGrant(1n);
    const block = new PnBlock(grant.shared, 256, false);
    expect(block.available()).toBe(0);
    expect(block.take()).toBe(NO_PN);
    expect(block.exhausted()).toBe(false);
    grant.grant(3n, 3n);
    expect(drain(block)).toEqual([1n, 2n]);
    expect(block.take()).toBe(NO_PN);
  });

  it('are not taken back by a grant below an earlier one', () => {
    const grant = new PnGrant(1n);
    grant.grant(100n, 50n);
    grant.grant(60n, 20n);
    expect(grant.limit).toBe(100n);
  });

  it('run low before they run out', () => {
    const grant = new PnGrant(1n);
    grant.grant(1001n, 501n);
    const block = new PnBlock(grant.shared, 100, false);
    const wanted: number[] = [];
    while (block.available() > 0) {
      const pn = block.take();
      if (block.wantsGrant()) wanted.push(pn);
    }
    // Two blocks may be taken ahead of the one frame.
    expect(wanted[0]).toBeGreaterThanOrEqual(301);
    expect(wanted[0]).toBeLessThanOrEqual(501);
    grant.grant(2001n, 1501n);
    expect(block.wantsGrant()).toBe(false);
  });

  it('are enough for as many frames as were promised', () => {
    const grant = new PnGrant(1n);
    grant.grant(1000n, 1000n);
    const block = new PnBlock(grant.shared, 7, false);
    for (;;) {
      const promised = block.available();
      if (promised === 0) break;
      for (let i = 0; i < promised; i++) expect(block.take()).toBeGreaterThan(0);
    }
    expect(grant.next).toBe(1000n);
  });

  it.each([
    ['32-bit packet numbers end at 2^32', false, 2n ** 32n],
    ['extended ones end at 2^64', true, 2n ** 64n],
  ])('%s', (_, xpn, end) => {
    expect(pnEnd(xpn)).toBe(end);
    const grant = new PnGrant(end - 3n);
    grant.grant(end, end);
    const block = new PnBlock(grant.shared, 256, xpn);
    expect(block.exhausted()).toBe(false);
    expect(drain(block)).toEqual([end - 3n, end - 2n, end - 1n]);
    expect(block.take()).toBe(NO_PN);
    expect(block.exhausted()).toBe(true);
    expect((BigInt(block.high) << 32n) + BigInt(block.nextLow)).toBe(end);
    expect(grant.next).toBe(end);
    block.giveBack();
    expect(drain(block)).toEqual([]);
  });

  it('cannot begin at 0, which is no packet number', () => {
    expect(() => new PnGrant(0n)).toThrow(/"next" expected a packet number, got 0/);
  });

  it('are not used up while another block may still be granted', () => {
    const grant = new PnGrant(2n ** 32n - 10n);
    grant.grant(2n ** 32n - 5n, 2n ** 32n - 5n);
    const block = new PnBlock(grant.shared, 256, false);
    drain(block);
    expect(block.exhausted()).toBe(false);
  });

  it('never repeat and never pass the limit, however lanes take turns and grants come', () => {
    const step = fc.oneof(
      fc.record({ lane: fc.nat(3), frames: fc.integer({ min: 0, max: 300 }), giveBack: fc.boolean() }),
      fc.record({ grant: fc.bigInt({ min: 1n, max: 700n }) }),
    );
    // From 1, below a border of 32 bits, from beyond 2^53, and up to the last of all.
    const borders = fc.constantFrom(2n ** 32n, 2n ** 33n, 2n ** 53n, 2n ** 60n + 2n ** 32n, 2n ** 64n);
    const nearBorder = fc.tuple(borders, fc.bigInt({ min: 1n, max: 5000n }));
    const starts = fc.oneof(
      fc.bigInt({ min: 1n, max: 2n ** 32n }),
      nearBorder.map(([border, before]) => border - before),
      fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }),
    );
    fc.assert(
      fc.property(
        starts,
        fc.array(fc.integer({ min: 1, max: 256 }), { minLength: 4, maxLength: 4 }),
        fc.array(step, { maxLength: 60 }),
        (start, blockLens, steps) => {
          const end = pnEnd(true);
          const grant = new PnGrant(start);
          const lanes = blockLens.map((len) => new PnBlock(grant.shared, len, true));
          const taken = new Set<bigint>();
          let limit = start;
          const note = (pn: bigint): void => {
            expect(pn >= start && pn < limit && !taken.has(pn)).toBe(true);
            taken.add(pn);
          };
          for (const action of steps) {
            if ('grant' in action) {
              limit = limit + action.grant < end ? limit + action.grant : end;
              grant.grant(limit, limit - action.grant / 2n);
              continue;
            }
            const lane = lanes[action.lane]!;
            for (let i = 0; i < action.frames && lane.available() > 0; i++) note(take(lane)!);
            if (action.giveBack) lane.giveBack();
          }
          for (const lane of lanes) for (const pn of drain(lane)) note(pn);
          expect(grant.next).toBe(limit);
          expect(lanes[0]!.exhausted()).toBe(limit === end);
        },
      ),
    );
  });

  it('are those of a counter with 64 bits when one lane takes them, over every border', () => {
    const run = fc.record({ frames: fc.integer({ min: 1, max: 200 }), giveBack: fc.boolean() });
    const start = fc.tuple(
      fc.constantFrom(2n ** 32n, 2n ** 53n, 2n ** 63n),
      fc.bigInt({ min: 1n, max: 600n }),
    );
    fc.assert(
      fc.property(start, fc.array(run, { maxLength: 30 }), ([border, before], runs) => {
        let next = border - before;
        const grant = new PnGrant(next);
        grant.grant(next + 100_000n, next + 100_000n);
        const block = new PnBlock(grant.shared, 128, true);
        for (const { frames, giveBack } of runs) {
          for (let i = 0; i < frames && block.available() > 0; i++) expect(take(block)).toBe(next++);
          expect((BigInt(block.high) << 32n) + BigInt(block.nextLow)).toBe(next);
          if (giveBack) {
            block.giveBack();
            expect(grant.next).toBe(next);
          }
        }
      }),
    );
  });

  it('never repeat when two threads take them at the same moment', async () => {
    const grant = new PnGrant(1n);
    const threads = await Promise.all([1, 2].map(() => startTaker(grant.shared)));
    const taken = Promise.all(threads.map(({ taken }) => taken));
    for (const { worker } of threads) worker.postMessage('go');
    for (let limit = 5_001n; limit <= 200_001n; limit += 5_000n) grant.grant(limit, limit - 2_500n);
    const [first, second] = await taken;
    const count = first!.length + second!.length;
    expect(new Set([...first!, ...second!]).size).toBe(count);
    // A thread that was held up has given up what lagged too far.
    expect(count).toBeGreaterThan(100_000);
    expect(Math.max(first!.at(-1)!, second!.at(-1)!)).toBe(200_000);
  });

  it('go back after a batch, so that of several lanes none lags', () => {
    const grant = new PnGrant(1n);
    grant.grant(100_000n, 100_000n);
    const [busy, rare] = [1, 2].map(() => new PnBlock(grant.shared, 128, false)) as [PnBlock, PnBlock];
    const send = (lane: PnBlock, frames: number): number => {
      let last = 0;
      for (let i = 0; i < frames && lane.available() > 0; i++) last = lane.take();
      lane.giveBack();
      return last;
    };
    expect([send(busy, 1), send(rare, 1), send(busy, 1), send(rare, 1)]).toEqual([1, 2, 3, 4]);
    expect(send(busy, 50_000)).toBe(50_004);
    expect(send(rare, 1)).toBe(50_005);
  });

  it('that a lane could not give back and that lag are given up', () => {
    const grant = new PnGrant(1n);
    grant.grant(100_000n, 100_000n);
    const [busy, rare] = [1, 2].map(() => new PnBlock(grant.shared, 128, false)) as [PnBlock, PnBlock];
    rare.available();
    expect(rare.take()).toBe(1);
    for (let i = 0; i < 5000; i++) {
      busy.available();
      busy.take();
    }
    rare.giveBack();
    rare.available();
    expect(rare.take()).toBeGreaterThan(5000);
  });
});

interface Taker {
  readonly worker: Worker;
  readonly taken: Promise<Float64Array>;
}

/** A thread that runs the real PnBlock (its types stripped: Node 20 runs no TypeScript) until 200 000 are gone. */
async function startTaker(shared: SharedArrayBuffer): Promise<Taker> {
  const file = new URL('../../../src/macsec/packet-number.ts', import.meta.url);
  const { code } = await transformWithOxc(readFileSync(file, 'utf8'), 'packet-number.ts');
  const module = `data:text/javascript,${encodeURIComponent(code)}`;
  const source = `
    const { parentPort, workerData } = require('node:worker_threads');
    import(workerData.module).then(({ PnBlock }) => {
      const block = new PnBlock(workerData.shared, 16, false);
      const words = new BigUint64Array(workerData.shared);
      parentPort.once('message', () => {
        const taken = [];
        while (Atomics.load(words, 0) < 200000n || block.available() > 0)
          if (block.available() > 0) taken.push(block.take());
        parentPort.postMessage(Float64Array.from(taken));
      });
      parentPort.postMessage('ready');
    });`;
  const worker = new Worker(source, { eval: true, workerData: { module, shared } });
  await new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  return { worker, taken: new Promise((resolve) => worker.once('message', resolve)) };
}
