/** The configuration file changes under a running daemon: what can change does, and nothing else is touched. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Background } from '../../lab/run.ts';
import { type Site, type SiteFile, type TunnelFile, tunnelFile } from '../../lab/site.ts';
import { type Lab, labOfTests, pingOnce, pingUntil, suite } from './support.ts';

interface Seen {
  name: string;
  rotation: { an: number; state: string } | null;
  macsec: {
    validate: string;
    replay: boolean;
    window?: number;
    encoding_sa: number;
    sa_list: { an: number; key: string }[];
    rx_sc: { sa_list: { an: number }[] }[];
  };
}

async function seen(site: Site, name: string): Promise<Seen | undefined> {
  const tunnels = (await site.control('/v1/tunnels')) as Seen[];
  return tunnels.find((tunnel) => tunnel.name === name);
}

async function edit(site: Site, change: (file: SiteFile) => void): Promise<void> {
  const file = JSON.parse(await readFile(site.configPath, 'utf8')) as SiteFile;
  change(file);
  await writeFile(site.configPath, JSON.stringify(file));
}

/** SIGHUP; returns the line of the log that answers it. */
async function hangUp(site: Site): Promise<string> {
  const from = site.output().split('\n').length;
  process.kill(site.pid, 'SIGHUP');
  const [line] = await site.waitForLog(/.*"msg":"(reloaded|not reloaded).*/, 10_000, from);
  return line;
}

/** 500 pings per second through the reference tunnel, until told to stop. */
async function steadyPing(lab: Lab): Promise<Background> {
  const ping = lab.topology.host1.start(['ping', '-n', '-i', '0.002', '-w', '50', '192.168.1.2']);
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

suite('a reload by SIGHUP', {}, () => {
  const lab = labOfTests({ prefix: 'hup' });

  /** A tunnel beside the reference one, told from it by its GRE key; its TAPs have addresses of their own. */
  function second(side: 1 | 2, an: number, keys: readonly [string, string]): TunnelFile {
    const [own, peer] = side === 1 ? keys : [keys[1], keys[0]];
    const mac = (n: number): string => `00:00:00:33:33:3${n}`;
    return tunnelFile(lab.topology, side, {
      name: 'second',
      tap: { ifname: 'macsec2', mac: mac(side), bridge: null },
      gre: { key: 2 },
      macsec: {
        encodingSa: an,
        txSa: [{ an, keyId: `0${an}`, key: own.repeat(16) }],
        rxSc: [{ mac: mac(3 - side), sa: [{ an, keyId: `0${an}`, key: peer.repeat(16) }] }],
      },
    });
  }

  it('tunnels come, change and go while another one loses nothing', async () => {
    lab.explainFailure();
    const { host1, nsra, nsrb } = lab.topology;
    const sites = await lab.bothSites();
    const [site1, site2] = sites;
    await pingUntil(host1, '192.168.1.2');
    const ping = await steadyPing(lab);
    const both = async (change: (file: SiteFile, side: 1 | 2) => void): Promise<void> => {
      await edit(site1, (file) => change(file, 1));
      await edit(site2, (file) => change(file, 2));
      for (const site of sites) expect(await hangUp(site)).toMatch(/"msg":"reloaded"/);
    };

    await both((file, side) => file.tunnels.push(second(side, 0, ['a1', 'a2'])));
    await nsra.ip('address add 10.9.0.1/24 dev macsec2\n');
    await nsrb.ip('address add 10.9.0.2/24 dev macsec2\n');
    await pingUntil(nsra, '10.9.0.2');

    await both((file, side) => {
      file.tunnels[1] = second(side, 1, ['b1', 'b2']);
    });
    for (const site of sites) {
      expect((await seen(site, 'second'))?.macsec).toMatchObject({ encoding_sa: 1, sa_list: [{ an: 1 }] });
    }
    await pingUntil(nsra, '10.9.0.2');

    await both((file) =>
      Object.assign(file.tunnels[1]?.macsec ?? {}, { validate: 'check', replayWindow: 64 }),
    );
    expect((await seen(site1, 'second'))?.macsec).toMatchObject({ validate: 'check', window: 64 });
    await pingUntil(nsra, '10.9.0.2');
    await both((file) => Object.assign(file.tunnels[1]?.macsec ?? {}, { replayProtect: false }));
    expect((await seen(site1, 'second'))?.macsec.replay).toBe(false);
    await pingUntil(nsra, '10.9.0.2');

    await both((file) => file.tunnels.pop());
    expect(await seen(site1, 'second')).toBeUndefined();
    expect((await nsra.run(['ip', 'link', 'show', 'macsec2'])).code).not.toBe(0);

    await expectNoLoss(ping);
    for (const site of sites) {
      expect(await site.counters(site === site1 ? 'site2' : 'site1')).toMatchObject({
        InPktsNotUsingSA: 0,
        InPktsNotValid: 0,
        InPktsLate: 0,
      });
    }
  });

  it('a reference tunnel whose own settings change goes on meanwhile', async () => {
    lab.explainFailure();
    const [site1] = await lab.bothSites();
    await pingUntil(lab.topology.host1, '192.168.1.2');
    const ping = await steadyPing(lab);
    const changes = [
      { validate: 'check' },
      { replayProtect: false },
      { validate: 'strict' },
      { encrypt: false },
    ];
    for (const change of changes) {
      await edit(site1, ({ tunnels: [tunnel] }) => Object.assign(tunnel?.macsec ?? {}, change));
      expect(await hangUp(site1)).toMatch(/"changed":\["site2"\]/);
    }
    await expectNoLoss(ping);
  });

  it('a file that is broken, or that cannot be carried out, leaves everything as it was', async () => {
    lab.explainFailure();
    const { host1, nsra, nsrb } = lab.topology;
    const sites = [1, 2].map((n) => {
      const side = n as 1 | 2;
      return lab.siteOf(side, { tunnels: [tunnelFile(lab.topology, side), second(side, 0, ['c1', 'c2'])] });
    });
    const [site1] = sites as [Site, Site];
    await Promise.all(sites.map((site) => site.start()));
    await nsra.ip('address add 10.9.0.1/24 dev macsec2\n');
    await nsrb.ip('address add 10.9.0.2/24 dev macsec2\n');
    await pingUntil(nsra, '10.9.0.2');
    await pingUntil(host1, '192.168.1.2');
    const ping = await steadyPing(lab);
    const good = await readFile(site1.configPath, 'utf8');

    for (const bad of ['{', '{}', good.replace('"tunnels"', '"tunels"')]) {
      await writeFile(site1.configPath, bad);
      expect(await hangUp(site1)).toMatch(/not reloaded, everything stays as it was: /);
      const { code, stderr } = await site1.command('reload', '--socket', site1.controlSocket);
      expect([code, stderr]).toEqual([78, expect.stringMatching(/site1\.json/)]);
    }

    // The second tunnel goes, the first changes, and then the third cannot come: its device's name is taken.
    await writeFile(site1.configPath, good);
    await edit(site1, (file) => {
      file.tunnels.pop();
      Object.assign(file.tunnels[0]?.macsec ?? {}, { validate: 'check' });
      file.tunnels.push({ ...second(1, 0, ['d1', 'd2']), name: 'third' });
      Object.assign(file.tunnels[1]?.tap ?? {}, { ifname: 'vra' });
    });
    expect(await hangUp(site1)).toMatch(/not reloaded, everything stays as it was: .*vra/);
    expect((await seen(site1, 'site2'))?.macsec.validate).toBe('strict');
    expect(await seen(site1, 'third')).toBeUndefined();
    // Its TAP is a new one: the address has gone with the old.
    await nsra.ip('address add 10.9.0.1/24 dev macsec2\n');
    await pingUntil(nsra, '10.9.0.2');

    // And the next good file is applied as if nothing had been.
    await writeFile(site1.configPath, good);
    expect(await hangUp(site1)).toMatch(/"added":\[\],"removed":\[\],"changed":\[\]/);
    await edit(site1, (file) => file.tunnels.pop());
    expect(await hangUp(site1)).toMatch(/"removed":\["second"\]/);
    await expectNoLoss(ping);
  });

  it('what cannot change is refused by its name, every time, and holds nothing else up', async () => {
    lab.explainFailure();
    const [site1] = await lab.bothSites();
    await pingUntil(lab.topology.host1, '192.168.1.2');
    await edit(site1, (file) => {
      const [tunnel] = file.tunnels;
      Object.assign(tunnel?.macsec ?? {}, { replayWindow: 7 });
      Object.assign(file, { crypto: 'node', workers: 3, log: { level: 'debug' } });
    });
    for (let i = 0; i < 2; i++) {
      const { code, stderr } = await site1.command('reload');
      expect([code, stderr]).toEqual([
        69,
        expect.stringMatching(/crypto cannot change.*\n.*workers cannot change/),
      ]);
      expect(await pingOnce(lab.topology.host1, '192.168.1.2')).toBe(true);
    }
  });
});

suite('a reload after a rotation', {}, () => {
  const lab = labOfTests({ prefix: 'huprot' });

  async function rotateBoth(sites: readonly [Site, Site]): Promise<void> {
    const keys = ['e1', 'e2'].map((octet) => `${octet.repeat(16)}\n`);
    for (const [i, site] of sites.entries()) {
      const [tx, rx] = [join(site.dir, 'tx'), join(site.dir, 'rx')];
      await writeFile(tx, keys[i] ?? '', { mode: 0o600 });
      await writeFile(rx, keys[1 - i] ?? '', { mode: 0o600 });
      const args = ['--tx-key-file', tx, '--rx-key-file', rx, '--grace', '0', ...(i === 1 ? ['--now'] : [])];
      expect((await site.command('rotate', i === 0 ? 'site2' : 'site1', ...args)).code).toBe(0);
    }
  }

  async function untilDone(sites: readonly [Site, Site]): Promise<void> {
    for (const end = Date.now() + 10_000; Date.now() < end; ) {
      const [one, two] = [await seen(sites[0], 'site2'), await seen(sites[1], 'site1')];
      if ([one, two].every((tunnel) => tunnel?.rotation?.state === 'done')) return;
    }
    throw new Error('the rotation did not end');
  }

  it('an edit that is not about keys does not bring the old ones back; one that is, does', async () => {
    lab.explainFailure();
    const sites = await lab.bothSites();
    const [site1] = sites;
    const { host1 } = lab.topology;
    await pingUntil(host1, '192.168.1.2');
    const ping = await steadyPing(lab);
    await rotateBoth(sites);
    await untilDone(sites);
    for (const change of [{ replayWindow: 64 }, { validate: 'check' }]) {
      await edit(site1, ({ tunnels: [tunnel] }) => Object.assign(tunnel?.macsec ?? {}, change));
      expect(await hangUp(site1)).toMatch(/"changed":\["site2"\]/);
      const running = (await seen(site1, 'site2'))?.macsec;
      expect(running).toMatchObject({ encoding_sa: 1, sa_list: [{ an: 1 }] });
      expect(running?.rx_sc[0]?.sa_list).toMatchObject([{ an: 1 }]);
    }
    await expectNoLoss(ping);
    expect((await seen(site1, 'site2'))?.macsec).toMatchObject({ validate: 'check', window: 64 });

    await edit(site1, ({ tunnels: [tunnel] }) =>
      Object.assign(tunnel?.macsec ?? {}, { txSa: [{ an: 0, keyId: '0f', key: '0f'.repeat(16) }] }),
    );
    await hangUp(site1);
    expect((await seen(site1, 'site2'))?.macsec).toMatchObject({
      encoding_sa: 0,
      sa_list: [{ an: 0, key: expect.stringMatching(/^0f/) }],
    });
  });

  it('a rotation that is under way goes on through an edit that is not about keys', async () => {
    lab.explainFailure();
    const sites = await lab.bothSites();
    const [site1, site2] = sites;
    await pingUntil(lab.topology.host1, '192.168.1.2');
    const [tx, rx] = [join(site1.dir, 'tx'), join(site1.dir, 'rx')];
    await writeFile(tx, `${'f1'.repeat(16)}\n`, { mode: 0o600 });
    await writeFile(rx, `${'f2'.repeat(16)}\n`, { mode: 0o600 });
    const keys = (a: string, b: string): string[] => ['--tx-key-file', a, '--rx-key-file', b, '--grace', '0'];
    expect((await site1.command('rotate', 'site2', ...keys(tx, rx))).code).toBe(0);
    await edit(site1, ({ tunnels: [tunnel] }) => Object.assign(tunnel?.macsec ?? {}, { replayWindow: 99 }));
    expect(await hangUp(site1)).toMatch(/"changed":\["site2"\]/);
    // Nor does it notice that the tunnel restarts.
    await edit(site1, ({ tunnels: [tunnel] }) => Object.assign(tunnel?.gre ?? {}, { ttl: 99 }));
    expect(await hangUp(site1)).toMatch(/"restarted":\["site2"\]/);
    await pingUntil(lab.topology.host1, '192.168.1.2');
    const ping = await steadyPing(lab);
    expect((await site2.command('rotate', 'site1', '--now', ...keys(rx, tx))).code).toBe(0);
    await untilDone(sites);
    await expectNoLoss(ping);
    expect((await seen(site1, 'site2'))?.macsec).toMatchObject({ encoding_sa: 1, window: 99 });

    // What it has brought goes over to a tunnel with another TAP.
    await edit(site1, ({ tunnels: [tunnel] }) => Object.assign(tunnel?.tap ?? {}, { ifname: 'macsec7' }));
    expect(await hangUp(site1)).toMatch(/"restarted":\["site2"\]/);
    await pingUntil(lab.topology.host1, '192.168.1.2');
    expect((await seen(site1, 'site2'))?.macsec).toMatchObject({ encoding_sa: 1, sa_list: [{ an: 1 }] });
  });
});
