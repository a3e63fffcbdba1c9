/**
 * What is told to who watches two daemons by Prometheus: promtool judges what a scrape says, and the alert rules go by the
 * figures of daemons in each state: when all is well, when the peer is gone, has another key or lost its state, when the path
 * loses frames, when a reload fails.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { run } from '../../lab/run.ts';
import type { Site, TunnelChanges } from '../../lab/site.ts';
import type { TunnelSnapshot } from '../../src/api/tunnel.ts';
import { describedMetrics } from '../../src/report/metrics/registry.ts';
import { agreed, agreeing } from './mka-kit.ts';
import { ALERTS, type Altered, checkMetrics, expectAlerts, type Scrape, scrapeWhen, UP } from './promtool.ts';
import { knowEachOther, labOfTests, pingUntil, suite } from './support.ts';

const WATCHED: TunnelChanges = { peerTimeoutSeconds: 3, keepalive: {} };
const OTHER_KEY = '4f1d6a0c93b2e87755aa10ffce32d419';

const OF = '{tunnel="site2"';
const GROWS = { perMinute: 600 };
/** What is hard to bring about in a namespace: figures of a tunnel that is well, but for these. */
const ALTERED: readonly [string, Record<string, Altered>][] = [
  ['L2vpndDaemonDown', { [UP]: { value: 0 } }],
  ['L2vpndTunnelDown', { [`l2vpnd_tunnel_up${OF}}`]: { value: 0 } }],
  ['L2vpndPeerAddressUnknown', { [`l2vpnd_tunnel_connected${OF}}`]: { value: 0 } }],
  ['L2vpndFramesUnknown', { [`l2vpnd_drops_total${OF},reason="InPktsNoSCI"}`]: GROWS }],
  ['L2vpndFramesTooLong', { [`l2vpnd_drops_total${OF},reason="WireTooLong"}`]: GROWS }],
  ['L2vpndPacketNumbersLow', { [`l2vpnd_macsec_pn_used_ratio${OF}}`]: { value: 0.81 } }],
  ['L2vpndPacketNumbersEnd', { [`l2vpnd_macsec_pn_left${OF}}`]: { value: 0 } }],
  ['L2vpndPathMtuReduced', { [`l2vpnd_path_mtu_limit${OF},limit="probes"}`]: { value: 1 } }],
  ['L2vpndQueueDrops', { [`l2vpnd_queue_drops_total${OF},queue="socket"}`]: GROWS }],
  [
    'L2vpndSlow',
    { [`l2vpnd_batch_duration_seconds_bucket${OF},direction="tx",le="+Inf"}`]: { perMinute: 1e6 } },
  ],
  ['L2vpndRestartWanted', { l2vpnd_config_unapplied_changes: { value: 1 } }],
];

/** Those that the states of the tests below make fire. */
const BROUGHT_ABOUT = [
  ...['L2vpndPeerDown', 'L2vpndPeerBeganAgain', 'L2vpndFramesReplayed', 'L2vpndFramesNotValid'],
  ...['L2vpndNoSak', 'L2vpndWrongCak', 'L2vpndReloadFailed', 'L2vpndPathLoss'],
];

