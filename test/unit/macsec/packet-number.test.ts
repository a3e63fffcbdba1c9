/** Transmit packet numbers: no lane ever takes one twice, nor one that was not granted. */
import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { transformWithOxc } from 'vite';
import { describe, expect, it } from 'vitest';
import { PnBlock, PnGrant, pnEnd } from '../../../src/macsec/packet-number.ts';

/** Everything that `block` can get now. */
function drain(block: PnBlock): number[] {
  const taken: number[] = [];
  while (block.available() > 0) taken.push(block.take());
  return taken;
}

describe('packet numbers (802.1AE 10.5.1)', () => {
  it('begin where the grant begins, and follow each other', () => {
    const grant = new PnGrant(7);
    grant.grant(12, 12);
    expect(drain(new PnBlock(grant.shared, 2, false))).toEqual([7, 8, 9, 10, 11]);
    expect(grant.next).toBe(12);
  });

  it('tell the last that was used', () => {
    const grant = new PnGrant(9);
    grant.grant(100, 100);
    const block = new PnBlock(grant.shared, 4, false);
    expect(block.next).toBe(0);
    for (let pn = 9; pn < 100; pn++) {
      block.available();
      block.take();
      expect(block.next).toBe(pn + 1);
    }
    block.take();
    expect(block.next).toBe(100);
  });

  it('are not there before they are granted', () => {
    const grant = new PnGrant(1);
    const block = new PnBlock(grant.shared, 256, false);
    expect(block.available()).toBe(0);
    expect(block.take()).toBe(0);
    expect(block.exhausted()).toBe(false);
    grant.grant(3, 3);
    expect(drain(block)).toEqual([1, 2]);
    expect(block.take()).toBe(0);
  });

  it('are not taken back by a grant below an earlier one', () => {
    const grant = new PnGrant(1);
    grant.grant(100, 50);
    grant.grant(60, 20);
    expect(grant.limit).toBe(100);
  });

  it('run low before they run out', () => {
    const grant = new PnGrant(1);
    grant.grant(1001, 501);
    const block = new PnBlock(grant.shared, 100, false);
    const wanted: number[] = [];
    while (block.available() > 0) {
      const pn = block.take();
      if (block.wantsGrant()) wanted.push(pn);
    }
    // Two blocks may be taken ahead of the one frame.
    expect(wanted[0]).toBeGreaterThanOrEqual(301);
    expect(wanted[0]).toBeLessThanOrEqual(501);
    grant.grant(2001, 1501);
    expect(block.wantsGrant()).toBe(false);
  });

  it('are enough for as many frames as were promised', () => {
    const grant = new PnGrant(1);
    grant.grant(1000, 1000);
    const block = new PnBlock(grant.shared, 7, false);
    for (;;) {
      const promised = block.available();
      if (promised === 0) break;
      for (let i = 0; i < promised; i++) expect(block.take()).toBeGreaterThan(0);
    }
    expect(grant.next).toBe(1000);
  });

  it.each([
    ['32-bit packet numbers end at 2^32', false, 2 ** 32],
    ['extended ones where a JavaScript number still counts', true, Number.MAX_SAFE_INTEGER],
  ])('%s', (_, xpn, end) => {
    expect(pnEnd(xpn)).toBe(end);
    const grant = new PnGrant(end - 3);
    grant.grant(end, end);
    const block = new PnBlock(grant.shared, 256, xpn);
    expect(block.exhausted()).toBe(false);
    expect(drain(block)).toEqual([end - 3, end - 2, end - 1]);
    expect(block.take()).toBe(0);
    expect(block.exhausted()).toBe(true);
  });

  it('are not used up while another block may still be granted', () => {
    const grant = new PnGrant(2 ** 32 - 10);
    grant.grant(2 ** 32 - 5, 2 ** 32 - 5);
    const block = new PnBlock(grant.shared, 256, false);
    drain(block);
    expect(block.exhausted()).toBe(false);
  });

  it('never repeat and never pass the limit, however lanes take turns and grants come', () => {
    const step = fc.oneof(
      fc.record({ lane: fc.nat(3), frames: fc.integer({ min: 0, max: 300 }), giveBack: fc.boolean() }),
      fc.record({ grant: fc.integer({ min: 1, max: 700 }) }),
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2 ** 32 - 5000 }),
        fc.array(fc.integer({ min: 1, max: 256 }), { minLength: 4, maxLength: 4 }),
        fc.array(step, { maxLength: 60 }),
        (start, blockLens, steps) => {
          const grant = new PnGrant(start);
          const lanes = blockLens.map((len) => new PnBlock(grant.shared, len, false));
          const taken = new Set<number>();
          let limit = start;
          for (const action of steps) {
            if ('grant' in action) {
              limit += action.grant;
              grant.grant(limit, limit - action.grant / 2 - ((action.grant / 2) % 1));
              continue;
            }
            const lane = lanes[action.lane]!;
            for (let i = 0; i < action.frames && lane.available() > 0; i++) {
              const pn = lane.take();
              expect(pn >= start && pn < limit && !taken.has(pn)).toBe(true);
              taken.add(pn);
            }
            if (action.giveBack) lane.giveBack();
          }
          for (const pn of lanes.flatMap(drain)) {
            expect(pn >= start && pn < limit && !taken.has(pn)).toBe(true);
            taken.add(pn);
          }
        },
      ),
    );
  });

  it('never repeat when two threads take them at the same moment', async () => {
    const grant = new PnGrant(1);
    const threads = await Promise.all([1, 2].map(() => startTaker(grant.shared)));
    const taken = Promise.all(threads.map(({ taken }) => taken));
    for (const { worker } of threads) worker.postMessage('go');
    for (let limit = 5_001; limit <= 200_001; limit += 5_000) grant.grant(limit, limit - 2_500);
    const [first, second] = await taken;
    const count = first!.length + second!.length;
    expect(new Set([...first!, ...second!]).size).toBe(count);
    // A thread that was held up has given up what lagged too far.
    expect(count).toBeGreaterThan(100_000);
    expect(Math.max(first!.at(-1)!, second!.at(-1)!)).toBe(200_000);
  });

  it('go back after a batch, so that of several lanes none lags', () => {
    const grant = new PnGrant(1);
    grant.grant(100_000, 100_000);
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
    const grant = new PnGrant(1);
    grant.grant(100_000, 100_000);
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
      const next = new BigInt64Array(workerData.shared);
      parentPort.once('message', () => {
        const taken = [];
        while (Atomics.load(next, 0) < 200001n || block.available() > 0)
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
