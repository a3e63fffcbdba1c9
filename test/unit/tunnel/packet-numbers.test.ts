/** Grants of packet numbers: on disk first, then to the lanes; never more than there are. */
import { describe, expect, it } from 'vitest';
import { FdSink, FdSource } from '../../../src/host/descriptors.ts';
import { PnBlock } from '../../../src/macsec/packet-number.ts';
import type { SaShare } from '../../../src/macsec/secy.ts';
import { SecyNumbers } from '../../../src/tunnel/packet-numbers.ts';
import type { SaSet } from '../../../src/tunnel/sa-set.ts';
import { macsecConfig, SCI, saOf } from '../macsec/kit.ts';
import { MemoryState } from './kit.ts';

const OTHER_KEY = '44'.repeat(16);

/** Holds the numbers of `sas`; what lanes share of each. */
async function hold(numbers: SecyNumbers, sas: SaSet): Promise<{ txShare: SaShare[]; rxShare: SaShare[][] }> {
  await numbers.hold(sas);
  return {
    txShare: sas.txSa.map(({ an }) => numbers.txOf(an).share),
    rxShare: sas.rxSc.map(({ sci, sa }) => sa.map(({ an }) => numbers.rxOf(sci, an).share)),
  };
}

/** All that a lane can take now. */
function drain(share: SharedArrayBuffer): number[] {
  const block = new PnBlock(share, 256, false);
  const taken: number[] = [];
  while (block.available() > 0) taken.push(block.take());
  return taken;
}

/** One past the last that is granted. */
function limitOf(share: SharedArrayBuffer): number {
  return Number(new BigUint64Array(share)[1]) + 1;
}

