/** What is told of a tunnel: its lanes added up, under the kernel's names. */
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { Drop } from '../../../src/frame/drop.ts';
import { Icmp } from '../../../src/frame/icmp.ts';
import { countIcmp, type LaneCounters, Traffic } from '../../../src/frame/lane-counters.ts';
import {
  countersAt,
  RxSaCounter,
  RxScCounter,
  TxCounter,
  TxSaCounter,
  writeNextPn,
} from '../../../src/macsec/counters.ts';
import { noteLate, noteUnknownSci, noteUnusedSa } from '../../../src/macsec/seen.ts';
import { DropLog } from '../../../src/report/drop-log.ts';
import { snapshotOf } from '../../../src/report/snapshot.ts';
import { KEY, macsecConfig, rxScOf, SCI, saOf } from '../macsec/kit.ts';
import { tunnelOf } from '../tunnel/kit.ts';
import { logLines } from './log-lines.ts';
import { metricsOf } from './metrics-kit.ts';

describe('the totals of a tunnel', () => {
  it('are the sums over its lanes, each direction apart', async () => {
    const { tunnel, counters } = await tunnelOf(macsecConfig(), ['transmit', 'transmit', 'receive']);
    counters.forEach(({ traffic, drops }, i) => {
      traffic[Traffic.outFrames] = 10 ** i;
      traffic[Traffic.lastMs] = 1000 * (3 - i);
      drops[Drop.OutPktsTooLong] = i + 1;
    });
    const { tx, rx, drops } = tunnel.totals();
    expect([tx[Traffic.outFrames], rx[Traffic.outFrames]]).toEqual([11, 100]);
    expect([tx[Traffic.lastMs], rx[Traffic.lastMs]]).toEqual([3000, 1000]);
    expect(drops[Drop.OutPktsTooLong]).toBe(6);
  });

  it('of next packet numbers are the highest, not the sum', async () => {
    const { tunnel, counters } = await tunnelOf(macsecConfig(), ['transmit', 'transmit', 'receive']);
    const txAt = countersAt.txSa(0) + TxSaCounter.nextPn;
    const rxAt = countersAt.rxSa(0, 0) + RxSaCounter.nextPn;
    [300, 257, 0].forEach((pn, i) => {
      counters[i]!.secy[txAt] = pn;
    });
    [1, 1, 42].forEach((pn, i) => {
      counters[i]!.secy[rxAt] = pn;
    });
    const { macsec } = snapshotOf(tunnel, 'batch', null);
    expect(macsec!.sa_list[0]!.pn).toBe(300);
    expect(macsec!.rx_sc[0]!.sa_list[0]!.pn).toBe(42);
  });
});

describe('drops in a snapshot', () => {
  it('are no frames that were taken for the control plane', async () => {
    const { tunnel, counters } = await tunnelOf(macsecConfig());
    counters[1]!.drops[Drop.Uncontrolled] = 3;
    counters[1]!.drops[Drop.UncontrolledFull] = 2;
    const { drops } = snapshotOf(tunnel, 'batch', null);
    expect(drops).not.toHaveProperty('Uncontrolled');
    expect(drops).toMatchObject({ UncontrolledFull: 2, InPktsNoTag: 0 });
  });
});

