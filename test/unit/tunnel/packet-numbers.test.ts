/** Grants of packet numbers: on disk first, then to the lanes; never more than there are. */
import { describe, expect, it } from 'vitest';
import { PnBlock } from '../../../src/macsec/packet-number.ts';
import type { SaShare } from '../../../src/macsec/secy.ts';
import { SecyNumbers } from '../../../src/tunnel/packet-numbers.ts';
import type { SaSet } from '../../../src/tunnel/sa-set.ts';
import { macsecConfig, SCI, saOf } from '../macsec/kit.ts';
import { MemoryState } from './kit.ts';

const OTHER_KEY = '44'.repeat(16);

/** Holds the numbers of `sas`; what lanes share of each. */
function hold(numbers: SecyNumbers, sas: SaSet): { txShare: SaShare[]; rxShare: SaShare[][] } {
  numbers.hold(sas);
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
  it('gets its first block before anything is sent, and double the block each time', () => {
    const state = new MemoryState();
    const numbers = new SecyNumbers(state, SCI, false);
    const share = hold(numbers, macsecConfig()).txShare[0]!.pn!;
    const tx = numbers.txOf(0);
    const ceilings = [limitOf(share)];
    for (let i = 0; i < 12; i++) {
      expect(tx.extend()).toBe(true);
      ceilings.push(limitOf(share));
    }
    const grants = ceilings.map((ceiling, i) => ceiling - (ceilings[i - 1] ?? 1));
    expect(grants).toEqual([14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 24, 24].map((bits) => 2 ** bits));
  });

  it('is granted what is durable, and nothing before', () => {
    const state = new MemoryState();
    const numbers = new SecyNumbers(state, SCI, false);
    const share = hold(numbers, macsecConfig()).txShare[0]!.pn!;
    for (let i = 0; i < 5; i++) {
      drain(share);
      state.onReserve = (ceiling) => expect(limitOf(share)).toBeLessThan(ceiling);
      numbers.txOf(0).extend();
      expect(state.stored.get('tx 01')).toBe(BigInt(limitOf(share)));
    }
  });

  it('is granted nothing when the disk fails, and goes on when it works again', () => {
    const state = new MemoryState();
    const numbers = new SecyNumbers(state, SCI, false);
    const share = hold(numbers, macsecConfig()).txShare[0]!.pn!;
    const before = limitOf(share);
    state.onReserve = () => {
      throw new Error('ENOSPC');
    };
    expect(() => numbers.txOf(0).extend()).toThrow('ENOSPC');
    expect(limitOf(share)).toBe(before);
    state.onReserve = () => {};
    expect(numbers.txOf(0).extend()).toBe(true);
    expect(limitOf(share)).toBeGreaterThan(before);
  });

  it('ends at 2^32: the last block is short, then there is none', () => {
    const state = new MemoryState();
    const numbers = new SecyNumbers(state, SCI, false);
    const share = hold(numbers, macsecConfig({ txSa: [saOf({ pn: 2n ** 32n - 20_000n })] })).txShare[0]!.pn!;
    expect(numbers.txOf(0).extend()).toBe(true);
    expect(limitOf(share)).toBe(2 ** 32);
    expect(numbers.txOf(0).extend()).toBe(false);
    const taken = drain(share);
    expect([taken[0], taken.at(-1), taken.length]).toEqual([2 ** 32 - 20_000, 2 ** 32 - 1, 20_000]);
    expect(new PnBlock(share, 256, false).exhausted()).toBe(true);
    expect(numbers.txOf(0).extend()).toBe(false);
  });

  it('of 64 bits ends at 2^64, and is as exact before', () => {
    const pn = 2n ** 64n - 20_000n;
    const xpn = saOf({ pn, ssci: 1, salt: Buffer.alloc(12, 7) });
    const state = new MemoryState();
    const numbers = new SecyNumbers(state, SCI, true);
    const { txShare } = hold(numbers, macsecConfig({ cipher: 'gcm-aes-xpn-128', txSa: [xpn] }));
    expect(state.stored.get('tx 01')).toBe(pn + 2n ** 14n);
    expect(numbers.txOf(0).extend()).toBe(true);
    expect(state.stored.get('tx 01')).toBe(2n ** 64n);
    expect(numbers.txOf(0).extend()).toBe(false);
    const block = new PnBlock(txShare[0]!.pn!, 256, true);
    let taken = 0n;
    for (; block.available() > 0; taken++) block.take();
    expect([taken, numbers.txOf(0).taken]).toEqual([20_000n, 2n ** 64n]);
    numbers.close(() => 2n ** 64n);
    expect(state.stored.get('tx 01')).toBe(2n ** 64n);
  });

  it('that was used up stays so after a restart', () => {
    const state = new MemoryState();
    state.stored.set('tx 01', 2n ** 32n);
    const numbers = new SecyNumbers(state, SCI, false);
    const share = hold(numbers, macsecConfig()).txShare[0]!.pn!;
    expect(new PnBlock(share, 256, false).exhausted()).toBe(true);
    expect(drain(share)).toEqual([]);
  });

  it('after a crash goes on at the ceiling, after a clean stop where it was', () => {
    const crashed = new MemoryState();
    const first = new SecyNumbers(crashed, SCI, false);
    drain(hold(first, macsecConfig()).txShare[0]!.pn!);
    const second = new MemoryState();
    second.stored.set('tx 01', crashed.stored.get('tx 01')!);
    const share = hold(new SecyNumbers(second, SCI, false), macsecConfig()).txShare[0]!.pn!;
    expect(drain(share)[0]).toBe(1 + 2 ** 14);

    const clean = new MemoryState();
    const numbers = new SecyNumbers(clean, SCI, false);
    hold(numbers, macsecConfig());
    numbers.close(() => 77n);
    expect(clean.stored.get('tx 01')).toBe(77n);
    numbers.close(() => 0n);
  });

  it('that sent nothing closes where it began, never below', () => {
    const state = new MemoryState();
    state.stored.set('tx 01', 5000n);
    const numbers = new SecyNumbers(state, SCI, false);
    hold(numbers, macsecConfig());
    numbers.close(() => 0n);
    expect(state.stored.get('tx 01')).toBe(5000n);
  });
});