describe('a transmit SA', () => {
  it('gets its first block before anything is sent, and double the block each time', async () => {
    const state = new MemoryState();
    const numbers = new SecyNumbers(state, SCI, false);
    const share = (await hold(numbers, macsecConfig())).txShare[0]!.pn!;
    const tx = numbers.txOf(0);
    const ceilings = [limitOf(share)];
    for (let i = 0; i < 12; i++) {
      expect(await tx.extend()).toBe(true);
      ceilings.push(limitOf(share));
    }
    const grants = ceilings.map((ceiling, i) => ceiling - (ceilings[i - 1] ?? 1));
    expect(grants).toEqual([14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 24, 24].map((bits) => 2 ** bits));
  });

  it('is granted what is durable, and nothing before', async () => {
    const state = new MemoryState();
    const numbers = new SecyNumbers(state, SCI, false);
    const share = (await hold(numbers, macsecConfig())).txShare[0]!.pn!;
    for (let i = 0; i < 5; i++) {
      drain(share);
      state.onReserve = (ceiling) => expect(limitOf(share)).toBeLessThan(ceiling);
      await numbers.txOf(0).extend();
      expect(state.stored.get('tx 01')).toBe(BigInt(limitOf(share)));
    }
  });

  it('is granted nothing when the disk fails, and goes on when it works again', async () => {
    const state = new MemoryState();
    const numbers = new SecyNumbers(state, SCI, false);
    const share = (await hold(numbers, macsecConfig())).txShare[0]!.pn!;
    const before = limitOf(share);
    state.onReserve = () => {
      throw new Error('ENOSPC');
    };
    await expect(numbers.txOf(0).extend()).rejects.toThrow('ENOSPC');
    expect(limitOf(share)).toBe(before);
    state.onReserve = () => {};
    expect(await numbers.txOf(0).extend()).toBe(true);
    expect(limitOf(share)).toBeGreaterThan(before);
  });

  it('while a block is being stored stays within the last one, and who asks gets that block', async () => {
    const state = new MemoryState();
    const numbers = new SecyNumbers(state, SCI, false);
    const share = (await hold(numbers, macsecConfig())).txShare[0]!.pn!;
    const before = limitOf(share);
    let durable = (): void => {};
    state.onReserve = () =>
      new Promise((resolve) => {
        durable = resolve;
      });
    const [first, second] = [numbers.txOf(0).extend(), numbers.txOf(0).extend()];
    await Promise.resolve();
    expect([limitOf(share), state.stored.get('tx 01')]).toEqual([before, BigInt(before)]);
    durable();
    expect([await first, await second, limitOf(share)]).toEqual([true, true, before + 2 ** 15]);
  });

  it('that is closed gets no further block', async () => {
    const state = new MemoryState();
    const numbers = new SecyNumbers(state, SCI, false);
    await hold(numbers, macsecConfig());
    const tx = numbers.txOf(0);
    await numbers.close(() => 5n);
    expect(await tx.extend()).toBe(false);
    expect(state.log.at(-1)).toBe('close tx 01 5');
  });

  it('whose key does not outlive the process goes on without a store, up to its last number', async () => {
    const state = new MemoryState();
    const numbers = new SecyNumbers(state, SCI, false);
    const agreed = saOf({ stored: false, pn: 2n ** 32n - 20_000n });
    const share = (await hold(numbers, macsecConfig({ txSa: [agreed] }))).txShare[0]!.pn!;
    expect([await numbers.txOf(0).extend(), await numbers.txOf(0).extend()]).toEqual([true, false]);
    expect([drain(share).length, state.log, numbers.txOf(0).fresh]).toEqual([20_000, [], false]);
    await numbers.close(() => 0n);
  });

  it('ends at 2^32: the last block is short, then there is none', async () => {
    const state = new MemoryState();
    const numbers = new SecyNumbers(state, SCI, false);
    const share = (await hold(numbers, macsecConfig({ txSa: [saOf({ pn: 2n ** 32n - 20_000n })] })))
      .txShare[0]!.pn!;
    expect(await numbers.txOf(0).extend()).toBe(true);
    expect(limitOf(share)).toBe(2 ** 32);
    expect(await numbers.txOf(0).extend()).toBe(false);
    const taken = drain(share);
    expect([taken[0], taken.at(-1), taken.length]).toEqual([2 ** 32 - 20_000, 2 ** 32 - 1, 20_000]);
    expect(new PnBlock(share, 256, false).exhausted()).toBe(true);
    expect(await numbers.txOf(0).extend()).toBe(false);
  });

  it('of 64 bits ends at 2^64, and is as exact before', async () => {
    const pn = 2n ** 64n - 20_000n;
    const xpn = saOf({ pn, ssci: 1, salt: Buffer.alloc(12, 7) });
    const state = new MemoryState();
    const numbers = new SecyNumbers(state, SCI, true);
    const { txShare } = await hold(numbers, macsecConfig({ cipher: 'gcm-aes-xpn-128', txSa: [xpn] }));
    expect(state.stored.get('tx 01')).toBe(pn + 2n ** 14n);
    expect(await numbers.txOf(0).extend()).toBe(true);
    expect(state.stored.get('tx 01')).toBe(2n ** 64n);
    expect(await numbers.txOf(0).extend()).toBe(false);
    const block = new PnBlock(txShare[0]!.pn!, 256, true);
    let taken = 0n;
    for (; block.available() > 0; taken++) block.take();
    expect([taken, numbers.txOf(0).taken]).toEqual([20_000n, 2n ** 64n]);
    await numbers.close(() => 2n ** 64n);
    expect(state.stored.get('tx 01')).toBe(2n ** 64n);
  });

  it('that was used up stays so after a restart', async () => {
    const state = new MemoryState();
    state.stored.set('tx 01', 2n ** 32n);
    const numbers = new SecyNumbers(state, SCI, false);
    const share = (await hold(numbers, macsecConfig())).txShare[0]!.pn!;
    expect(new PnBlock(share, 256, false).exhausted()).toBe(true);
    expect(drain(share)).toEqual([]);
  });

  it('after a crash goes on at the ceiling, after a clean stop where it was', async () => {
    const crashed = new MemoryState();
    const first = new SecyNumbers(crashed, SCI, false);
    drain((await hold(first, macsecConfig())).txShare[0]!.pn!);
    const second = new MemoryState();
    second.stored.set('tx 01', crashed.stored.get('tx 01')!);
    const share = (await hold(new SecyNumbers(second, SCI, false), macsecConfig())).txShare[0]!.pn!;
    expect(drain(share)[0]).toBe(1 + 2 ** 14);

    const clean = new MemoryState();
    const numbers = new SecyNumbers(clean, SCI, false);
    await hold(numbers, macsecConfig());
    await numbers.close(() => 77n);
    expect(clean.stored.get('tx 01')).toBe(77n);
    await numbers.close(() => 0n);
  });

  it('that sent nothing closes where it began, never below', async () => {
    const state = new MemoryState();
    state.stored.set('tx 01', 5000n);
    const numbers = new SecyNumbers(state, SCI, false);
    await hold(numbers, macsecConfig());
    await numbers.close(() => 0n);
    expect(state.stored.get('tx 01')).toBe(5000n);
  });
});