describe('carrier and control frames', () => {
  it('are in the snapshot and the metrics, and in neither where there are none', async () => {
    const { tunnel } = await tunnelOf(macsecConfig());
    const bare = snapshotOf(tunnel, 'batch', null);
    expect(bare).toMatchObject({ carrier: null, control_frames: null });
    const since = new Date(0);
    const view = {
      ...tunnel,
      totals: () => tunnel.totals(),
      carrier: { isUp: false, reason: 'nobody', since },
    };
    const refused = new Map([['UnknownKey', 3]] as const);
    const figures = { expected: 200, lost: 1, reordered: 2 };
    const peerReport = { total: figures, minute: figures };
    const shown = {
      ...{ peerSci: SCI, sinceMs: 0, heardMs: 0, received: 1, sent: 2, refused },
      ...{ peerReport, roundTripMs: 3, leastRoundTripMs: 2 },
    };
    const told = snapshotOf(view, 'batch', null, undefined, { isKeepalive: true, snapshot: shown });
    expect(told.carrier).toEqual({ state: 'down', reason: 'nobody', since: since.toISOString() });
    expect(told.control_frames).toMatchObject({ live_sci: SCI, keepalive: true, refused: { UnknownKey: 3 } });
    const text = await metricsOf([told]);
    expect(text).toContain('l2vpnd_carrier_up{tunnel="site2"} 0\n');
    expect(text).toContain('l2vpnd_control_frames_total{tunnel="site2",direction="tx"} 2\n');
    expect(text).toContain('l2vpnd_control_frames_refused_total{tunnel="site2",reason="UnknownKey"} 3\n');
    expect(await metricsOf([bare])).not.toMatch(/^l2vpnd_(carrier|control)/m);
  });
});

describe('packet numbers in a snapshot', () => {
  const xpn = { ssci: 1, salt: Buffer.alloc(12, 7), pn: 2n ** 60n };
  const config = macsecConfig({
    cipher: 'gcm-aes-xpn-128',
    txSa: [saOf(xpn)],
    rxSc: [rxScOf([saOf(xpn)])],
  });

  it('are exact beyond 2^53: digits in a string, the highest of all lanes', async () => {
    const { tunnel, counters } = await tunnelOf(config, ['transmit', 'transmit', 'receive']);
    const txAt = countersAt.txSa(0) + TxSaCounter.nextPn;
    writeNextPn(counters[0]!.secy, txAt, 2 ** 28, 4_000_000_001);
    writeNextPn(counters[1]!.secy, txAt, 2 ** 28 + 1, 3);
    writeNextPn(counters[2]!.secy, countersAt.rxSa(0, 0) + RxSaCounter.nextPn, 2 ** 32 - 1, 2 ** 32 - 1);
    const { macsec, pn_left } = snapshotOf(tunnel, 'batch', null);
    expect(macsec!.sa_list[0]!.pn).toBe('1152921508901814275');
    expect(macsec!.rx_sc[0]!.sa_list[0]!.pn).toBe('18446744073709551615');
    // A first block is granted, none of it is taken.
    expect(pn_left).toBe('17293822569102704640');
  });

  it('of an SA that has used the last are what Linux makes of them', async () => {
    const { tunnel, counters } = await tunnelOf(config);
    writeNextPn(counters[0]!.secy, countersAt.txSa(0) + TxSaCounter.nextPn, 2 ** 32 - 1, 2 ** 32);
    expect(snapshotOf(tunnel, 'batch', null).macsec!.sa_list[0]).toMatchObject({ active: false, pn: 0 });
  });
});

