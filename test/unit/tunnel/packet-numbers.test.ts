/** Grants of packet numbers: on disk first, then to the lanes; never more than there are. */
import { describe, expect, it } from 'vitest';
import { PnBlock } from '../../../src/macsec/packet-number.ts';
import { SecyNumbers } from '../../../src/tunnel/packet-numbers.ts';
import { MemoryState } from '../daemon/kit.ts';
import { macsecConfig, rxScOf, SCI, saOf } from '../macsec/kit.ts';

const OTHER_KEY = '44'.repeat(16);

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
  it('gets its first block before anything is sent, and double the block each time', () => {
    const state = new MemoryState();
    const numbers = new SecyNumbers(state, SCI);
    const share = numbers.configure(macsecConfig()).txShare[0]!.pn!;
    const tx = numbers.txOf(0)!;
    const ceilings = [limitOf(share)];
    for (let i = 0; i < 9; i++) {
      expect(tx.extend()).toBe(true);
      ceilings.push(limitOf(share));
    }
    const grants = ceilings.map((ceiling, i) => ceiling - (ceilings[i - 1] ?? 1));
    expect(grants).toEqual([14, 15, 16, 17, 18, 19, 20, 20, 20, 20].map((bits) => 2 ** bits));
  });

  it('is granted what is durable, and nothing before', () => {
    const state = new MemoryState();
    const numbers = new SecyNumbers(state, SCI);
    const share = numbers.configure(macsecConfig()).txShare[0]!.pn!;
    for (let i = 0; i < 5; i++) {
      drain(share);
      state.onReserve = (ceiling) => expect(limitOf(share)).toBeLessThan(ceiling);
      numbers.txOf(0)!.extend();
      expect(state.stored.get('tx 01')).toBe(BigInt(limitOf(share)));
    }
  });

  it('is granted nothing when the disk fails, and goes on when it works again', () => {
    const state = new MemoryState();
    const numbers = new SecyNumbers(state, SCI);
    const share = numbers.configure(macsecConfig()).txShare[0]!.pn!;
    const before = limitOf(share);
    state.onReserve = () => {
      throw new Error('ENOSPC');
    };
    expect(() => numbers.txOf(0)!.extend()).toThrow('ENOSPC');
    expect(limitOf(share)).toBe(before);
    state.onReserve = () => {};
    expect(numbers.txOf(0)!.extend()).toBe(true);
    expect(limitOf(share)).toBeGreaterThan(before);
  });

  it('ends at 2^32: the last block is short, then there is none', () => {
    const state = new MemoryState();
    const numbers = new SecyNumbers(state, SCI);
    const share = numbers.configure(macsecConfig({ txSa: [saOf({ pn: 2n ** 32n - 20_000n })] })).txShare[0]!
      .pn!;
    expect(numbers.txOf(0)!.extend()).toBe(true);
    expect(limitOf(share)).toBe(2 ** 32);
    expect(numbers.txOf(0)!.extend()).toBe(false);
    const taken = drain(share);
    expect([taken[0], taken.at(-1), taken.length]).toEqual([2 ** 32 - 20_000, 2 ** 32 - 1, 20_000]);
    expect(new PnBlock(share, 256, false).exhausted()).toBe(true);
    expect(numbers.txOf(0)!.extend()).toBe(false);
  });

  it('of 64 bits ends at 2^64, and is as exact before', () => {
    const pn = 2n ** 64n - 20_000n;
    const xpn = saOf({ pn, ssci: 1, salt: Buffer.alloc(12, 7) });
    const state = new MemoryState();
    const numbers = new SecyNumbers(state, SCI);
    const { txShare } = numbers.configure(macsecConfig({ cipher: 'gcm-aes-xpn-128', txSa: [xpn] }));
    expect(state.stored.get('tx 01')).toBe(pn + 2n ** 14n);
    expect(numbers.txOf(0)!.extend()).toBe(true);
    expect(state.stored.get('tx 01')).toBe(2n ** 64n);
    expect(numbers.txOf(0)!.extend()).toBe(false);
    const block = new PnBlock(txShare[0]!.pn!, 256, true);
    let taken = 0n;
    for (; block.available() > 0; taken++) block.take();
    expect([taken, numbers.txOf(0)!.taken]).toEqual([20_000n, 2n ** 64n]);
    numbers.close(() => 2n ** 64n);
    expect(state.stored.get('tx 01')).toBe(2n ** 64n);
  });

  it('that was used up stays so after a restart', () => {
    const state = new MemoryState();
    state.stored.set('tx 01', 2n ** 32n);
    const numbers = new SecyNumbers(state, SCI);
    const share = numbers.configure(macsecConfig()).txShare[0]!.pn!;
    expect(new PnBlock(share, 256, false).exhausted()).toBe(true);
    expect(drain(share)).toEqual([]);
  });

  it('after a crash goes on at the ceiling, after a clean stop where it was', () => {
    const crashed = new MemoryState();
    const first = new SecyNumbers(crashed, SCI);
    drain(first.configure(macsecConfig()).txShare[0]!.pn!);
    const second = new MemoryState();
    second.stored.set('tx 01', crashed.stored.get('tx 01')!);
    const share = new SecyNumbers(second, SCI).configure(macsecConfig()).txShare[0]!.pn!;
    expect(drain(share)[0]).toBe(1 + 2 ** 14);

    const clean = new MemoryState();
    const numbers = new SecyNumbers(clean, SCI);
    numbers.configure(macsecConfig());
    numbers.close(() => 77n);
    expect(clean.stored.get('tx 01')).toBe(77n);
    numbers.close(() => 0n);
  });

  it('that sent nothing closes where it began, never below', () => {
    const state = new MemoryState();
    state.stored.set('tx 01', 5000n);
    const numbers = new SecyNumbers(state, SCI);
    numbers.configure(macsecConfig());
    numbers.close(() => 0n);
    expect(state.stored.get('tx 01')).toBe(5000n);
  });
});

