/** Where the counters of a SecY lie. */
import { describe, expect, it } from 'vitest';
import { DROP_TEXTS, Drop } from '../../../src/frame/drop.ts';
import { laneCounters, laneCountersBytes } from '../../../src/frame/lane-counters.ts';
import {
  AN_COUNT,
  countersAt,
  isNextPnHigher,
  nextPnsAt,
  RX_SA_COUNTERS,
  RX_SC_COUNTERS,
  RxSaCounter,
  RxScCounter,
  readNextPn,
  SECY_COUNTERS,
  SEEN_RECORD_LEN,
  SecyCounter,
  SeenAt,
  SeenLate,
  secyCountersLen,
  TX_SA_COUNTERS,
  TX_SC_COUNTERS,
  TxCounter,
  TxSaCounter,
  writeNextPn,
} from '../../../src/macsec/counters.ts';

/** Every element that some counter has, with its name. */
function elements(rxScCount: number): Map<number, string> {
  const found = new Map<number, string>();
  const claim = (part: string, names: readonly string[], at: number): void => {
    names.forEach((name, i) => {
      expect(found.get(at + i)).toBeUndefined();
      found.set(at + i, `${part}.${name}`);
    });
  };
  claim('secy', SECY_COUNTERS, countersAt.secy);
  claim('txSc', TX_SC_COUNTERS, countersAt.txSc);
  for (let an = 0; an < AN_COUNT; an++)
    claim(`txSa ${an}`, [...TX_SA_COUNTERS, 'pn', 'pnUpper'], countersAt.txSa(an));
  const record = Array.from({ length: SEEN_RECORD_LEN }, (_, i) => `word ${i}`);
  claim('unknown SCI', record, SeenAt.unknownSci);
  claim('unused SA', record, SeenAt.unusedSa);
  for (let sc = 0; sc < rxScCount; sc++) {
    claim(`rxSc ${sc}`, RX_SC_COUNTERS, countersAt.rxSc(sc));
    claim(
      `rxSc ${sc}`,
      Object.keys(SeenLate).map((word) => `late.${word} seen`),
      countersAt.seenLate(sc),
    );
    for (let an = 0; an < AN_COUNT; an++) {
      claim(
        `rxSa ${sc}/${an}`,
        [...RX_SA_COUNTERS, 'pn', 'pnUpper', 'delayed', 'reordered'],
        countersAt.rxSa(sc, an),
      );
    }
  }
  return found;
}

describe('the counters of a SecY (802.1AE 10.7.9, 10.7.18; as ip -s macsec show names them)', () => {
  it.each([0, 1, 2, 5, 17])('do not overlap and leave no hole, with %i receive channels', (rxScCount) => {
    const found = elements(rxScCount);
    expect([...found.keys()].sort((a, b) => a - b)).toEqual(
      Array.from({ length: secyCountersLen(rxScCount) }, (_, i) => i),
    );
  });

  it.each<[string, Record<string, number>, readonly string[]]>([
    ['SecY', SecyCounter, SECY_COUNTERS],
    ['TxSC', TxCounter, TX_SC_COUNTERS],
    ['TxSA', TxSaCounter, [...TX_SA_COUNTERS, 'nextPn', 'nextPnUpper']],
    ['RxSC', RxScCounter, RX_SC_COUNTERS],
    ['RxSA', RxSaCounter, [...RX_SA_COUNTERS, 'nextPn', 'nextPnUpper', 'delayed', 'reordered']],
  ])('of the %s are bumped under the name that is printed', (_, offsets, names) => {
    for (const [key, offset] of Object.entries(offsets)) {
      expect(names[offset]!.toLowerCase()).toBe(key.toLowerCase());
    }
  });
});

describe('the next packet numbers among the counters', () => {
  it.each([0, 1, 3])('are known, with %i receive channels', (rxScCount) => {
    const names = [...elements(rxScCount)].filter(([, name]) => name.endsWith('.pn'));
    expect(nextPnsAt(rxScCount).sort((a, b) => a - b)).toEqual(names.map(([at]) => at).sort((a, b) => a - b));
  });

  it.each([0n, 1n, 2n ** 32n, 2n ** 52n - 1n, 2n ** 52n, 2n ** 53n + 1n, 2n ** 64n - 1n, 2n ** 64n])(
    'are exact at %d, whichever half the upper end of a range of 2^32 is counted in',
    (pn) => {
      const counters = new Float64Array(4).fill(7);
      const [high, low] = [Number(pn >> 32n), Number(pn & 0xffff_ffffn)];
      writeNextPn(counters, 1, high, low);
      expect(readNextPn(counters, 1)).toBe(pn);
      if (low === 0 && high > 0) {
        writeNextPn(counters, 1, high - 1, 2 ** 32);
        expect(readNextPn(counters, 1)).toBe(pn);
      }
      expect([counters[0], counters[3]]).toEqual([7, 7]);
    },
  );

  it('of two lanes are compared as they count, whatever the element that tells them apart', () => {
    const pns = [0n, 1n, 2n ** 32n, 2n ** 52n - 1n, 2n ** 52n, 2n ** 52n + 5n, 2n ** 63n, 2n ** 64n - 1n];
    const published = pns.map((pn) => {
      const counters = new Float64Array(2);
      writeNextPn(counters, 0, Number(pn >> 32n), Number(pn & 0xffff_ffffn));
      return counters;
    });
    for (const [i, a] of published.entries())
      for (const [j, b] of published.entries()) expect(isNextPnHigher(a, b, 0)).toBe(i > j);
  });
});

describe('the counters of a lane', () => {
  it('are three parts of one shared memory, none over another', () => {
    const shared = new SharedArrayBuffer(laneCountersBytes(secyCountersLen(2)));
    const { traffic, drops, secy } = laneCounters(shared);
    expect(secy).toHaveLength(secyCountersLen(2));
    traffic.fill(1);
    drops.fill(2);
    secy.fill(3);
    expect(traffic.every((value) => value === 1) && drops.every((value) => value === 2)).toBe(true);
    expect(new Float64Array(shared).every((value) => value !== 0)).toBe(true);
  });

  it('have a name and a cause for every reason to drop', () => {
    expect(Object.values(Drop)).toEqual(DROP_TEXTS.map((_, i) => i));
    expect(new Set(DROP_TEXTS.map(({ name }) => name)).size).toBe(DROP_TEXTS.length);
    for (const [key, reason] of Object.entries(Drop)) {
      expect(DROP_TEXTS[reason]!.name.toLowerCase()).toBe(key.toLowerCase());
      expect(DROP_TEXTS[reason]!.cause).not.toBe('');
    }
  });
});