describe('a snapshot (as ip -j -s macsec show)', () => {
  it('tells the counters under their names', async () => {
    const { tunnel, counters } = await tunnelOf(
      macsecConfig({ rxSc: [rxScOf([], '00000000000000ff'), rxScOf()] }),
    );
    counters[0]!.secy[countersAt.txSc + TxCounter.outPktsEncrypted] = 5;
    counters[0]!.secy[countersAt.txSa(0) + TxSaCounter.outPktsEncrypted] = 5;
    counters[1]!.secy[countersAt.rxSc(1) + RxScCounter.inPktsOk] = 7;
    counters[1]!.secy[countersAt.rxSa(1, 0) + RxSaCounter.inPktsNotValid] = 2;
    counters[1]!.drops[Drop.InPktsNotValid] = 2;
    const { macsec, drops } = snapshotOf(tunnel, 'batch', null);
    expect(macsec!.tx_stats.OutPktsEncrypted).toBe(5);
    expect(macsec!.sa_list[0]!.stats).toEqual({ OutPktsProtected: 0, OutPktsEncrypted: 5 });
    expect(macsec!.rx_sc.map(({ sci, stats }) => [sci, stats.InPktsOK])).toEqual([
      ['00000000000000ff', 0],
      [SCI, 7],
    ]);
    expect(macsec!.rx_sc[1]!.sa_list[0]!.stats.InPktsNotValid).toBe(2);
    expect(drops.InPktsNotValid).toBe(2);
    expect(drops.TapRunt).toBe(0);
    countIcmp(counters[1]!.traffic, Icmp.NoPort);
    expect(snapshotOf(tunnel, 'batch', null).icmp).toEqual({
      ...{ IcmpNoProtocol: 0, IcmpNoPort: 1, IcmpProhibited: 0, IcmpUnreachable: 0 },
      ...{ IcmpTooBig: 0, IcmpOther: 0 },
    });
  });

  it('of plain GRETAP has no MACsec and no AEAD', async () => {
    const { tunnel } = await tunnelOf(null);
    expect(snapshotOf(tunnel, 'batch', null)).toMatchObject({
      aead: null,
      macsec: null,
      mtu: 1462,
      path_mtu: 1500,
    });
  });

  it('never tells a key', async () => {
    const { tunnel } = await tunnelOf(macsecConfig());
    const text = JSON.stringify(snapshotOf(tunnel, 'batch', null));
    expect(text).not.toContain(KEY);
    expect(text).toContain('"key":"01000000000000000000000000000000"');
  });
});

