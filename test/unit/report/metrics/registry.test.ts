/** The metrics as text: what a scrape says of tunnels as they stand. */
import { describe, expect, it } from 'vitest';
import type { PeerSnapshot } from '../../../../src/api/tunnel.ts';
import { Drop } from '../../../../src/frame/drop.ts';
import { Icmp } from '../../../../src/frame/icmp.ts';
import { countIcmp, countLatency, Traffic } from '../../../../src/frame/lane-counters.ts';
import { countersAt, RxSaCounter, RxScCounter } from '../../../../src/macsec/counters.ts';
import { noteLate } from '../../../../src/macsec/seen.ts';
import { describedMetrics, Metrics } from '../../../../src/report/metrics/registry.ts';
import { snapshotOf } from '../../../../src/report/snapshot.ts';
import { macsecConfig, SCI } from '../../macsec/kit.ts';
import { tunnelOf } from '../../tunnel/kit.ts';
import { DAEMON, metricsOf, samplesOf } from '../metrics-kit.ts';

const { tunnel, counters } = await tunnelOf(macsecConfig());
const now = () => [snapshotOf(tunnel, 'batch', null)];

describe('the metrics', () => {
  it('tell the counters as they stand', async () => {
    counters[0]!.traffic[Traffic.outFrames] = 11;
    counters[1]!.drops[Drop.InPktsLate] = 3;
    for (const { traffic } of counters) countIcmp(traffic, Icmp.NoPort);
    counters[1]!.secy[countersAt.rxSc(0) + RxScCounter.inPktsLate] = 3;
    counters[1]!.secy[countersAt.rxSc(0) + RxScCounter.inOctetsDecrypted] = 300;
    for (const round of [1, 2]) {
      counters[1]!.traffic[Traffic.outFrames] = round;
      const found = samplesOf(await metricsOf(now()));
      expect(found.get('l2vpnd_frames_total{tunnel="site2",direction="tx"}')).toBe(11);
      expect(found.get('l2vpnd_frames_total{tunnel="site2",direction="rx"}')).toBe(round);
      expect(found.get('l2vpnd_drops_total{tunnel="site2",reason="InPktsLate"}')).toBe(3);
      expect(found.get('l2vpnd_icmp_errors_total{tunnel="site2",kind="IcmpNoPort"}')).toBe(2);
      const rxsc = `tunnel="site2",part="rxsc",sci="${SCI}",counter`;
      expect(found.get(`l2vpnd_macsec_packets_total{${rxsc}="InPktsLate"}`)).toBe(3);
      expect(found.get(`l2vpnd_macsec_bytes_total{${rxsc}="InOctetsDecrypted"}`)).toBe(300);
      expect(found.get('l2vpnd_mtu_bytes{tunnel="site2"}')).toBe(1430);
      expect(found.get('l2vpnd_path_mtu_limit{tunnel="site2",limit="link"}')).toBe(1);
    }
  });

  it('have histograms whose buckets add up', async () => {
    const fresh = await tunnelOf(macsecConfig());
    for (const ms of [0.001, 0.02, 0.02, 5000]) countLatency(fresh.counters[0]!, ms);
    fresh.counters[0]!.traffic[Traffic.done] = 1;
    const found = samplesOf(await metricsOf([snapshotOf(fresh.tunnel, 'batch', null)]));
    const of = (part: string) => found.get(`l2vpnd_batch_duration_seconds_${part}`);
    const tx = 'tunnel="site2",direction="tx"';
    expect(of(`bucket{${tx},le="0.000016"}`)).toBe(1);
    expect(of(`bucket{${tx},le="0.000032"}`)).toBe(3);
    expect(of(`bucket{${tx},le="0.262144"}`)).toBe(3);
    expect(of(`bucket{${tx},le="+Inf"}`)).toBe(4);
    expect(of(`count{${tx}}`)).toBe(4);
    expect(of(`sum{${tx}}`)).toBeCloseTo(5.000041, 9);
    expect(found.get(`l2vpnd_batch_frames_bucket{${tx},le="+Inf"}`)).toBe(0);
  });

  it('tell a peer that began again at packet number 1 as long as it lasts', async () => {
    const { secy } = counters[1]!;
    const name = `l2vpnd_macsec_peer_began_again{tunnel="site2",sci="${SCI}",an="0"}`;
    const scrape = async () => samplesOf(await metricsOf(now()));
    expect((await scrape()).has(name)).toBe(false);
    for (let pn = 1; pn <= 5; pn++) noteLate(secy, countersAt.seenLate(0), 0, 0, pn);
    expect((await scrape()).get(name)).toBe(5);
    secy[countersAt.rxSa(0, 0) + RxSaCounter.inPktsOk]! += 1;
    expect((await scrape()).has(name)).toBe(false);
  });

  it('tell which tunnels run, and whose peer is heard', async () => {
    const peer = (state: PeerSnapshot['state'], since: string | null, last_authentic = since) => ({
      ...{ state, since, last_authentic },
    });
    const of = (name: string, one: PeerSnapshot) => ({ ...snapshotOf(tunnel, 'batch', null, one), name });
    const all = [
      of('a', peer('alive', '2026-11-24T10:00:00.500Z')),
      of('b', peer('lost', null)),
      of('c', peer('unknown', null)),
    ];
    const gone = { name: 'd', ifname: 'd1', reason: '', since: '2026-11-24T10:00:01.000Z', retry_seconds: 1 };
    const found = samplesOf(await metricsOf(all, [gone]));
    const of4 = (metric: string) =>
      ['a', 'b', 'c', 'd'].map((name) => found.get(`${metric}{tunnel="${name}"}`));
    const seconds = Date.parse('2026-11-24T10:00:00.500Z') / 1000;
    expect(of4('l2vpnd_tunnel_up')).toEqual([1, 1, 1, 0]);
    expect(of4('l2vpnd_tunnel_state_since_timestamp_seconds')).toEqual([0, 0, 0, seconds + 0.5]);
    expect(of4('l2vpnd_peer_up')).toEqual([1, 0, undefined, undefined]);
    const times = [seconds, undefined, undefined, undefined];
    expect(of4('l2vpnd_peer_state_since_timestamp_seconds')).toEqual(times);
    expect(of4('l2vpnd_peer_last_authentic_timestamp_seconds')).toEqual(times);
  });

  it('tell of the path in both directions, packet numbers and queues', async () => {
    const counts = (lost: number) => ({ expected: 100, lost, reordered: 2 });
    const report = (lost: number) => ({ total: counts(lost), minute: counts(lost) });
    const snapshot = {
      ...{ peerSci: SCI, sinceMs: 0, heardMs: 0, received: 1, sent: 2, refused: new Map() },
      ...{ peerReport: report(7), roundTripMs: 3, leastRoundTripMs: 2 },
    };
    const pn = { usedRatio: 0.25, exhaustionSeconds: 1000 };
    const figures = { path: report(1), speeds: null, pn };
    const drops = { ...tunnel, totals: () => tunnel.totals(), queueDrops: { socket: 5, tap: null } };
    const link = { isKeepalive: false, snapshot };
    const told = snapshotOf(drops, 'batch', null, undefined, link, figures);
    expect(told.path_quality).toMatchObject({ in: { loss_ratio: 0.01 }, out: { loss_ratio: 0.07 } });
    const text = await metricsOf([told]);
    for (const line of [
      'l2vpnd_path_frames_lost_total{tunnel="site2",direction="tx"} 7',
      'l2vpnd_path_frames_lost_total{tunnel="site2",direction="rx"} 1',
      'l2vpnd_path_frames_expected_total{tunnel="site2",direction="rx"} 100',
      'l2vpnd_path_frames_reordered_total{tunnel="site2",direction="tx"} 2',
      'l2vpnd_path_round_trip_seconds{tunnel="site2"} 0.002',
      'l2vpnd_queue_drops_total{tunnel="site2",queue="socket"} 5',
      'l2vpnd_macsec_pn_used_ratio{tunnel="site2"} 0.25',
      'l2vpnd_macsec_pn_exhaustion_seconds{tunnel="site2"} 1000',
    ])
      expect(text).toContain(`${line}\n`);
    expect(text).not.toContain('queue="tap"');
    expect(await metricsOf(now())).not.toMatch(/^l2vpnd_path_(frames|round)/m);
  });

  it('tell of the daemon: versions, provider, how the last reload went', async () => {
    const reload = { ...DAEMON.reload, successful: false, refused: ['a', 'b'] };
    const text = await metricsOf([], [], { ...DAEMON, reload });
    for (const line of [
      'l2vpnd_build_info{version="1.2.3",node="20.20.2",openssl="3.0.19"} 1',
      'l2vpnd_crypto_info{provider="batch",engine="OpenSSL 3.0.19"} 1',
      'l2vpnd_config_last_reload_successful 0',
      `l2vpnd_config_last_reload_success_timestamp_seconds ${Date.parse(reload.success_time) / 1000}`,
      'l2vpnd_config_unapplied_changes 2',
    ])
      expect(text).toContain(`${line}\n`);
    expect(text).toMatch(/^process_cpu_seconds_total \S+$/m);
  });

  it('are looked for once per second, however often they are asked for', async () => {
    let [looks, nowMs] = [0, 5000];
    const tunnels = () => {
      looks++;
      return now();
    };
    const source = { daemon: () => DAEMON, down: () => [], tunnels };
    const metrics = new Metrics(source, () => nowMs);
    const [first, second] = await Promise.all([metrics.text(), metrics.text()]);
    expect([looks, second]).toEqual([1, first]);
    nowMs += 999;
    await metrics.text();
    expect(looks).toBe(1);
    nowMs += 1;
    await metrics.text();
    expect(looks).toBe(2);
  });

  it('are described as they are told', async () => {
    const text = await metricsOf(now());
    for (const { name, help, type } of describedMetrics())
      expect(text).toContain(`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`);
  });
});