describe('SAs that come and go', () => {
  const old = saOf({ an: 0, keyId: '01' });
  const fresh = saOf({ an: 1, keyId: '02' }, OTHER_KEY);

  it('those that stay keep their numbers and are the same to the lanes', async () => {
    const state = new MemoryState();
    const numbers = new SecyNumbers(state, SCI, false);
    const before = await hold(numbers, macsecConfig({ txSa: [old] }));
    const after = await hold(numbers, macsecConfig({ txSa: [old, fresh], encodingSa: 1 }));
    expect(after.txShare[0]).toEqual(before.txShare[0]);
    expect(after.rxShare).toEqual(before.rxShare);
    expect(after.txShare[1]!.serial).not.toBe(after.txShare[0]!.serial);
    expect(state.log).toEqual(['open tx 01', 'reserve tx 01 16385', 'open tx 02', 'reserve tx 02 16385']);
  });

  it('what lanes had taken of a removed one counts as used', async () => {
    const state = new MemoryState();
    const numbers = new SecyNumbers(state, SCI, false);
    const { txShare } = await hold(numbers, macsecConfig({ txSa: [old, fresh] }));
    new PnBlock(txShare[0]!.pn!, 256, false).available();
    await hold(numbers, macsecConfig({ txSa: [fresh], encodingSa: 1 }));
    expect(state.stored.get('tx 01')).toBe(16385n);
    await numbers.release();
    expect(state.stored.get('tx 01')).toBe(257n);
    await numbers.close(() => 10n);
    expect(state.stored.get('tx 02')).toBe(10n);
  });

  it('a new key under the same AN begins anew, and the old key never does', async () => {
    const state = new MemoryState();
    const numbers = new SecyNumbers(state, SCI, false);
    const [first] = (await hold(numbers, macsecConfig({ txSa: [old] }))).txShare;
    drain(first!.pn!);
    const [second] = (await hold(numbers, macsecConfig({ txSa: [{ ...fresh, an: 0 }] }))).txShare;
    expect(second!.serial).not.toBe(first!.serial);
    expect(drain(second!.pn!)[0]).toBe(1);
    await numbers.release();
    const [again] = (await hold(numbers, macsecConfig({ txSa: [old] }))).txShare;
    expect(drain(again!.pn!)[0]).toBe(16385);
  });

  it('when one cannot be opened nothing is changed', async () => {
    const state = new MemoryState();
    const numbers = new SecyNumbers(state, SCI, false);
    await hold(numbers, macsecConfig({ txSa: [old] }));
    const third = saOf({ an: 2, keyId: '01' }, '55'.repeat(16));
    await expect(hold(numbers, macsecConfig({ txSa: [old, fresh, third] }))).rejects.toThrow('open already');
    expect(numbers.tx.map(({ an }) => an)).toEqual([0]);
    expect(state.stored.get('tx 02')).toBe(1n);
    await hold(numbers, macsecConfig({ txSa: [old, fresh] }));
  });

  it('a key cannot move to another AN while it is in use; the numbers stay as they were', async () => {
    const numbers = new SecyNumbers(new MemoryState(), SCI, false);
    const before = await hold(numbers, macsecConfig());
    const moved = macsecConfig({ encodingSa: 1, txSa: [saOf({ an: 1 })] });
    await expect(numbers.hold(moved)).rejects.toThrow(/key 01 cannot move from AN 0 to AN 1/);
    expect((await hold(numbers, macsecConfig())).txShare).toEqual(before.txShare);
  });

  it("numbers of an SA that is not held are nobody's", async () => {
    const numbers = new SecyNumbers(new MemoryState(), SCI, false);
    await numbers.hold(macsecConfig());
    expect(numbers.findTx(1)).toBeUndefined();
    expect(() => numbers.txOf(1)).toThrow(/no packet numbers are held for transmit SA 1/);
    expect(() => numbers.rxOf(SCI, 1)).toThrow(/no packet numbers are held for receive SA/);
  });
});

