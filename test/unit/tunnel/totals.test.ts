/** The counters of a tunnel's lanes, added up: those of a lane that sends have no part for receive channels. */
import { describe, expect, it } from 'vitest';
import { laneCounters, laneCountersBytes, Traffic } from '../../../src/frame/lane-counters.ts';
import { MAX_RX_SC } from '../../../src/macsec/configure.ts';
import { countersAt, RxScCounter, secyCountersLen, TxCounter } from '../../../src/macsec/counters.ts';
import { batchesDone, totalsOf } from '../../../src/tunnel/totals.ts';

const lane = (direction: 'transmit' | 'receive', rxScCount: number) => ({
  direction,
  counters: new SharedArrayBuffer(laneCountersBytes(secyCountersLen(rxScCount))),
});

describe('the totals of a tunnel', () => {
  it('are the sums of all lanes, none of them NaN', () => {
    const lanes = [lane('transmit', 0), lane('transmit', 0), lane('receive', MAX_RX_SC)];
    const [first, second, receive] = lanes.map(({ counters }) => laneCounters(counters));
    const encrypted = countersAt.txSc + TxCounter.outPktsEncrypted;
    const accepted = countersAt.rxSc(MAX_RX_SC - 1) + RxScCounter.inPktsOk;
    first!.secy[encrypted] = 3;
    second!.secy[encrypted] = 4;
    receive!.secy[accepted] = 5;
    for (const { traffic } of [first!, second!, receive!]) traffic[Traffic.done] = 1;
    const { secy } = totalsOf(lanes, true);
    expect([secy[encrypted], secy[accepted]]).toEqual([7, 5]);
    expect(secy.some(Number.isNaN)).toBe(false);
    expect(batchesDone(lanes)).toBe(3);
  });
});
