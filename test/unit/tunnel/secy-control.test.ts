/** A SecY that changes while it runs: what stays, what is stored when, and what a failure leaves. */

import { describe, expect, it } from 'vitest';
import { countersAt, RxSaCounter, TxSaCounter, writeNextPn } from '../../../src/macsec/counters.ts';
import { sasOf, settingsOf } from '../../../src/tunnel/sa-set.ts';
import type { LeftReplay } from '../../../src/worker/messages.ts';
import { macsecConfig, rxScOf, SCI, saOf } from '../macsec/kit.ts';
import { MemoryLanes, MemoryState, secyOf } from './kit.ts';

const FILE = macsecConfig({ txSa: [saOf()], rxSc: [rxScOf([saOf({ keyId: '08' }, '22'.repeat(16))])] });
/** What a rotation has made of it. */
const ROTATED = {
  encodingSa: 1,
  txSa: [saOf({ an: 1, keyId: '07' }, '33'.repeat(16))],
  rxSc: [rxScOf([saOf({ an: 1, keyId: '09' }, '44'.repeat(16))])],
};

const TX_NEXT = countersAt.txSa(0) + TxSaCounter.nextPn;
const RX_NEXT = countersAt.rxSa(0, 0) + RxSaCounter.nextPn;

describe('a SecY whose settings change', () => {
  it("keeps the SAs that run, a rotation's too", async () => {
    const lanes = new MemoryLanes();
    const secy = await secyOf(FILE, lanes);
    await secy.change((config) => ({ ...config, ...ROTATED }));
    const before = secy.spec();
    await secy.configure(settingsOf({ ...FILE, replayWindow: 5 }));
    expect(secy.config).toEqual({ ...FILE, ...ROTATED, replayWindow: 5 });
    expect(lanes.specs.at(-1)).toEqual({ ...before, config: secy.config });
  });

  it('takes the SAs of the file where they are new, and keeps its settings', async () => {
    const secy = await secyOf({ ...FILE, ...ROTATED, replayWindow: 5 });
    await secy.change((config) => ({ ...config, ...sasOf(FILE) }));
    expect(secy.config).toEqual({ ...FILE, replayWindow: 5 });
  });
});

describe('what a SecY has received', () => {
  it('is not stored while lanes take new SAs over: they have published nothing about these yet', async () => {
    const [lanes, state] = [new MemoryLanes(), new MemoryState()];
    const secy = await secyOf(FILE, lanes, state);
    lanes.published[RX_NEXT] = 500;
    const replaced = rxScOf([saOf({ keyId: '0a' }, '55'.repeat(16))]);
    lanes.onConfigure = async () => secy.saveReceived();
    await secy.change((config) => ({ ...config, rxSc: [replaced] }));
    expect([state.stored.get('rx 08'), state.stored.get('rx 0a')]).toEqual([500n, undefined]);
  });

  it('is stored again after a change that failed', async () => {
    const [lanes, state] = [new MemoryLanes(), new MemoryState()];
    const secy = await secyOf(FILE, lanes, state);
    lanes.onConfigure = async () => {
      throw new Error('the worker is gone');
    };
    await expect(secy.configure(settingsOf(FILE))).rejects.toThrow('the worker is gone');
    lanes.published[RX_NEXT] = 700;
    await secy.saveReceived();
    expect(state.stored.get('rx 08')).toBe(700n);
  });
});