describe('drops in the log', () => {
  async function logged() {
    const lines: Record<string, unknown>[] = [];
    const log = pino({ base: null }, { write: (line: string) => lines.push(JSON.parse(line)) });
    const { tunnel, counters } = await tunnelOf(macsecConfig({ txSa: [saOf()] }));
    const dropLog = new DropLog(log);
    const drops = { tick: (nowMs: number): void => dropLog.tick([tunnel], nowMs) };
    const [tx, rx] = counters as [LaneCounters, LaneCounters];
    const [txTraffic, rxTraffic] = [tx.traffic, rx.traffic];
    return { lines, drops, tx: tx.drops, rx: rx.drops, secy: rx.secy, txTraffic, rxTraffic };
  }

  it('name the counter, how many, and the likely cause', async () => {
    const { lines, drops, rx } = await logged();
    rx[Drop.InPktsNotValid] = 3;
    drops.tick(0);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      tunnel: 'site2',
      counter: 'InPktsNotValid',
      direction: 'rx',
      frames: 3,
    });
    expect(lines[0]!.msg).toContain('another key at the peer');
  });

  it('are no frames that were taken for the control plane', async () => {
    const { lines, drops, rx } = await logged();
    rx[Drop.Uncontrolled] = 3;
    rx[Drop.UncontrolledFull] = 2;
    drops.tick(0);
    expect(lines).toMatchObject([{ counter: 'UncontrolledFull', frames: 2 }]);
  });

  it('of a tunnel with key agreement send nobody to keys in the configuration', async () => {
    const { log, lines } = logLines();
    const { tunnel, counters } = await tunnelOf(macsecConfig({ txSa: [saOf()] }));
    counters[0]!.drops[Drop.NoTxSa] = 1;
    counters[1]!.drops[Drop.InPktsNotUsingSa] = 1;
    noteUnusedSa(counters[1]!.secy, 0x0000_0011, 0x1111_0001, 3, 0);
    new DropLog(log).tick([{ ...tunnel, agreesKeys: true }], 0);
    expect(lines.map(({ msg }) => msg)).toEqual([
      'frames dropped: no key is agreed on: see the peers in l2vpnd show',
      'frames dropped: the frame comes with a key that is not agreed on yet, or not any more',
    ]);
  });

  it('come once in ten seconds for a reason, with all since the last line', async () => {
    const { lines, drops, tx } = await logged();
    for (let second = 0; second <= 30; second++) {
      tx[Drop.WireUnreachable]! += 5;
      drops.tick(second * 1000);
    }
    expect(lines.map(({ frames }) => frames)).toEqual([5, 50, 50, 50]);
  });

  it('of one reason do not keep back those of another', async () => {
    const { lines, drops, tx, rx } = await logged();
    tx[Drop.WireUnreachable] = 1;
    drops.tick(0);
    rx[Drop.GreKey] = 1;
    drops.tick(1000);
    expect(lines.map(({ counter }) => counter)).toEqual(['WireUnreachable', 'GreKey']);
  });

  it('of frames that do not fit come with the numbers', async () => {
    const { lines, drops, tx } = await logged();
    tx[Drop.OutPktsTooLong] = 1;
    drops.tick(0);
    expect(lines[0]).toMatchObject({ mtu: 1430, pathMtu: 1500, overhead: 70 });
  });

  it('of an unknown SCI name it, and those that are known', async () => {
    const { lines, drops, rx, secy } = await logged();
    rx[Drop.InPktsNoSci] = 2;
    noteUnknownSci(secy, 0x0200_0000, 0x0002_0001);
    drops.tick(0);
    expect(lines).toMatchObject([
      {
        counter: 'InPktsNoSCI',
        frames: 2,
        sci: '0200000000020001',
        msg: `frames dropped: SCI 0200000000020001, which no rxSc has; rxSc has ${SCI}: compare macsec.rxSc with the MAC and port of the peer`,
      },
    ]);
  });

  it('of an unknown SCI that an rxSc has by now do not name it', async () => {
    const { lines, drops, rx, secy } = await logged();
    rx[Drop.InPktsNoSci] = 2;
    noteUnknownSci(secy, 0x0000_0011, 0x1111_0001);
    expect(SCI).toBe('0000001111110001');
    drops.tick(0);
    expect(lines[0]).not.toHaveProperty('sci');
    expect(lines[0]!.msg).toContain('no rxSc has the SCI of the frame');
  });

  it('of an AN without SA name it, and the ANs that have one', async () => {
    const { lines, drops, rx, secy } = await logged();
    rx[Drop.InPktsNotUsingSa] = 1;
    noteUnusedSa(secy, 0x0000_0011, 0x1111_0001, 3, 0);
    drops.tick(0);
    expect(lines).toMatchObject([{ counter: 'InPktsNotUsingSA', sci: SCI, an: 3, level: 40 }]);
    expect(lines[0]!.msg).toBe(
      `frames dropped: the peer sends with AN 3, which has no active receive SA in rxSc ${SCI} (active: AN 0): compare the keys at both ends`,
    );
  });

  it('of our own SCI are an error', async () => {
    const { lines, drops, rx } = await logged();
    rx[Drop.OwnSci] = 1;
    drops.tick(0);
    expect(lines).toMatchObject([
      { counter: 'OwnSci', level: 50, msg: expect.stringMatching(/own SCI.*loop/) },
    ]);
  });

  it('that are late have the ordinary sentence', async () => {
    const { lines, drops, rx, secy } = await logged();
    rx[Drop.InPktsLate] = 1;
    noteLate(secy, countersAt.seenLate(0), 0, 0, 5);
    drops.tick(0);
    expect(lines).toMatchObject([
      { msg: 'frames dropped: the packet number was seen already or is below the replay window' },
    ]);
  });

  it('come with ICMP errors, by kind and with what they mean, as seldom', async () => {
    const { lines, drops, txTraffic, rxTraffic } = await logged();
    for (let second = 0; second <= 10; second++) {
      countIcmp(txTraffic, Icmp.NoProtocol);
      countIcmp(rxTraffic, Icmp.NoProtocol);
      drops.tick(second * 1000);
    }
    expect(lines).toMatchObject([
      { level: 40, tunnel: 'site2', counter: 'IcmpNoProtocol', errors: 2 },
      { counter: 'IcmpNoProtocol', errors: 20 },
    ]);
    expect(lines[0]!.msg).toMatch(/^ICMP errors came: .*neither l2vpnd nor a gretap runs there$/);
  });

  it('say nothing when nothing is dropped', async () => {
    const { lines, drops } = await logged();
    drops.tick(0);
    drops.tick(1e6);
    expect(lines).toEqual([]);
  });
});