suite('monitoring', { programs: ['ping', 'promtool', 'nft'] }, () => {
  const lab = labOfTests({ prefix: 'mon' });

  /** Two scrapes of `site`, between which `counter` grows by so much. */
  async function twoScrapes(site: Site, counter: string, by: number): Promise<[Scrape, Scrape]> {
    const first = await scrapeWhen(site, (samples) => samples.has(counter));
    const start = first.samples.get(counter)!;
    return [first, await scrapeWhen(site, (samples) => samples.get(counter)! >= start + by)];
  }

  function pings(side: 1 | 2, everySeconds = 0.02) {
    const [host, target] =
      side === 1 ? (['host1', '192.168.1.2'] as const) : (['host2', '192.168.1.1'] as const);
    const argv = ['ping', '-n', '-q', '-i', String(everySeconds), target];
    return lab.topology[host].start(argv);
  }

  it('of two sites: well, then the peer dies, has lost its state, has another key; each is its alert', async () => {
    lab.explainFailure();
    const sites = await lab.bothSites(WATCHED);
    const [site1, site2] = sites;
    // Who has to ask for the other's address first sends little while nobody answers.
    await knowEachOther(lab.topology, true);
    const load = [pings(1), pings(2)];
    await pingUntil(lab.topology.host1, '192.168.1.2');
    await scrapeWhen(site1, (samples) => samples.has('l2vpnd_path_round_trip_seconds{tunnel="site2"}'));
    const frames = 'l2vpnd_frames_total{tunnel="site2",direction="rx"}';
    const well = await twoScrapes(site1, frames, 100);
    const { code, stdout, stderr } = await checkMetrics(well[1]);
    expect([code, stdout, stderr]).toEqual([0, '', '']);
    for (const { name } of describedMetrics()) expect(well[1].text).toContain(`# HELP ${name} `);
    const [tap] = JSON.parse(await site1.space.must(['ip', '-j', '-s', 'link', 'show', 'macsec1'])) as [
      { stats64: { tx: { dropped: number } } },
    ];
    expect(well[1].samples.get(`l2vpnd_queue_drops_total${OF},queue="tap"}`)).toBe(tap.stats64.tx.dropped);
    await expectAlerts(lab.newFile('.json'), well, []);
    for (const [alert, series] of ALTERED) await expectAlerts(lab.newFile('.json'), well, [alert], series);

    await site2.kill9();
    await site1.waitForLog(/peer lost: nothing authentic/);
    const sent = 'l2vpnd_frames_total{tunnel="site2",direction="tx"}';
    const alone = await twoScrapes(site1, sent, 20);
    await expectAlerts(lab.newFile('.json'), alone, ['L2vpndPeerDown']);

    const anew = lab.site(2, WATCHED);
    await anew.start();
    await site1.waitForLog(/the peer began again at packet number 1/);
    const late = await twoScrapes(site1, 'l2vpnd_drops_total{tunnel="site2",reason="InPktsLate"}', 40);
    await expectAlerts(lab.newFile('.json'), late, [
      // It is there, as the keepalive says, and nothing of it is taken.
      ...['L2vpndPeerBeganAgain', 'L2vpndFramesReplayed'],
    ]);
    await anew.stop();

    const txSa = [{ an: 0, pn: 1_000_000, keyId: '02', key: OTHER_KEY }];
    const stranger = lab.site(2, { ...WATCHED, macsec: { txSa } });
    await stranger.start();
    const notValid = 'l2vpnd_drops_total{tunnel="site2",reason="InPktsNotValid"}';
    await scrapeWhen(site1, (samples) => samples.get('l2vpnd_peer_up{tunnel="site2"}') === 0);
    const wrong = await twoScrapes(site1, notValid, 40);
    await expectAlerts(lab.newFile('.json'), wrong, [
      ...['L2vpndPeerDown', 'L2vpndPeerBeganAgain', 'L2vpndFramesNotValid'],
    ]);
    for (const one of load) await one.stop('SIGKILL');
  });

  it('of two sites with another CAK: no key, and why; then with the same one, all is well, until a reload fails', async () => {
    lab.explainFailure();
    const site1 = lab.site(1, agreeing());
    const other = lab.site(2, agreeing({ cak: 'a7'.repeat(32) }));
    await Promise.all([site1.start(), other.start()]);
    const refused = await twoScrapes(site1, 'l2vpnd_mka_refused_total{tunnel="site2",reason="WrongIcv"}', 2);
    await expectAlerts(lab.newFile('.json'), refused, ['L2vpndNoSak', 'L2vpndWrongCak']);
    await other.stop();

    const site2 = lab.site(2, agreeing());
    await site2.start();
    await agreed([site1, site2]);
    const load = pings(1);
    await writeFile(site1.configPath, (await readFile(site1.configPath, 'utf8')).replace('"gre"', '"gree"'));
    expect((await site1.command('reload')).code).toBe(78);
    const failed = await twoScrapes(site1, 'l2vpnd_frames_total{tunnel="site2",direction="rx"}', 100);
    await expectAlerts(lab.newFile('.json'), failed, ['L2vpndReloadFailed']);
    await load.stop('SIGKILL');
  });

  it('of a path that loses frames one way: both ends tell of it, each in its direction, without a probe', async () => {
    lab.explainFailure();
    const [site1, site2] = await lab.bothSites(agreeing());
    await agreed([site1, site2]);
    await pingUntil(lab.topology.host1, '192.168.1.2');
    const { nsrb } = lab.topology;
    const rules = [
      'table ip lossy {',
      'chain in {',
      'type filter hook prerouting priority 0',
      'ip protocol 47 numgen random mod 10 < 2 drop',
      '}',
      '}\n',
    ].join('\n');
    await nsrb.must(['nft', '-f', '-'], { input: rules });
    const load = pings(1, 0.005);
    try {
      const lost = (site: Site, tunnel: string, direction: string) =>
        scrapeWhen(
          site,
          (samples) =>
            samples.get(`l2vpnd_path_frames_lost_total{tunnel="${tunnel}",direction="${direction}"}`)! >= 20,
        );
      const first = await lost(site2, 'site1', 'rx');
      await lost(site1, 'site2', 'tx');
      const second = await lost(site2, 'site1', 'rx');
      await expectAlerts(lab.newFile('.json'), [first, second], ['L2vpndPathLoss']);
      const [told] = (await site1.control('/v1/tunnels')) as TunnelSnapshot[];
      const { in: to, out } = told!.path_quality;
      expect(to!.loss_ratio).toBeLessThan(0.02);
      expect(out!.loss_ratio).toBeGreaterThan(0.1);
      expect(out!.loss_ratio).toBeLessThan(0.3);
      // Its probes are lost as everything else is.
      const rtt = async (): Promise<number | null> =>
        ((await site1.control('/v1/tunnels')) as TunnelSnapshot[])[0]!.path_quality.rtt_seconds;
      await expect.poll(async () => (await rtt()) ?? 99, { timeout: 45_000 }).toBeLessThan(1);
      const { stdout } = await site1.command('show');
      expect(stdout).toMatch(/^ {8}path: loss [12]\d\.\d\d% out, 0\.\d\d% in, reordered .*, rtt \S+ ms$/m);
    } finally {
      await load.stop('SIGKILL');
      await nsrb.must(['nft', 'delete', 'table', 'ip', 'lossy']);
    }
  });

  it('the rules are rules', async () => {
    const { code, stdout, stderr } = await run(['promtool', 'check', 'rules', ALERTS]);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/SUCCESS: \d+ rules found/);
    const names = [...(await readFile(ALERTS, 'utf8')).matchAll(/alert: (\w+)/g)].map(([, name]) => name!);
    const tried = [...ALTERED.map(([name]) => name), ...BROUGHT_ABOUT];
    expect([...tried].sort()).toEqual([...names].sort());
  });
});
