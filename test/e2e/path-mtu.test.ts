/** A path that shrinks under a running tunnel: the limit follows whom it may, and frames are never lost in silence. */
import { expect, it } from 'vitest';
import { iperf, startIperfServer } from '../../lab/iperf.ts';
import type { Site, TunnelChanges } from '../../lab/site.ts';
import type { Namespace } from '../../lab/topology.ts';
import type { TunnelSnapshot } from '../../src/api/tunnel.ts';
import { fragNeeded, greFrame, type Quoted, tooBigV6Packet, udpFrame } from '../unit/path/kit.ts';
import { agreeing } from './mka-kit.ts';
import { forgetPaths, labOfTests, pingOnce, pingUntil, Sender, suite } from './support.ts';

/** What a site says of its tunnel. */
async function tunnelOf(site: Site): Promise<TunnelSnapshot> {
  const [tunnel] = (await site.control('/v1/tunnels')) as [TunnelSnapshot];
  return tunnel;
}

/** What ICMP data of a ping fills `octets` of an IPv4 packet. */
const dataOf = (octets: number): number => octets - 28;

/** Asks for an answer of `octets` in one packet; what ping printed. */
async function askWhatFits(host: Namespace, octets: number): Promise<string> {
  const data = String(dataOf(octets));
  const argv = ['ping', '-n', '-M', 'do', '-c', '1', '-W', '2', '-s', data, '192.168.1.2'];
  return (await host.run(argv)).stdout;
}

const ENCAPS = [
  { encap: 'none', over: { 4: 70, 6: 90 } },
  { encap: 'udp', over: { 4: 78, 6: 98 } },
] as const;

for (const family of [4, 6] as const) {
  suite(`a path over IPv${family} whose MTU changes`, { programs: ['ping'], python: true }, () => {
    const lab = labOfTests({ prefix: `pmtu${family}`, family });

    it.each(ENCAPS)(
      'encap "$encap": is followed when a router says so with a packet of ours, and not when that is said again',
      async ({ encap, over }) => {
        lab.explainFailure();
        const { host1, wan } = lab.topology;
        const [whole, narrow] = [1500 - over[family], 1400 - over[family]];
        const [site1] = await lab.bothSites({ gre: { encap } });
        await pingUntil(host1, '192.168.1.2');
        const big = () => pingOnce(host1, '192.168.1.2', dataOf(whole));
        expect(await big()).toBe(true);

        const filter = family === 4 ? 'icmp[0] = 3 and icmp[1] = 4' : 'icmp6 and ip6[40] = 2';
        const told = await lab.watchLink(wan, 'wan1', filter, async () => {
          await wan.must(['ip', 'link', 'set', 'wan2', 'mtu', '1400']);
          // The first one meets the narrow link, and ICMP tells the router.
          expect(await big()).toBe(false);
          await site1.waitForLog(
            new RegExp(`the path MTU has changed; packets above ${narrow} octets do not fit`),
          );
        });
        expect(await tunnelOf(site1)).toMatchObject({
          mtu: narrow,
          path_mtu: 1400,
          path: { limit: 'icmp', because: expect.stringContaining('proven by the packet that it quotes') },
        });
        const before = (await site1.counters()).OutPktsTooLong ?? 0;
        expect(await askWhatFits(host1, whole)).toMatch(`Frag needed and DF set (mtu = ${narrow})`);
        const after = await site1.countersWhen((counters) => (counters.OutPktsTooLong ?? 0) > before);
        expect(after.OutPktsTooLong).toBe(before + 1);
        expect(await pingOnce(host1, '192.168.1.2', dataOf(narrow))).toBe(true);

        // Somebody has recorded it, and says it again when the path is whole.
        await wan.must(['ip', 'link', 'set', 'wan2', 'mtu', '1500']);
        await site1.stop();
        await site1.start();
        await forgetPaths(lab.topology);
        await pingUntil(host1, '192.168.1.2');
        const replayer = await Sender.link(wan, 'wan1');
        await replayer.send(...told);
        await site1.waitForLog(/ICMP claims a path of 1400 octets: not believed, .* not sent a moment ago/);
        expect(await tunnelOf(site1)).toMatchObject({ mtu: whole, path_mtu: 1500, path: { limit: 'link' } });
        expect(await big()).toBe(true);
        await replayer.close();
      },
    );
  });
}

