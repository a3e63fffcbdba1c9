/** What changes while frames flow: keys, the configuration, the peer's address. Nothing is lost that need not be. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { GrePacket } from '../../lab/capture.ts';
import type { Background } from '../../lab/run.ts';
import { KEY_2, type Site, type SiteFile, tunnelFile } from '../../lab/site.ts';
import { ETHERTYPE_TEST, ethernet, gre, pattern, protect } from './frames.ts';
import { type Lab, labOfTests, pingOnce, pingUntil, Sender, suite, tapDelivered } from './support.ts';

/** What the control socket tells of a tunnel, as far as these tests read it. */
interface TunnelSeen {
  name: string;
  endpoint: string | null;
  macsec: {
    window: number;
    encoding_sa: number;
    sa_list: { an: number }[];
    rx_sc: { sa_list: { an: number }[] }[];
  };
}

async function seen(site: Site): Promise<TunnelSeen> {
  const [tunnel] = (await site.control('/v1/tunnels')) as [TunnelSeen];
  return tunnel;
}

/** Asks until the answer pleases. */
async function until(
  site: Site,
  pleases: (tunnel: TunnelSeen) => boolean,
  timeoutMs = 8000,
): Promise<TunnelSeen> {
  for (const end = Date.now() + timeoutMs; ; ) {
    const tunnel = await seen(site);
    if (pleases(tunnel)) return tunnel;
    if (Date.now() > end)
      throw new Error(`${site.name}: ${pleases} never came true: ${JSON.stringify(tunnel)}`);
  }
}

/** 200 pings per second, until told to stop. */
function steadyPing(lab: Lab): Background {
  return lab.topology.host1.start(['ping', '-n', '-i', '0.005', '-w', '20', '192.168.1.2']);
}

/** Stops it; how many were sent and how many came back. */
async function pingResult(ping: Background): Promise<{ sent: number; lost: number }> {
  await ping.stop('SIGINT');
  const [, sent, received] = await ping.waitFor(/(\d+) packets transmitted, (\d+) received/);
  // The last one may be under way.
  return { sent: Number(sent), lost: Math.max(0, Number(sent) - Number(received) - 1) };
}

suite('keys change while frames flow', {}, () => {
  const lab = labOfTests({ prefix: 'rotate' });

  it('rotate at one end, rotate --now at the other: nothing is lost, the old keys go', async () => {
    lab.explainFailure();
    const [site1, site2] = await lab.bothSites();
    await pingUntil(lab.topology.host1, '192.168.1.2');
    const [a, b] = [join(site1.dir, 'a.key'), join(site1.dir, 'b.key')];
    await writeFile(a, `${'a1'.repeat(16)}\n`, { mode: 0o600 });
    await writeFile(b, `${'b2'.repeat(16)}\n`, { mode: 0o600 });
    let result = { sent: 0, lost: Number.NaN };
    const packets = await lab.watchWan(async () => {
      const ping = steadyPing(lab);
      await ping.waitFor(/icmp_seq=100 /);
      const keys = (tx: string, rx: string): string[] => [
        '--tx-key-file',
        tx,
        '--rx-key-file',
        rx,
        '--grace',
        '1',
      ];
      expect((await site1.command('rotate', 'site2', ...keys(a, b))).code).toBe(0);
      expect((await seen(site1)).macsec.encoding_sa).toBe(0);
      expect((await site2.command('rotate', 'site1', '--now', ...keys(b, a))).code).toBe(0);
      for (const site of [site1, site2]) {
        const { macsec } = await until(
          site,
          ({ macsec: now }) =>
            now.encoding_sa === 1 && now.sa_list.length === 1 && now.rx_sc[0]?.sa_list.length === 1,
        );
        expect(macsec.sa_list[0]?.an).toBe(1);
      }
      result = await pingResult(ping);
    });
    expect(result.sent).toBeGreaterThan(200);
    expect(result.lost).toBe(0);
    for (const address of ['1.1.1.1', '2.2.2.2']) expectOrderlyRotation(packets, address);
  });
});

/** First AN 0, then AN 1 from PN 1 on; never back, never a number twice. */
function expectOrderlyRotation(packets: readonly GrePacket[], src: string): void {
  const tags = packets.flatMap((packet) => (packet.src === src && packet.secTag ? [packet.secTag] : []));
  const moved = tags.findIndex(({ an }) => an === 1);
  expect(moved).toBeGreaterThan(0);
  expect(tags.slice(0, moved).every(({ an }) => an === 0)).toBe(true);
  expect(tags.slice(moved).every(({ an }) => an === 1)).toBe(true);
  expect(tags[moved]?.pn).toBe(1);
  expect(new Set(tags.map(({ an, pn }) => `${an} ${pn}`)).size).toBe(tags.length);
}

