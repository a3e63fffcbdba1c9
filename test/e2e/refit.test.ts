/**
 * A reload of what lies outside of the SecY: the one tunnel restarts and keeps its TAP, its packet numbers and its keys;
 * another one beside it loses nothing.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { expect, it, vi } from 'vitest';
import type { Background } from '../../lab/run.ts';
import { type Site, type SiteFile, type TunnelFile, tunnelFile } from '../../lab/site.ts';
import { agreed, agreeing } from './mka-kit.ts';
import { labOfTests, mtuOf, pingUntil, suite } from './support.ts';

vi.setConfig({ testTimeout: 180_000 });

interface Seen {
  name: string;
  ifindex: number;
  macsec: { encoding_sa: number; sa_list: { pn: number; key: string }[] };
}

suite('a reload that restarts one tunnel', {}, () => {
  const lab = labOfTests({ prefix: 'ref' });

  /** Beside the reference tunnel, told from it by its GRE key; its TAPs have addresses of their own. */
  function second(side: 1 | 2): TunnelFile {
    const [own, peer] = side === 1 ? ['a1', 'a2'] : ['a2', 'a1'];
    const mac = (n: number): string => `00:00:00:33:33:3${n}`;
    return tunnelFile(lab.topology, side, {
      name: 'second',
      tap: { ifname: 'macsec2', mac: mac(side), bridge: null },
      gre: { key: 2 },
      macsec: {
        txSa: [{ an: 0, keyId: '0a', key: own!.repeat(16) }],
        rxSc: [{ mac: mac(3 - side), sa: [{ an: 0, keyId: '0b', key: peer!.repeat(16) }] }],
      },
    });
  }

  async function bothTunnels(): Promise<[Site, Site]> {
    const { nsra, nsrb, host1 } = lab.topology;
    const sites = ([1, 2] as const).map((side) =>
      lab.siteOf(side, { tunnels: [tunnelFile(lab.topology, side), second(side)] }),
    ) as [Site, Site];
    await Promise.all(sites.map((site) => site.start()));
    await nsra.ip('address add 10.9.0.1/24 dev macsec2\n');
    await nsrb.ip('address add 10.9.0.2/24 dev macsec2\n');
    await pingUntil(nsra, '10.9.0.2');
    await pingUntil(host1, '192.168.1.2');
    return sites;
  }

  async function seen(site: Site, name = 'second'): Promise<Seen> {
    const tunnels = (await site.control('/v1/tunnels')) as Seen[];
    const found = tunnels.find((tunnel) => tunnel.name === name);
    if (found === undefined) throw new Error(`${site.name}: no tunnel ${name}`);
    return found;
  }

  async function edit(site: Site, change: (tunnel: TunnelFile, file: SiteFile) => void): Promise<void> {
    const file = JSON.parse(await readFile(site.configPath, 'utf8')) as SiteFile;
    change(file.tunnels[1]!, file);
    await writeFile(site.configPath, JSON.stringify(file));
  }

  async function reload(site: Site): Promise<string> {
    const { code, stdout, stderr } = await site.command('reload');
    expect([code, stderr]).toEqual([0, '']);
    return stdout;
  }

  /** 200 pings per second through the reference tunnel, until told to stop. */
  async function steadyPing(): Promise<Background> {
    const ping = lab.topology.host1.start(['ping', '-n', '-i', '0.005', '-w', '170', '192.168.1.2']);
    await ping.waitFor(/icmp_seq=20 /);
    return ping;
  }

  async function expectNoLoss(ping: Background): Promise<void> {
    const [, seq] = ping.lines.at(-1)?.match(/icmp_seq=(\d+)/) ?? [];
    await ping.waitFor(new RegExp(`icmp_seq=${Number(seq) + 20} `));
    await ping.stop('SIGINT');
    const [, sent, received] = await ping.waitFor(/(\d+) packets transmitted, (\d+) received/);
    expect(Number(sent)).toBeGreaterThan(40);
    // The last one may be under way.
    expect(Number(sent) - Number(received)).toBeLessThanOrEqual(1);
  }

  it('whatever of gre and tap changes: its TAP, its numbers and its neighbour stay', async () => {
    lab.explainFailure();
    const { nsra } = lab.topology;
    const sites = await bothTunnels();
    const [site1] = sites;
    const { ifindex } = await seen(site1);
    const ping = await steadyPing();
    let pn = 0;
    const changes: Record<string, unknown>[] = [
      { gre: { key: 3 } },
      { gre: { checksum: true } },
      { gre: { encap: 'udp', key: null } },
      { gre: { port: 4800 } },
      { gre: { ttl: 7 } },
      { gre: { encap: 'none', port: 4754, key: 3, checksum: false } },
      { tap: { mtu: 1300 } },
      { tap: { mssClamp: 1200 } },
    ];
    for (const change of changes) {
      for (const site of sites) {
        await edit(site, (tunnel) => {
          Object.assign(tunnel.gre, change.gre);
          Object.assign(tunnel.tap, change.tap);
        });
        expect(await reload(site)).toBe('tunnel second: restarted\n');
      }
      await pingUntil(nsra, '10.9.0.2');
      const now = await seen(site1);
      expect(now.ifindex).toBe(ifindex);
      const next = now.macsec.sa_list[0]!.pn;
      // Never back, whatever the lanes before had taken.
      expect(next).toBeGreaterThan(pn);
      pn = next;
    }
    expect(await mtuOf(nsra, 'macsec2')).toBe(1300);
    await expectNoLoss(ping);
    for (const site of sites) {
      for (const tunnel of ['second', site === site1 ? 'site2' : 'site1']) {
        expect(await site.counters(tunnel)).toMatchObject({ InPktsNotValid: 0, InPktsLate: 0 });
      }
    }
  });

  it('a packet number is never used twice, and none of before is taken again, over restarts and a stop', async () => {
    lab.explainFailure();
    const { nsra } = lab.topology;
    const [site1, site2] = await bothTunnels();
    const captured = await lab.watchWan(async () => {
      for (const ttl of [10, 11, 12, 13]) {
        await edit(site1, (tunnel) => Object.assign(tunnel.gre, { ttl }));
        await edit(site2, (tunnel) => Object.assign(tunnel.gre, { ttl }));
        await reload(site1);
        await nsra.run(['ping', '-q', '-f', '-c', '50', '-w', '5', '10.9.0.2']);
        await reload(site2);
        await pingUntil(nsra, '10.9.0.2');
      }
      await site1.stop();
      await site1.start();
      await nsra.ip('address add 10.9.0.1/24 dev macsec2\n');
      await pingUntil(nsra, '10.9.0.2');
    });
    const numbers = captured
      .filter(({ src, gre }) => src === '1.1.1.1' && gre.readUInt32BE(4) === 2)
      // GRE with a key has 8 octets; addresses, EtherType, TCI and SL come before the PN.
      .map(({ gre }) => gre.readUInt32BE(8 + 16));
    expect(numbers.length).toBeGreaterThan(200);
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(await site2.counters('second')).toMatchObject({ InPktsLate: 0 });
  });

  it('another bridge takes the TAP over; one that is not there leaves all as it was', async () => {
    lab.explainFailure();
    const { nsra } = lab.topology;
    const [site1] = await bothTunnels();
    await nsra.ip('link add br7 type bridge\n');
    const master = async (): Promise<string | undefined> =>
      (JSON.parse(await nsra.must(['ip', '-j', 'link', 'show', 'macsec2'])) as [{ master?: string }])[0]
        .master;
    await edit(site1, (tunnel) => Object.assign(tunnel.tap, { bridge: 'br7' }));
    await reload(site1);
    expect(await master()).toBe('br7');
    const ping = await steadyPing();
    await edit(site1, (tunnel) => Object.assign(tunnel.tap, { bridge: 'br8' }));
    const { code, stderr } = await site1.command('reload');
    expect([code, stderr]).toEqual([
      69,
      expect.stringMatching(/tap\.bridge: "br8": there is no such interface/),
    ]);
    expect(await master()).toBe('br7');
    await edit(site1, (tunnel) => Object.assign(tunnel.tap, { bridge: null }));
    await reload(site1);
    expect(await master()).toBeUndefined();
    await expectNoLoss(ping);
    await pingUntil(nsra, '10.9.0.2');
    await nsra.ip('link del br7\n');
  });

  it('a socket that cannot be opened brings the one before back', async () => {
    lab.explainFailure();
    const { nsra } = lab.topology;
    const [site1, site2] = await bothTunnels();
    for (const site of [site1, site2]) {
      await edit(site, (tunnel) => Object.assign(tunnel.gre, { encap: 'udp', key: null }));
      await reload(site);
    }
    await pingUntil(nsra, '10.9.0.2');
    const taken = nsra.start(['/usr/bin/python3', '-c', HOLD_4999]);
    await taken.waitFor(/held/);
    const ping = await steadyPing();
    await edit(site1, (tunnel) => Object.assign(tunnel.gre, { port: 4999 }));
    const { code, stderr } = await site1.command('reload');
    expect([code, stderr]).toEqual([69, expect.stringMatching(/gre\.port: another program holds it/)]);
    await pingUntil(nsra, '10.9.0.2');
    // Nor where there is no route, or no such address here: nothing has been closed for that.
    await edit(site1, (tunnel) => Object.assign(tunnel.gre, { port: 4754, local: '9.9.9.9' }));
    expect((await site1.command('reload')).stderr).toMatch(
      /gre\.local: 9\.9\.9\.9 is not an address of this host/,
    );
    await pingUntil(nsra, '10.9.0.2');
    await expectNoLoss(ping);
    await taken.stop('SIGKILL');
  });

  it('what was done is undone where a later step fails', async () => {
    lab.explainFailure();
    const { nsra } = lab.topology;
    const [site1] = await bothTunnels();
    const { ifindex } = await seen(site1);
    const ping = await steadyPing();
    await edit(site1, (tunnel, file) => {
      Object.assign(tunnel.gre, { key: 9 });
      Object.assign(tunnel.tap, { mtu: 1200 });
      file.tunnels.push({
        ...second(1),
        name: 'third',
        tap: { ifname: 'vra' },
        gre: { ...second(1).gre, key: 8 },
      });
      Object.assign(file.tunnels[2]!, { macsec: { mka: { ckn: '03', cak: '6b'.repeat(16) } } });
    });
    expect((await site1.command('reload')).stderr).toMatch(/there is an interface "vra" already/);
    await pingUntil(nsra, '10.9.0.2');
    expect((await seen(site1)).ifindex).toBe(ifindex);
    expect(await mtuOf(nsra, 'macsec2')).toBeGreaterThan(1400);
    await expectNoLoss(ping);
  });

  it('an agreement goes on with the same key', async () => {
    lab.explainFailure();
    const { host1 } = lab.topology;
    const sites = await lab.bothSites(agreeing());
    const ki = await agreed(sites);
    for (const site of sites) {
      await edit(site, (_, { tunnels: [tunnel] }) => Object.assign(tunnel!.gre, { encap: 'udp' }));
      await reload(site);
    }
    await pingUntil(host1, '192.168.1.2');
    expect(await agreed(sites)).toBe(ki);
  });

  it('a carrier that becomes that of the peer, and always there again, is taken and given on the same TAP', async () => {
    lab.explainFailure();
    const { nsra } = lab.topology;
    const sites = await bothTunnels();
    const [site1] = sites;
    const { ifindex } = await seen(site1);
    const carrier = async (): Promise<string> => nsra.must(['cat', '/sys/class/net/macsec2/carrier']);
    const ping = await steadyPing();
    const change = async (tap: object, keepalive: object | null): Promise<void> => {
      for (const site of sites) {
        await edit(site, (tunnel) => Object.assign(tunnel, { tap: { ...tunnel.tap, ...tap }, keepalive }));
        expect(await reload(site)).toBe('tunnel second: restarted\n');
      }
    };
    await change({ carrier: 'peer', carrierDelayMs: 0 }, {});
    await site1.waitForLog(/"second".*carrier up/, 60_000);
    expect(await carrier()).toBe('1\n');
    await pingUntil(nsra, '10.9.0.2');
    await sites[1].stop();
    await site1.waitForLog(/"second".*carrier down/, 60_000);
    expect(await carrier()).toBe('0\n');
    await edit(site1, (tunnel) =>
      Object.assign(tunnel, { tap: { ...tunnel.tap, carrier: 'up' }, keepalive: null }),
    );
    await reload(site1);
    expect(await carrier()).toBe('1\n');
    expect((await seen(site1)).ifindex).toBe(ifindex);
    await ping.stop('SIGINT');
  });

  it('another cipher and other keys are another tunnel with the same TAP; another name of it, another TAP', async () => {
    lab.explainFailure();
    const { nsra } = lab.topology;
    const sites = await bothTunnels();
    const [site1] = sites;
    const { ifindex } = await seen(site1);
    const ping = await steadyPing();
    for (const site of sites) {
      await edit(site, ({ macsec }) => {
        macsec!.cipher = 'gcm-aes-256';
        const peer = macsec!.rxSc![0]!;
        for (const sa of [macsec!.txSa![0]!, peer.sa[0]!]) Object.assign(sa, { key: sa.key!.repeat(2) });
      });
      expect(await reload(site)).toBe('tunnel second: restarted\n');
    }
    await pingUntil(nsra, '10.9.0.2');
    expect((await seen(site1)).ifindex).toBe(ifindex);
    await edit(site1, (tunnel) => Object.assign(tunnel.tap, { ifname: 'macsec3' }));
    expect(await reload(site1)).toBe('tunnel second: restarted\n');
    expect((await nsra.run(['ip', 'link', 'show', 'macsec2'])).code).not.toBe(0);
    await nsra.ip('address add 10.9.0.1/24 dev macsec3\n');
    await pingUntil(nsra, '10.9.0.2');
    // A name that is taken: the one before is there again, with the same SAs.
    await edit(site1, (tunnel) => Object.assign(tunnel.tap, { ifname: 'vra' }));
    expect((await site1.command('reload')).stderr).toMatch(/there is an interface "vra" already/);
    await nsra.ip('address add 10.9.0.1/24 dev macsec3\n');
    await pingUntil(nsra, '10.9.0.2');
    await expectNoLoss(ping);
  });
});

const HOLD_4999 = `
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("1.1.1.1", 4999))
print("held", flush=True)
time.sleep(300)
`;