suite('frames that the own link does not carry any more', { programs: ['ping'] }, () => {
  const lab = labOfTests({ prefix: 'pmtul' });

  it('are told with the MTU that it has now', async () => {
    lab.explainFailure();
    const { host1, nsra } = lab.topology;
    const [site1] = await lab.bothSites();
    await pingUntil(host1, '192.168.1.2');
    try {
      await nsra.must(['ip', 'link', 'set', 'vra', 'mtu', '1400']);
      await host1.run([
        'ping',
        '-q',
        '-M',
        'dont',
        '-s',
        '1402',
        '-i',
        '0.01',
        '-c',
        '30',
        '-W',
        '1',
        '192.168.1.2',
      ]);
      await site1.waitForLog(/"counter":"WireTooLong"/);
      const line = site1.logs().find(({ counter }) => counter === 'WireTooLong');
      expect(line).toMatchObject({ pathMtu: 1400 });
    } finally {
      await nsra.must(['ip', 'link', 'set', 'vra', 'mtu', '1500']);
    }
  });
});

/** A frame from the WAN's end of the link to router 1. */
function toRouter1(packet: Buffer): Buffer {
  const type = packet[0]! >> 4 === 4 ? '0800' : '86dd';
  return Buffer.concat([Buffer.from(`00aaaaaaaaaa00aaaa1f1f1f${type}`, 'hex'), packet]);
}

/** The route's MTU as the kernel has it. */
async function routeMtu(space: Namespace, to: string): Promise<number | undefined> {
  const [route] = JSON.parse(await space.must(['ip', '-j', 'route', 'get', to])) as [
    { metrics?: { mtu?: number }[] },
  ];
  return route.metrics?.find(({ mtu }) => mtu !== undefined)?.mtu;
}

/** A packet of the tunnel as who does not see it would imagine it: a packet number far ahead, another SCI, no more than 8 octets. */
const FORGERIES = [
  { what: 'another packet number', frame: greFrame({ pn: 0x7000_0000 }), cut: 64, why: /a packet number/ },
  { what: 'another SCI', frame: greFrame({ sci: '0000009999990001' }), cut: 64, why: /another SCI/ },
];