describe('a SecY whose lanes are exchanged', () => {
  const end = async (): Promise<readonly LeftReplay[]> => [];

  it('has those that come go on where those before have been, stored or not', async () => {
    const [lanes, state] = [new MemoryLanes(), new MemoryState()];
    const secy = await secyOf(FILE, lanes, state);
    lanes.published[TX_NEXT] = 50;
    lanes.published[RX_NEXT] = 60;
    await secy.endLanes(end);
    const { rxShare, txShare, counted } = secy.spec();
    expect(rxShare[0]![0]!.nextPn).toBe(60n);
    expect(counted).toEqual([txShare[0]!.serial, rxShare[0]![0]!.serial]);
    expect(state.stored.get('rx 08')).toBeUndefined();
    secy.lanesBack();
    expect(secy.spec().counted).toBeUndefined();
  });

  it('that closes without lanes stores what those that it had have published', async () => {
    const [lanes, state] = [new MemoryLanes(), new MemoryState()];
    const secy = await secyOf(FILE, lanes, state);
    lanes.published[TX_NEXT] = 50;
    lanes.published[RX_NEXT] = 60;
    await secy.endLanes(end);
    await secy.close(true);
    expect([state.stored.get('tx 01'), state.stored.get('rx 08')]).toEqual([50n, 60n]);
  });

  it('takes nothing that was counted for an SA that came while there were none', async () => {
    const [lanes, state] = [new MemoryLanes(), new MemoryState()];
    const secy = await secyOf(FILE, lanes, state);
    lanes.published[TX_NEXT] = 50;
    lanes.published[RX_NEXT] = 60;
    await secy.endLanes(end);
    const sas = {
      txSa: [saOf({ keyId: '07' }, '33'.repeat(16))],
      rxSc: [rxScOf([saOf({ keyId: '09' }, '44'.repeat(16))])],
    };
    await secy.change((config) => ({ ...config, ...sas }));
    const { rxShare, txShare, counted } = secy.spec();
    expect(counted).not.toContain(txShare[0]!.serial);
    expect(rxShare[0]![0]!.nextPn).toBe(1n);
    // Gone again, without lanes having come: nothing more is known of it.
    await secy.endLanes(end);
    await secy.close(true);
    expect([state.stored.get('tx 07'), state.stored.get('rx 09')]).toEqual([1n, undefined]);
  });

  it('waits for the change that is under way', async () => {
    const lanes = new MemoryLanes();
    const secy = await secyOf(FILE, lanes);
    const order: string[] = [];
    lanes.onConfigure = async () => void order.push('changed');
    const changed = secy.configure(settingsOf({ ...FILE, replayWindow: 5 }));
    await secy.endLanes(async () => {
      order.push('ended');
      return [];
    });
    await changed;
    expect(order).toEqual(['changed', 'ended']);
  });
});

describe('a SecY that closes', () => {
  it.each([
    ['after its lanes have drained: at what they published', true, 50n],
    ['after a lane has failed: at all they had taken', false, 1n],
  ])('%s', async (_, clean, pn) => {
    const [lanes, state] = [new MemoryLanes(), new MemoryState()];
    const secy = await secyOf(FILE, lanes, state);
    lanes.published[TX_NEXT] = 50;
    lanes.published[RX_NEXT] = 60;
    await secy.close(clean);
    expect([state.stored.get('tx 01'), state.stored.get('rx 08')]).toEqual([pn, 60n]);
  });

  it('with numbers of 64 bits stores them to the last digit', async () => {
    const [lanes, state] = [new MemoryLanes(), new MemoryState()];
    const xpn = { ssci: 1, salt: Buffer.alloc(12, 7), pn: 2n ** 60n };
    const cipher = 'gcm-aes-xpn-128';
    const config = macsecConfig({
      ...{ cipher, txSa: [saOf(xpn)], rxSc: [rxScOf([saOf({ ...xpn, keyId: '08' })], SCI)] },
    });
    const secy = await secyOf(config, lanes, state);
    writeNextPn(lanes.published, TX_NEXT, 2 ** 28, 4_000_000_001);
    writeNextPn(lanes.published, RX_NEXT, 2 ** 32 - 1, 2 ** 32 - 1);
    await secy.close(true);
    expect(state.stored.get('tx 01')).toBe(2n ** 60n + 4_000_000_001n);
    expect(state.stored.get('rx 08')).toBe(2n ** 64n - 1n);
  });
});

describe('lanes that are short of packet numbers', () => {
  it('are woken when a block is granted, and not when there is none left', async () => {
    const lanes = new MemoryLanes();
    const secy = await secyOf(macsecConfig({ txSa: [saOf({ pn: 2n ** 32n - 20_000n })] }), lanes);
    await secy.grant();
    await secy.grant();
    expect(lanes.woken).toBe(1);
  });

  it('without a transmit SA have none to be short of', async () => {
    const secy = await secyOf(macsecConfig({ txSa: [], rxSc: [rxScOf([], SCI)] }));
    expect(secy.encoding).toBeNull();
    await secy.grant();
  });
});
