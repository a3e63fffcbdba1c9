/** The counters of a tunnel's lanes, added up: those of a lane that sends have no part for receive channels. */
import { describe, expect, it } from 'vitest';
import { laneCounters, laneCountersBytes, Traffic } from '../../../src/frame/lane-counters.ts';
import { MAX_RX_SC } from '../../../src/macsec/configure.ts';
import { countersAt, RxScCounter, secyCountersLen, TxCounter } from '../../../src/macsec/counters.ts';
import {
  noteLate,
  noteUnknownSci,
  noteUnusedSa,
  readLate,
  readUnknownSci,
  readUnusedSa,
} from '../../../src/macsec/seen.ts';
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
    const { secy } = totalsOf(lanes, MAX_RX_SC);
    expect([secy[encrypted], secy[accepted]]).toEqual([7, 5]);
    expect(secy.some(Number.isNaN)).toBe(false);
    expect(batchesDone(lanes)).toBe(3);
  });

  it('end with the last place that a channel has', () => {
    const lanes = [lane('transmit', 0), lane('receive', MAX_RX_SC)];
    const { secy: counters } = laneCounters(lanes[1]!.counters);
    counters[countersAt.rxSc(1) + RxScCounter.inPktsOk] = 5;
    counters[countersAt.rxSc(2) + RxScCounter.inPktsOk] = 6;
    const { secy } = totalsOf(lanes, 2);
    expect([secy.length, secy[countersAt.rxSc(1) + RxScCounter.inPktsOk]]).toEqual([secyCountersLen(2), 5]);
    expect(totalsOf(lanes, null).secy).toHaveLength(secyCountersLen(0));
  });

  it('have of what was seen what the lane that saw it has, unsummed', () => {
    const lanes = [
      lane('transmit', 0),
      lane('receive', MAX_RX_SC),
      lane('receive', MAX_RX_SC),
      lane('transmit', 0),
    ];
    const [, one, other] = lanes.map(({ counters }) => laneCounters(counters).secy);
    const at = countersAt.seenLate(3);
    noteUnknownSci(one!, 0x0200_0000, 0x0002_0001);
    noteUnknownSci(other!, 0x0300_0000, 1);
    noteUnknownSci(other!, 0xff00_0000, 0xffff_ffff);
    noteUnusedSa(one!, 1, 2, 3, 4);
    for (let pn = 1; pn <= 3; pn++) noteLate(one!, at, 2, 7, pn);
    noteLate(other!, at, 0, 9, 9);
    const { secy } = totalsOf(lanes, MAX_RX_SC);
    expect(readUnknownSci(secy)).toBe('ff000000ffffffff');
    expect(readUnusedSa(secy)).toEqual({ sci: '0000000100000002', an: 3, accepted: 4 });
    expect(readLate(secy, at)).toEqual({ an: 2, frames: 3, accepted: 7, pn: 3 });
    expect(secy.filter((value) => value !== 0)).toHaveLength(3 + 5 + 4);
  });
});
