/** Loss and reorder by packet numbers: what is counted, and what is not. */
import { describe, expect, it } from 'vitest';
import { countersAt, RxSaCounter } from '../../../src/macsec/counters.ts';
import { PathWatch } from '../../../src/report/path-watch.ts';
import { macsecConfig, rxScOf, saOf } from '../macsec/kit.ts';
import { tunnelOf } from '../tunnel/kit.ts';

/** A receive lane, and a watch that looks at it when it is told to. */
async function received(isAgreed = true, keyId?: string) {
  const sa = saOf({ stored: !isAgreed, ...(keyId === undefined ? {} : { keyId }) });
  const { tunnel, counters } = await tunnelOf(macsecConfig({ rxSc: [rxScOf([sa])] }));
  const watch = new PathWatch();
  const { secy } = counters[1]!;
  const at = countersAt.rxSa(0, 0);
  return {
    watch,
    tunnel,
    /** A second later: the next PN, frames accepted so far, and of those the ones out of order. */
    second(next: number, ok: number, reordered = 0, delayed = 0) {
      secy[at + RxSaCounter.nextPn] = next;
      secy[at + RxSaCounter.inPktsOk] = ok;
      secy[at + RxSaCounter.reordered] = reordered;
      secy[at + RxSaCounter.delayed] = delayed;
      counters[1]!.traffic[6]! += 1;
      watch.tick([tunnel]);
      return watch.reportOf(tunnel)!.total;
    },
  };
}

describe('what a path loses', () => {
  it('are packet numbers that were passed without a frame', async () => {
    const { second } = await received();
    expect(second(101, 100)).toEqual({ expected: 100, lost: 0, reordered: 0 });
    expect(second(201, 190)).toEqual({ expected: 200, lost: 10, reordered: 0 });
    expect(second(301, 290, 5)).toEqual({ expected: 300, lost: 10, reordered: 5 });
  });

  it('shrinks by frames that come late, and what is told does not', async () => {
    const { second, watch, tunnel } = await received();
    expect(second(101, 90).lost).toBe(10);
    expect(second(101, 95, 5).lost).toBe(10);
    expect(watch.reportOf(tunnel)!.minute).toEqual({ expected: 105, lost: 5, reordered: 5 });
    expect(second(201, 190, 5).lost).toBe(10);
    expect(second(301, 280, 5).lost).toBe(20);
  });

  it('counts frames behind the replay window as come, where they are delivered', async () => {
    const { second } = await received();
    expect(second(101, 90, 10, 10)).toEqual({ expected: 100, lost: 0, reordered: 10 });
  });

  it('is no jump of a peer that was killed and goes on above what it may have used', async () => {
    const { second } = await received(false);
    second(11, 10);
    second(21, 20);
    expect(second(16_401, 25)).toEqual({ expected: 15, lost: 0, reordered: 0 });
    expect(second(16_411, 33)).toEqual({ expected: 25, lost: 2, reordered: 0 });
  });

  it('is an outage of a peer that goes on sending', async () => {
    const { second } = await received();
    for (let i = 1; i <= 3; i++) second(10_000 * i + 1, 10_000 * i);
    for (let i = 0; i < 5; i++) second(30_001, 30_000);
    expect(second(90_001, 40_000)).toEqual({ expected: 90_000, lost: 50_000, reordered: 0 });
  });

  it('is nothing of what a peer with a static key sent before it was heard', async () => {
    const { second } = await received(false);
    expect(second(1, 0).expected).toBe(0);
    expect(second(501, 3)).toEqual({ expected: 0, lost: 0, reordered: 0 });
    expect(second(511, 12)).toEqual({ expected: 10, lost: 1, reordered: 0 });
  });

  it('goes on with the next key', async () => {
    const { second, watch, tunnel } = await received();
    second(1001, 990);
    const other = await received(true, 'ab');
    const rekeyed = { ...other.tunnel, totals: () => other.tunnel.totals() };
    // Another SA in the same tunnel: its numbers begin at 1.
    Object.assign(tunnel, { secy: rekeyed.secy });
    expect(second(101, 99)).toEqual({ expected: 1100, lost: 11, reordered: 0 });
    expect(watch.reportOf(tunnel)!.minute.expected).toBe(1100);
  });

  it('is not known without MACsec, nor where nothing is validated', async () => {
    const watch = new PathWatch();
    for (const config of [null, macsecConfig({ validate: 'disabled' })]) {
      const { tunnel } = await tunnelOf(config);
      watch.tick([tunnel]);
      expect(watch.reportOf(tunnel)).toBeNull();
    }
  });

  it('of the last minute is that of sixty looks', async () => {
    const { second, watch, tunnel } = await received();
    let [next, ok] = [1, 0];
    for (let i = 0; i < 100; i++) {
      next += 10;
      ok += i < 50 ? 9 : 10;
      second(next, ok);
    }
    expect(watch.reportOf(tunnel)).toEqual({
      total: { expected: 1000, lost: 50, reordered: 0 },
      minute: { expected: 600, lost: 10, reordered: 0 },
    });
  });
});