describe('a receive SA', () => {
  it('begins at the higher of what is stored and what is configured, and only goes on', async () => {
    const state = new MemoryState();
    state.stored.set('rx 01', 900n);
    const numbers = new SecyNumbers(state, SCI, false);
    const { rxShare } = await hold(numbers, macsecConfig());
    expect(rxShare[0]![0]!.nextPn).toBe(900n);
    numbers.rxOf(SCI, 0).save(1000n);
    numbers.rxOf(SCI, 0).save(950n);
    expect(state.stored.get('rx 01')).toBe(1000n);
  });
});

describe('numbers that another process goes on with', () => {
  it('go on where its lanes have ended, in what it has reserved, and nothing is stored for that', async () => {
    const state = new MemoryState();
    const before = new SecyNumbers(state, SCI, false);
    const share = (await hold(before, macsecConfig())).txShare[0]!.pn!;
    const block = new PnBlock(share, 128, false);
    for (let i = 0; i < 200; i++) {
      block.available();
      block.take();
    }
    block.giveBack();
    before.rxOf(SCI, 0).goOnFrom(77n, undefined);
    before.rxOf(SCI, 0).raiseLowest(70n);
    const handed = structuredClone(before.handOn(new FdSink(), false));
    const [reserved, log] = [limitOf(share), state.log.length];
    // Without locks, as after a stop that has stored them, they are opened anew; a key that is not stored goes on by itself.
    const config = macsecConfig();
    const unstored = {
      ...config,
      txSa: config.txSa.map((sa) => ({ ...sa, stored: false })),
      rxSc: config.rxSc.map((sc) => ({ ...sc, sa: sc.sa.map((sa) => ({ ...sa, stored: false })) })),
    };
    const after = new SecyNumbers(new MemoryState(), SCI, false, handed);
    const { txShare, rxShare } = await hold(after, unstored);
    expect(drain(txShare[0]!.pn!)[0]).toBe(201);
    expect(rxShare[0]![0]).toMatchObject({ nextPn: 77n, lowestPn: 70n });
    // With them they go on without a word to the disk.
    const locked = {
      ...handed,
      tx: new Map([...handed.tx].map(([id, tx]) => [id, { ...tx, locks: [0, 1] as const }])),
    };
    const next = new SecyNumbers(state, SCI, false, locked, new FdSource([100, 101]));
    const again = await hold(next, config);
    const left = drain(again.txShare[0]!.pn!);
    expect([left[0], left.at(-1), left.length]).toEqual([201, reserved - 1, reserved - 201]);
    expect(state.log.slice(log)).toEqual([`go on tx 01 201 of ${reserved}`]);
  });
});