describe('SAs that come and go', () => {
  const old = saOf({ an: 0, keyId: '01' });
  const fresh = saOf({ an: 1, keyId: '02' }, OTHER_KEY);

  it('those that stay keep their numbers and are the same to the lanes', () => {
    const state = new MemoryState();
    const numbers = new SecyNumbers(state, SCI);
    const before = numbers.configure(macsecConfig({ txSa: [old] }));
    const after = numbers.configure(macsecConfig({ txSa: [old, fresh], encodingSa: 1 }));
    expect(after.txShare[0]).toEqual(before.txShare[0]);
    expect(after.rxShare).toEqual(before.rxShare);
    expect(after.txShare[1]!.serial).not.toBe(after.txShare[0]!.serial);
    expect(state.log).toEqual(['open tx 01', 'reserve tx 01 16385', 'open tx 02', 'reserve tx 02 16385']);
  });

  it('what lanes had taken of a removed one counts as used', () => {
    const state = new MemoryState();
    const numbers = new SecyNumbers(state, SCI);
    const { txShare } = numbers.configure(macsecConfig({ txSa: [old, fresh] }));
    new PnBlock(txShare[0]!.pn!, 256, false).available();
    numbers.configure(macsecConfig({ txSa: [fresh], encodingSa: 1 }));
    expect(state.stored.get('tx 01')).toBe(16385n);
    numbers.retire();
    expect(state.stored.get('tx 01')).toBe(257n);
    numbers.close(() => 10n);
    expect(state.stored.get('tx 02')).toBe(10n);
  });

  it('a new key under the same AN begins anew, and the old key never does', () => {
    const state = new MemoryState();
    const numbers = new SecyNumbers(state, SCI);
    const [first] = numbers.configure(macsecConfig({ txSa: [old] })).txShare;
    drain(first!.pn!);
    const [second] = numbers.configure(macsecConfig({ txSa: [{ ...fresh, an: 0 }] })).txShare;
    expect(second!.serial).not.toBe(first!.serial);
    expect(drain(second!.pn!)[0]).toBe(1);
    numbers.retire();
    const [again] = numbers.configure(macsecConfig({ txSa: [old] })).txShare;
    expect(drain(again!.pn!)[0]).toBe(16385);
  });

  it('when one cannot be opened nothing is changed', () => {
    const state = new MemoryState();
    const numbers = new SecyNumbers(state, SCI);
    numbers.configure(macsecConfig({ txSa: [old] }));
    const third = saOf({ an: 2, keyId: '01' }, '55'.repeat(16));
    expect(() => numbers.configure(macsecConfig({ txSa: [old, fresh, third] }))).toThrow('open already');
    expect(numbers.tx.map(({ an }) => an)).toEqual([0]);
    expect(state.stored.get('tx 02')).toBe(1n);
    expect(() => numbers.configure(macsecConfig({ txSa: [old, fresh] }))).not.toThrow();
  });

  it('receive channels keep their places, and a new one gets the first that is free', () => {
    const numbers = new SecyNumbers(new MemoryState(), SCI);
    const scis = ['a', 'b', 'c', 'd'].map((digit) => digit.repeat(16));
    const places = (...list: string[]): readonly number[] =>
      numbers.configure(macsecConfig({ rxSc: list.map((sci) => rxScOf([saOf()], sci)) })).rxIndex!;
    expect(places(scis[0]!, scis[1]!, scis[2]!)).toEqual([0, 1, 2]);
    expect(places(scis[2]!, scis[0]!)).toEqual([2, 0]);
    expect(places(scis[3]!, scis[2]!, scis[0]!)).toEqual([1, 2, 0]);
  });
});

describe('a receive SA', () => {
  it('begins at the higher of what is stored and what is configured, and only goes on', () => {
    const state = new MemoryState();
    state.stored.set('rx 01', 900n);
    const numbers = new SecyNumbers(state, SCI);
    const { rxShare } = numbers.configure(macsecConfig());
    expect(rxShare[0]![0]!.nextPn).toBe(900n);
    numbers.rxOf(SCI, 0)!.save(1000n);
    numbers.rxOf(SCI, 0)!.save(950n);
    expect(state.stored.get('rx 01')).toBe(1000n);
  });
});