suite('the configuration changes while frames flow', {}, () => {
  const lab = labOfTests({ prefix: 'reload' });

  async function edit(site: Site, change: (file: SiteFile) => void): Promise<void> {
    const file = JSON.parse(await readFile(site.configPath, 'utf8')) as SiteFile;
    change(file);
    await writeFile(site.configPath, JSON.stringify(file));
  }

  it('SIGHUP and reload apply what can change, refuse the rest by name, and drop nothing', async () => {
    lab.explainFailure();
    const { host1, nsra } = lab.topology;
    const [site1] = await lab.bothSites();
    await pingUntil(host1, '192.168.1.2');
    const ping = steadyPing(lab);
    await ping.waitFor(/icmp_seq=50 /);

    await edit(site1, ({ tunnels: [tunnel] }) => Object.assign(tunnel?.macsec ?? {}, { replayWindow: 64 }));
    process.kill(site1.pid, 'SIGHUP');
    await until(site1, ({ macsec }) => macsec.window === 64);

    await edit(site1, (file) => {
      const second = tunnelFile(lab.topology, 1, {
        name: 'second',
        tap: { ifname: 'macsec2', mac: '00:00:00:33:33:33', bridge: null },
        gre: { key: 2 },
        macsec: { txSa: [{ an: 0, keyId: '03', key: '33'.repeat(16) }], rxSc: [] },
      });
      file.tunnels.push(second);
    });
    expect(await site1.command('reload')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/second: added/),
    });
    expect((await nsra.run(['ip', 'link', 'show', 'macsec2'])).code).toBe(0);

    await edit(site1, (file) => {
      file.tunnels.pop();
      Object.assign(file, { workers: 7 });
    });
    expect(await site1.command('reload')).toMatchObject({
      code: 69,
      stdout: expect.stringMatching(/second: removed/),
      stderr: expect.stringMatching(/workers/),
    });
    expect((await nsra.run(['ip', 'link', 'show', 'macsec2'])).code).not.toBe(0);

    await writeFile(site1.configPath, '{');
    expect((await site1.command('reload')).code).not.toBe(0);
    const { sent, lost } = await pingResult(ping);
    expect(sent).toBeGreaterThan(100);
    expect(lost).toBe(0);
  });
});

suite('a peer behind NAT', { programs: ['nft'], python: true }, () => {
  const lab = labOfTests({ prefix: 'nat' });

  /** The WAN shows site 1 to site 2 as 2.2.2.254 with this port. */
  const translate = (port: number): Promise<string> =>
    lab.topology.wan.must(['nft', '-f', '-'], {
      input: `
        table ip lab { }
        flush table ip lab
        table ip lab {
          chain outward {
            type filter hook postrouting priority 0
            ip saddr 1.1.1.1 udp sport 4754 ip saddr set 2.2.2.254 udp sport set ${port}
          }
          chain inward {
            type filter hook prerouting priority 0
            ip daddr 2.2.2.254 udp dport ${port} ip daddr set 1.1.1.1 udp dport set 4754
          }
        }
      `,
    });

  it('is found where its authentic frames come from, also when that changes; nobody else is', async () => {
    lab.explainFailure();
    const { host1, host2, nsrb, wan } = lab.topology;
    const udp = { encap: 'udp', df: true };
    const site1 = lab.site(1, { gre: udp });
    const site2 = lab.site(2, { gre: { ...udp, remote: 'dynamic' }, tap: { mtu: 1422 } });
    await Promise.all([site1.start(), site2.start()]);
    await translate(40_001);

    expect(await pingOnce(host2, '192.168.1.1')).toBe(false);
    await site2.countersWhen((now) => (now.NoEndpoint ?? 0) > 0);
    await pingUntil(host1, '192.168.1.2');
    expect((await seen(site2)).endpoint).toMatch(/2\.2\.2\.254.*40001/);

    await translate(40_002);
    await pingUntil(host1, '192.168.1.2');
    await until(site2, ({ endpoint }) => /2\.2\.2\.254.*40002/.test(endpoint ?? ''));

    const frame = ethernet('00:00:00:00:00:02', '00:00:00:00:00:01', ETHERTYPE_TEST, pattern(60));
    const forged = protect(frame, { key: KEY_2, sci: '0000001111110001', pn: 90_000 });
    const stranger = await Sender.udp(wan, '2.2.2.254:5555', '2.2.2.2:4754');
    const [before, tapBefore] = [await site2.counters(), await tapDelivered(nsrb)];
    await stranger.send(gre(forged), gre(frame), gre(forged.subarray(0, 20)));
    await site2.countersWhen((now) => now.InPktsNotValid === (before.InPktsNotValid ?? 0) + 1);
    await stranger.close();
    expect(await tapDelivered(nsrb)).toBe(tapBefore);
    expect((await seen(site2)).endpoint).toMatch(/40002/);
    await pingUntil(host1, '192.168.1.2');
  });

  it('a replayed frame from another address does not move it', async () => {
    lab.explainFailure();
    const { host1, wan } = lab.topology;
    const site1 = lab.site(1, { gre: { encap: 'udp' } });
    const site2 = lab.site(2, { gre: { encap: 'udp', remote: 'dynamic' }, tap: { mtu: 1422 } });
    await Promise.all([site1.start(), site2.start()]);
    await translate(40_003);
    const packets = await lab.watchWan(() => pingUntil(host1, '192.168.1.2'));
    const captured = packets.filter(({ src }) => src === '1.1.1.1');
    expect(captured.length).toBeGreaterThan(0);
    const stranger = await Sender.udp(wan, '2.2.2.254:5555', '2.2.2.2:4754');
    await stranger.send(...captured.map((packet) => packet.gre));
    await site2.countersWhen((now) => (now.InPktsLate ?? 0) >= captured.length);
    await stranger.close();
    expect((await seen(site2)).endpoint).toMatch(/40003/);
  });
});
