/** The metrics: what a scrape gets. */
import type { Server } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { closeServer } from '../../../src/api/router.ts';
import type { PeerSnapshot } from '../../../src/api/tunnel.ts';
import { openMetrics } from '../../../src/daemon/metrics-server.ts';
import { Drop } from '../../../src/frame/drop.ts';
import { Icmp } from '../../../src/frame/icmp.ts';
import { countIcmp, Traffic } from '../../../src/frame/lane-counters.ts';
import { countersAt, RxSaCounter, RxScCounter } from '../../../src/macsec/counters.ts';
import { noteLate } from '../../../src/macsec/seen.ts';
import { createMetrics } from '../../../src/report/metrics.ts';
import { snapshotOf } from '../../../src/report/snapshot.ts';
import { ask } from '../api/http.ts';
import { macsecConfig, SCI } from '../macsec/kit.ts';
import { tunnelOf } from '../tunnel/kit.ts';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await closeServer(server);
});

const { tunnel, counters } = await tunnelOf(macsecConfig());
const snapshots = () => [snapshotOf(tunnel, 'batch', null)];

describe('the metrics (Prometheus text format 0.0.4)', () => {
  async function scrape(path = '/metrics', method = 'GET') {
    const server = await openMetrics(
      '127.0.0.1:0',
      createMetrics(snapshots, () => []),
    );
    servers.push(server);
    const { port } = server.address() as AddressInfo;
    return { ask: () => ask({ host: '127.0.0.1', port, path }, method), port };
  }

  /** Sample lines to values. */
  function samples(text: string): Map<string, number> {
    const found = new Map<string, number>();
    for (const line of text.split('\n')) {
      if (line === '' || line.startsWith('#')) continue;
      const [, name, value] = /^([a-zA-Z_:][\w:]*(?:\{(?:\w+="(?:[^"\\\n]|\\.)*",?)*\})?) (\S+)$/.exec(line)!;
      expect(Number.isNaN(Number(value)) && value !== 'Nan').toBe(false);
      expect(found.has(name!)).toBe(false);
      found.set(name!, Number(value));
    }
    return found;
  }

  it('parse, and tell the counters as they stand at each scrape', async () => {
    const { ask: again } = await scrape();
    counters[0]!.traffic[Traffic.outFrames] = 11;
    counters[1]!.drops[Drop.InPktsLate] = 3;
    for (const { traffic } of counters) countIcmp(traffic, Icmp.NoPort);
    counters[1]!.secy[countersAt.rxSc(0) + RxScCounter.inPktsLate] = 3;
    for (const round of [1, 2]) {
      counters[1]!.traffic[Traffic.outFrames] = round;
      const { status, body, type } = await again();
      expect([status, type]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
      const found = samples(body);
      expect(found.get('l2vpnd_frames_total{tunnel="site2",direction="tx"}')).toBe(11);
      expect(found.get('l2vpnd_frames_total{tunnel="site2",direction="rx"}')).toBe(round);
      expect(found.get('l2vpnd_drops_total{tunnel="site2",reason="InPktsLate"}')).toBe(3);
      expect(found.get('l2vpnd_icmp_errors_total{tunnel="site2",kind="IcmpNoPort"}')).toBe(2);
      expect(
        found.get(`l2vpnd_macsec_total{tunnel="site2",part="rxsc",sci="${SCI}",counter="InPktsLate"}`),
      ).toBe(3);
      expect(found.get('l2vpnd_mtu_octets{tunnel="site2"}')).toBe(1430);
    }
  });

  it('tell a peer that began again at packet number 1 as long as it lasts', async () => {
    const { ask: again } = await scrape();
    const { secy } = counters[1]!;
    const name = `l2vpnd_macsec_peer_began_again{tunnel="site2",sci="${SCI}",an="0"}`;
    expect(samples((await again()).body).has(name)).toBe(false);
    for (let pn = 1; pn <= 5; pn++) noteLate(secy, countersAt.seenLate(0), 0, 0, pn);
    expect(samples((await again()).body).get(name)).toBe(5);
    secy[countersAt.rxSa(0, 0) + RxSaCounter.inPktsOk]! += 1;
    expect(samples((await again()).body).has(name)).toBe(false);
  });

  it('tell which tunnels run, and whose peer is heard', async () => {
    const peer = (state: PeerSnapshot['state'], last_authentic: string | null) => ({
      ...{ state, since: null, last_authentic },
    });
    const of = (name: string, one: PeerSnapshot) => ({
      ...{ ...snapshotOf(tunnel, 'batch', null, one), name },
    });
    const all = [
      of('a', peer('alive', '2026-11-24T10:00:00.500Z')),
      of('b', peer('lost', null)),
      of('c', peer('unknown', null)),
    ];
    const gone = { name: 'd', ifname: 'd1', reason: 'deleted', since: '', retry_seconds: 1 };
    const found = samples(
      await createMetrics(
        () => all,
        () => [gone],
      ).metrics(),
    );
    const of4 = (metric: string) =>
      ['a', 'b', 'c', 'd'].map((name) => found.get(`${metric}{tunnel="${name}"}`));
    expect(of4('l2vpnd_tunnel_up')).toEqual([1, 1, 1, 0]);
    expect(of4('l2vpnd_peer_up')).toEqual([1, 0, undefined, undefined]);
    expect(of4('l2vpnd_peer_last_authentic_timestamp_seconds')).toEqual([
      Date.parse('2026-11-24T10:00:00.500Z') / 1000,
      ...[undefined, undefined, undefined],
    ]);
  });

  it('are at /metrics and nowhere else', async () => {
    expect((await (await scrape('/')).ask()).status).toBe(404);
    expect((await (await scrape('/metrics', 'POST')).ask()).status).toBe(405);
  });

  it('say so where the address is taken', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as AddressInfo;
    await expect(
      openMetrics(
        `127.0.0.1:${port}`,
        createMetrics(snapshots, () => []),
      ),
    ).rejects.toMatchObject({
      exitStatus: 69,
      message: expect.stringContaining(`metrics.listen 127.0.0.1:${port}`),
    });
    await new Promise((resolve) => taken.close(resolve));
  });
});