for (const family of [4, 6] as const) {
  suite(`a forged ICMP message about a path over IPv${family}`, { programs: ['ping'], python: true }, () => {
    const lab = labOfTests({ prefix: `icmp${family}`, family });
    const peer = family === 4 ? '2.2.2.2' : 'fd00:2::2';
    const dataLen = family === 4 ? 1480 : 1460;
    const forged = (mtu: number, quoted: Quoted): Buffer =>
      toRouter1((family === 4 ? fragNeeded : tooBigV6Packet)(mtu, { dataLen, ...quoted }));
    const quote = (encap: string, frame: Buffer, cut: number): Quoted =>
      encap === 'udp'
        ? { protocol: 17, transport: udpFrame(frame, dataLen).subarray(0, cut) }
        : { protocol: 47, transport: frame.subarray(0, cut) };

    it.each(ENCAPS)('encap "$encap": changes nothing at all', async ({ encap, over }) => {
      lab.explainFailure();
      const { host1, nsra, wan } = lab.topology;
      const mtu = 1500 - over[family];
      await nsra.must(['ip', `-${family}`, 'route', 'flush', 'cache']);
      const [site1] = await lab.bothSites({ gre: { encap } });
      await pingUntil(host1, '192.168.1.2');
      const big = () => pingOnce(host1, '192.168.1.2', dataOf(mtu));
      expect(await big()).toBe(true);
      const forger = await Sender.link(wan, 'wan1');
      for (const { frame, cut, why } of FORGERIES) {
        await site1.stop();
        await site1.start();
        await pingUntil(host1, '192.168.1.2');
        await forger.send(forged(1300, quote(encap, frame, cut)));
        await site1.waitForLog(
          new RegExp(`ICMP claims a path of 1300 octets: not believed, as the packet .* ${why.source}`),
        );
        // The kernel has fallen for it.
        expect(await routeMtu(nsra, peer)).toBe(1300);
        const { path, path_mtu, mtu: carried } = await tunnelOf(site1);
        expect([path_mtu, carried, path.limit, path.icmp_too_big.refused]).toEqual([1500, mtu, 'link', 1]);
        for (let i = 0; i < 3; i++) expect(await big()).toBe(true);
      }
      // What the kernel believes before the start is not taken over either.
      await site1.stop();
      await site1.start();
      expect((await tunnelOf(site1)).path_mtu).toBe(1500);
      await pingUntil(host1, '192.168.1.2');
      expect(await big()).toBe(true);
      await forger.close();
    });

    it.each(ENCAPS)(
      'encap "$encap": of 8 octets makes it 1280 for a while at worst',
      async ({ encap, over }) => {
        lab.explainFailure();
        const { host1, nsra, wan } = lab.topology;
        await nsra.must(['ip', `-${family}`, 'route', 'flush', 'cache']);
        const [site1] = await lab.bothSites({ gre: { encap } });
        await pingUntil(host1, '192.168.1.2');
        const forger = await Sender.link(wan, 'wan1');
        await forger.send(forged(1200, quote(encap, greFrame(), 8)));
        await site1.waitForLog(/ICMP claims a path of 1200 octets: not followed below 1280/);
        expect(await pingOnce(host1, '192.168.1.2', dataOf(1500 - over[family]))).toBe(true);
        await forger.send(forged(1280, quote(encap, greFrame(), 8)));
        await site1.waitForLog(/the path MTU has changed; packets above 1[12][0-9]{2} octets/);
        expect(await tunnelOf(site1)).toMatchObject({
          path_mtu: 1280,
          path: { limit: 'icmp', because: expect.stringContaining('too little for a proof') },
        });
        expect(await pingOnce(host1, '192.168.1.2', dataOf(1280 - over[family]))).toBe(true);
        await forger.close();
        await forgetPaths(lab.topology);
      },
    );

    it('is not followed where tap.mtu is a number, whatever it quotes', async () => {
      lab.explainFailure();
      const { host1, nsra, wan } = lab.topology;
      const mtu = 1500 - ENCAPS[0].over[family];
      await nsra.must(['ip', `-${family}`, 'route', 'flush', 'cache']);
      const [site1] = await lab.bothSites({ tap: { mtu } });
      await pingUntil(host1, '192.168.1.2');
      const forger = await Sender.link(wan, 'wan1');
      await forger.send(forged(1300, quote('none', greFrame(), 8)));
      await site1.waitForLog(
        new RegExp(`ICMP claims a path of 1300 octets: not followed, tap.mtu is set to ${mtu}`),
      );
      expect(await pingOnce(host1, '192.168.1.2', dataOf(mtu))).toBe(true);
      await forger.close();
    });
  });
}

suite('a route with an MTU of its own', { programs: ['ping'] }, () => {
  const lab = labOfTests({ prefix: 'pmtur' });

  it('limits the tunnel, at the start and when it comes', async () => {
    lab.explainFailure();
    const { host1, nsra } = lab.topology;
    const route = (...more: string[]) =>
      nsra.must(['ip', 'route', 'replace', 'default', 'via', '1.1.1.254', ...more]);
    await route('mtu', '1450');
    const [site1] = await lab.bothSites();
    await pingUntil(host1, '192.168.1.2');
    expect(await tunnelOf(site1)).toMatchObject({ mtu: 1380, path_mtu: 1450, path: { limit: 'route' } });
    await route('mtu', '1400');
    await site1.waitForLog(/the path MTU has changed; packets above 1330 octets do not fit/);
    await route();
    await site1.waitForLog(/the path MTU has changed; every frame fits/);
    expect(await tunnelOf(site1)).toMatchObject({ mtu: 1380, path_mtu: 1500, path: { limit: 'link' } });
  });
});

const MKA_SITES = agreeing();
const KEPT: TunnelChanges = { keepalive: {} };
const ETHERTYPE_CONTROL = 0x88b5;