describe('SAs that come and go', () => {
  const old = saOf({ an: 0, keyId: '01' });
  const fresh = saOf({ an: 1, keyId: '02' }, OTHER_KEY);

  it('those that stay keep their numbers and are the same to the lanes', () => {
    const state = new MemoryState();
    const numbers = new SecyNumbers(state, SCI, false);
    const before = hold(numbers, macsecConfig({ txSa: [old] }));
    const after = hold(numbers, macsecConfig({ txSa: [old, fresh], encodingSa: 1 }));
    expect(after.txShare[0]).toEqual(before.txShare[0]);
    expect(after.rxShare).toEqual(before.rxShare);
    expect(after.txShare[1]!.serial).not.toBe(after.txShare[0]!.serial);
    expect(state.log).toEqual(['open tx 01', 'reserve tx 01 16385', 'open tx 02', 'reserve tx 02 16385']);
  });

  it('what lanes had taken of a removed one counts as used', () => {
    const state = new MemoryState();
    const numbers = new SecyNumbers(state, SCI, false);
    const { txShare } = hold(numbers, macsecConfig({ txSa: [old, fresh] }));
    new PnBlock(txShare[0]!.pn!, 256, false).available();
    hold(numbers, macsecConfig({ txSa: [fresh], encodingSa: 1 }));
    expect(state.stored.get('tx 01')).toBe(16385n);
    numbers.release();
    expect(state.stored.get('tx 01')).toBe(257n);
    numbers.close(() => 10n);
    expect(state.stored.get('tx 02')).toBe(10n);
  });

  it('a new key under the same AN begins anew, and the old key never does', () => {
    const state = new MemoryState();
    const numbers = new SecyNumbers(state, SCI, false);
    const [first] = hold(numbers, macsecConfig({ txSa: [old] })).txShare;
    drain(first!.pn!);
    const [second] = hold(numbers, macsecConfig({ txSa: [{ ...fresh, an: 0 }] })).txShare;
    expect(second!.serial).not.toBe(first!.serial);
    expect(drain(second!.pn!)[0]).toBe(1);
    numbers.release();
    const [again] = hold(numbers, macsecConfig({ txSa: [old] })).txShare;
    expect(drain(again!.pn!)[0]).toBe(16385);
  });

  it('when one cannot be opened nothing is changed', () => {
    const state = new MemoryState();
    const numbers = new SecyNumbers(state, SCI, false);
    hold(numbers, macsecConfig({ txSa: [old] }));
    const third = saOf({ an: 2, keyId: '01' }, '55'.repeat(16));
    expect(() => hold(numbers, macsecConfig({ txSa: [old, fresh, third] }))).toThrow('open already');
    expect(numbers.tx.map(({ an }) => an)).toEqual([0]);
    expect(state.stored.get('tx 02')).toBe(1n);
    expect(() => hold(numbers, macsecConfig({ txSa: [old, fresh] }))).not.toThrow();
  });

  it('a key cannot move to another AN while it is in use; the numbers stay as they were', () => {
    const numbers = new SecyNumbers(new MemoryState(), SCI, false);
    const before = hold(numbers, macsecConfig());
    const moved = macsecConfig({ encodingSa: 1, txSa: [saOf({ an: 1 })] });
    expect(() => numbers.hold(moved)).toThrow(/key 01 cannot move from AN 0 to AN 1/);
    expect(hold(numbers, macsecConfig()).txShare).toEqual(before.txShare);
  });

  it("numbers of an SA that is not held are nobody's", () => {
    const numbers = new SecyNumbers(new MemoryState(), SCI, false);
    numbers.hold(macsecConfig());
    expect(numbers.findTx(1)).toBeUndefined();
    expect(() => numbers.txOf(1)).toThrow(/no packet numbers are held for transmit SA 1/);
    expect(() => numbers.rxOf(SCI, 1)).toThrow(/no packet numbers are held for receive SA/);
  });
});

describe('a receive SA', () => {
  it('begins at the higher of what is stored and what is configured, and only goes on', () => {
    const state = new MemoryState();
    state.stored.set('rx 01', 900n);
    const numbers = new SecyNumbers(state, SCI, false);
    const { rxShare } = hold(numbers, macsecConfig());
    expect(rxShare[0]![0]!.nextPn).toBe(900n);
    numbers.rxOf(SCI, 0).save(1000n);
    numbers.rxOf(SCI, 0).save(950n);
    expect(state.stored.get('rx 01')).toBe(1000n);
  });
});
