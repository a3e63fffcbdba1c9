/** What a key source orders, step by step, as a key agreement protocol would: peers and keys that come and go. */
import { describe, expect, it } from 'vitest';
import { countersAt, RxSaCounter } from '../../../src/macsec/counters.ts';
import { PnBlock } from '../../../src/macsec/packet-number.ts';
import type { SecySpec } from '../../../src/macsec/secy.ts';
import { TunnelSaControl } from '../../../src/tunnel/sa-control.ts';
import { NO_SAS } from '../../../src/tunnel/sa-set.ts';
import { SecyControl } from '../../../src/tunnel/secy-control.ts';
import { macsecConfig, saOf } from '../macsec/kit.ts';
import { MemoryLanes, MemoryState, OWN_SCI } from './kit.ts';

const PEER_A = 'a'.repeat(16);
const PEER_B = 'b'.repeat(16);

function opened() {
  const [lanes, state] = [new MemoryLanes(), new MemoryState()];
  const secy = new SecyControl(macsecConfig(), OWN_SCI, state, lanes);
  return { lanes, state, secy, sas: new TunnelSaControl(secy) };
}

/** `0 1* | a: 0 1 | b: 1`: transmit ANs with the encoding one marked, then those of each RxSC. */
function shape({ config }: SecySpec): string {
  const tx = config.txSa.map(({ an }) => (an === config.encodingSa ? `${an}*` : `${an}`)).join(' ');
  const rx = config.rxSc.map(({ sci, sa }) => `${sci[0]}: ${sa.map(({ an }) => an).join(' ')}`);
  return [tx, ...rx].join(' | ');
}

const key = (an: number, octet: number) => saOf({ an, keyId: `0${octet}` }, `0${octet}`.repeat(16));

describe('orders of a key source', () => {
  it('reach the lanes one by one, for several peers', async () => {
    const { lanes, sas } = opened();
    expect(sas.sas).toEqual(NO_SAS);
    await sas.installRx(PEER_A, key(0, 1));
    await sas.installRx(PEER_B, key(0, 1));
    await sas.installTx(key(0, 1));
    await sas.transmitWith(0);
    // The next key, agreed on by both peers.
    await sas.installRx(PEER_A, key(1, 2));
    await sas.installRx(PEER_B, key(1, 2));
    await sas.installTx(key(1, 2));
    await sas.transmitWith(1);
    await sas.retireTx(0);
    await sas.retireRx(PEER_A, 0);
    await sas.removeRxSc(PEER_B);
    expect(lanes.specs.map(shape)).toEqual([
      ' | a: 0',
      ' | a: 0 | b: 0',
      '0* | a: 0 | b: 0',
      '0* | a: 0 | b: 0',
      '0* | a: 0 1 | b: 0',
      '0* | a: 0 1 | b: 0 1',
      '0* 1 | a: 0 1 | b: 0 1',
      '0 1* | a: 0 1 | b: 0 1',
      '1* | a: 0 1 | b: 0 1',
      '1* | a: 1 | b: 0 1',
      '1* | a: 1',
    ]);
  });

  it('given at once are carried out in their order', async () => {
    const { lanes, sas } = opened();
    await Promise.all([sas.installRx(PEER_A, key(2, 1)), sas.installTx(key(2, 1)), sas.transmitWith(2)]);
    expect(lanes.specs.map(shape)).toEqual([' | a: 2', '2 | a: 2', '2* | a: 2']);
  });

  it('that make no sense change nothing', async () => {
    const { lanes, sas } = opened();
    await sas.installRx(PEER_A, key(0, 1));
    await sas.installTx(key(0, 1));
    await expect(sas.installRx(PEER_A, key(0, 2))).rejects.toThrow(/AN 0 of a{16} has an SA already/);
    await expect(sas.installTx(key(0, 2))).rejects.toThrow(/AN 0 has a transmit SA already/);
    await expect(sas.transmitWith(1)).rejects.toThrow(/AN 1 has no transmit SA/);
    expect(lanes.specs).toHaveLength(2);
  });

  it('that fail leave the SAs as they were, and the next one goes through', async () => {
    const { lanes, sas, state } = opened();
    state.onReserve = () => {
      throw new Error('ENOSPC');
    };
    await expect(sas.installTx(key(0, 1))).rejects.toThrow('ENOSPC');
    expect([sas.sas, lanes.specs]).toEqual([NO_SAS, []]);
    state.onReserve = () => {};
    await sas.installTx(key(0, 1));
    expect(lanes.specs.map(shape)).toEqual(['0*']);
  });

  it('find out what came on an SA; on one that is not there: nothing', async () => {
    const { lanes, sas, secy } = opened();
    await sas.installRx(PEER_A, key(1, 1));
    expect([sas.accepted(PEER_A, 1), sas.accepted(PEER_B, 1)]).toEqual([0, 0]);
    lanes.published[countersAt.rxSa(secy.rxPlace(PEER_A), 1) + RxSaCounter.inPktsOk] = 9;
    expect(sas.accepted(PEER_A, 1)).toBe(9);
  });
});

describe('a key source', () => {
  const NEARLY = (2n ** 32n * 3n) / 4n - 1000n;

  /** What lanes take of the packet numbers granted last. */
  function take(lanes: MemoryLanes, pns: number): void {
    const block = new PnBlock(lanes.specs.at(-1)!.txShare.at(-1)!.pn!, pns, false);
    block.available();
  }

  it('hears once per SA that three quarters of its packet numbers are taken', async () => {
    const { lanes, sas, secy } = opened();
    const low: number[] = [];
    sas.onPnLow((an) => low.push(an));
    await sas.installTx({ ...key(0, 1), pn: NEARLY });
    await secy.grant();
    expect(low).toEqual([]);
    take(lanes, 1001);
    for (let i = 0; i < 3; i++) await secy.grant();
    expect(low).toEqual([0]);
    await sas.installTx({ ...key(1, 2), pn: 2n ** 32n - 5n });
    expect(low).toEqual([0]);
    await sas.transmitWith(1);
    expect(low).toEqual([0, 1]);
  });
});