suite('a path that swallows large packets, and no ICMP says so', {
  programs: ['ping', 'nft', 'iperf'],
}, () => {
  const lab = labOfTests({ prefix: 'hole' });
  /** A narrow link whose router says nothing. */
  async function swallow(): Promise<void> {
    const { wan } = lab.topology;
    const input = `table inet mute {
      chain output { type filter hook output priority 0; icmp type destination-unreachable drop; }
    }`;
    await wan.must(['nft', '-f', '-'], { input });
    await wan.ip('link set wan1 mtu 1400\nlink set wan2 mtu 1400\n');
  }
  async function heal(): Promise<void> {
    const { wan } = lab.topology;
    await wan.ip('link set wan1 mtu 1500\nlink set wan2 mtu 1500\n');
    await wan.run(['nft', 'delete', 'table', 'inet', 'mute']);
  }

  it.each([
    ['key agreement', 'none', MKA_SITES, 70],
    ['key agreement', 'udp', MKA_SITES, 78],
    ['a keepalive', 'none', KEPT, 70],
  ] as const)(
    'with %s, encap "%s": two l2vpnd find what it carries, and that it carries more again',
    async (_, encap, changes, over) => {
      lab.explainFailure();
      const { host1, host2 } = lab.topology;
      const sites = await lab.bothSites({ ...changes, gre: { encap, mtuProbeSeconds: 10 } });
      const [site1] = sites;
      await pingUntil(host1, '192.168.1.2');
      await untilSearched(site1, 1500);
      try {
        await swallow();
        const holeMs = Date.now();
        // Somebody uses the tunnel.
        const use = host1.start(['ping', '-q', '-i', '0.2', '-s', '1402', '-M', 'dont', '192.168.1.2']);
        for (const site of sites) await site.waitForLog(/probes of 1500 octets do not arrive/, 30_000);
        console.log(`black hole noticed after ${Date.now() - holeMs} ms`);
        for (const site of sites) await untilSearched(site, 1400);
        console.log(`1400 octets found after ${Date.now() - holeMs} ms`);
        await use.stop('SIGINT');
        const { mtu, path } = await tunnelOf(site1);
        expect([mtu, path.limit]).toEqual([1400 - over, 'probes']);
        expect((await site1.command('show')).stdout).toMatch(
          /path mtu since .*: the peer has had a probe of 1400 octets, and no longer one/,
        );
        await forgetPaths(lab.topology);
        expect(await pingOnce(host1, '192.168.1.2', dataOf(1400 - over))).toBe(true);
        const server = await startIperfServer(host2);
        const { octets } = await iperf(host1, '192.168.1.2', { seconds: 2 });
        await server.stop('SIGKILL');
        expect(octets).toBeGreaterThan(1_000_000);
      } finally {
        await heal();
      }
      for (const site of sites) await untilSearched(site, 1500);
      await site1.waitForLog(/the path MTU has changed; every frame fits/);
      await forgetPaths(lab.topology);
      expect(await pingOnce(host1, '192.168.1.2', dataOf(1500 - over))).toBe(true);
    },
    120_000,
  );

  it('a peer that has not said to be an l2vpnd never sees a probe', async () => {
    lab.explainFailure();
    const { wan, host1 } = lab.topology;
    const frames = await lab.watchLink(wan, 'wan1', 'proto gre', async () => {
      const [site1] = await lab.bothSites();
      await pingUntil(host1, '192.168.1.2');
      await host1.must(['ping', '-q', '-i', '0.2', '-c', '40', '-s', '1402', '192.168.1.2']);
      expect((await tunnelOf(site1)).path.search).toBe('stopped');
    });
    // Behind Ethernet, IPv4 and GRE the frame of the tunnel begins.
    const types = frames.map((frame) => frame.readUInt16BE(14 + 20 + 4 + 12));
    expect(types.length).toBeGreaterThan(80);
    expect(types).not.toContain(ETHERTYPE_CONTROL);
  });
});

/** Waits until the search of a site has come to `octets`. */
async function untilSearched(site: Site, octets: number): Promise<void> {
  await expect
    .poll(
      async () => {
        const { path_mtu, path } = await tunnelOf(site);
        return [path_mtu, path.search];
      },
      { timeout: 60_000, interval: 100 },
    )
    .toEqual([octets, 'complete']);
}
