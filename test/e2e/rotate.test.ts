/** Keys change again and again while frames flow, and a change that cannot be leaves everything as it was. */
import { chmod, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { Background, RunResult } from '../../lab/run.ts';
import type { Site } from '../../lab/site.ts';
import { type Lab, labOfTests, pingOnce, pingUntil, suite } from './support.ts';

interface Seen {
  rotation: { an: number; state: string } | null;
  macsec: {
    encoding_sa: number;
    sa_list: { an: number; key: string; pn: number }[];
    rx_sc: { sa_list: { an: number; key: string }[] }[];
  };
}

async function seen(site: Site): Promise<Seen> {
  const [tunnel] = (await site.control('/v1/tunnels')) as [Seen];
  return tunnel;
}

/** Asks until both ends are through with the change to `an`. */
async function untilDone(sites: readonly Site[], an: number, timeoutMs = 10_000): Promise<void> {
  for (const end = Date.now() + timeoutMs; ; ) {
    const all = await Promise.all(sites.map(seen));
    if (all.every(({ rotation }) => rotation?.an === an && rotation.state === 'done')) return;
    if (Date.now() > end) throw new Error(`the rotation to AN ${an} did not end: ${JSON.stringify(all)}`);
  }
}

/** Writes a key file into the site's directory; returns its path. */
async function keyFile(site: Site, name: string, hex: string, mode = 0o600): Promise<string> {
  const path = join(site.dir, name);
  await writeFile(path, `${hex}\n`, { mode });
  await chmod(path, mode);
  return path;
}

/** 200 pings per second, until told to stop. */
async function steadyPing(lab: Lab): Promise<Background> {
  const ping = lab.topology.host1.start(['ping', '-n', '-i', '0.005', '-w', '40', '192.168.1.2']);
  await ping.waitFor(/icmp_seq=20 /);
  return ping;
}

/** Stops it; how many were sent and how many of them had no answer (the last one may be under way). */
async function pingResult(ping: Background): Promise<{ sent: number; lost: number }> {
  await ping.stop('SIGINT');
  const [, sent, received] = await ping.waitFor(/(\d+) packets transmitted, (\d+) received/);
  return { sent: Number(sent), lost: Math.max(0, Number(sent) - Number(received) - 1) };
}

const XPN = (sas: readonly [string, string], peerMac: string): Record<string, unknown> => ({
  cipher: 'gcm-aes-xpn-128',
  txSa: [{ an: 0, keyId: '0a', key: sas[0], ssci: 1, salt: '00112233445566778899aabb' }],
  rxSc: [
    { mac: peerMac, sa: [{ an: 0, keyId: '0b', key: sas[1], ssci: 2, salt: '00112233445566778899aabb' }] },
  ],
});

suite('keys change again and again', {}, () => {
  const lab = labOfTests({ prefix: 'again' });

  /** Changes the keys, `first` beginning; `n` makes them new. */
  async function change(first: Site, second: Site, n: number, octets = 16): Promise<void> {
    const [a, b] = [`a${n}`.repeat(octets), `b${n}`.repeat(octets)];
    const args = ['--grace', '1'];
    const run = async (site: Site, tx: string, rx: string, ...more: string[]): Promise<RunResult> =>
      site.command(
        'rotate',
        site.name === 'site1' ? 'site2' : 'site1',
        '--tx-key-file',
        await keyFile(site, `tx${n}`, tx),
        '--rx-key-file',
        await keyFile(site, `rx${n}`, rx),
        ...args,
        ...more,
      );
    expect(await run(first, a, b)).toMatchObject({ code: 0, stderr: '' });
    expect(await run(second, b, a, '--now')).toMatchObject({ code: 0, stderr: '' });
  }

  async function expectNothingLost(sites: readonly Site[]): Promise<void> {
    for (const site of sites) {
      expect(await site.counters()).toMatchObject({
        InPktsNotUsingSA: 0,
        InPktsNotValid: 0,
        InPktsLate: 0,
        InPktsDelayed: 0,
      });
    }
  }

  it('AN 0, 1, 2, 3 and 0 again, either end first: no frame is lost', async () => {
    lab.explainFailure();
    const [site1, site2] = await lab.bothSites();
    await pingUntil(lab.topology.host1, '192.168.1.2');
    const ping = await steadyPing(lab);
    for (const [n, an] of [1, 2, 3, 0, 1].entries()) {
      const [first, second] = n % 2 === 0 ? [site1, site2] : [site2, site1];
      await change(first!, second!, n);
      await untilDone([site1, site2], an);
      for (const { macsec } of await Promise.all([site1, site2].map(seen))) {
        expect(macsec.encoding_sa).toBe(an);
        expect(macsec.sa_list.map((sa) => sa.an)).toEqual([an]);
        expect(macsec.rx_sc[0]?.sa_list.map((sa) => sa.an)).toEqual([an]);
      }
    }
    const { sent, lost } = await pingResult(ping);
    expect(sent).toBeGreaterThan(400);
    expect(lost).toBe(0);
    await expectNothingLost([site1, site2]);
    expect((await seen(site1)).macsec.sa_list[0]?.key).toMatch(/^06/);
  });

  it('with 64-bit packet numbers: SSCI and salt go on', async () => {
    lab.explainFailure();
    const { site1: one, site2: two } = lab.topology;
    const [k1, k2] = ['51'.repeat(16), '52'.repeat(16)];
    const other = (macsec: Record<string, unknown>): Record<string, unknown> =>
      JSON.parse(JSON.stringify(macsec).replace(/"ssci":(\d)/g, (_, ssci) => `"ssci":${3 - Number(ssci)}`));
    const site1 = lab.site(1, { macsec: XPN([k1, k2], two.tapMac) });
    const site2 = lab.site(2, { macsec: other(XPN([k2, k1], one.tapMac)) });
    await Promise.all([site1.start(), site2.start()]);
    await pingUntil(lab.topology.host1, '192.168.1.2');
    const ping = await steadyPing(lab);
    await change(site1, site2, 7);
    await untilDone([site1, site2], 1);
    for (const site of [site1, site2]) await site.waitForLog(/rotation done: the old keys are gone/);
    expect((await pingResult(ping)).lost).toBe(0);
    await expectNothingLost([site1, site2]);
    expect((await site1.command('show')).stdout).toMatch(/ {8}1: PN \d+,SSCI 00000001 state on, key 0b/);
  });

  it('two ends that wait for each other are set going by --now with the same keys', async () => {
    lab.explainFailure();
    const sites = await lab.bothSites();
    await pingUntil(lab.topology.host1, '192.168.1.2');
    const ping = await steadyPing(lab);
    const rotate = async (i: 0 | 1, ...more: string[]): Promise<RunResult> => {
      const [tx, rx] = i === 0 ? ['91', '92'] : ['92', '91'];
      const files = [
        await keyFile(sites[i], 'tx', (tx ?? '').repeat(16)),
        await keyFile(sites[i], 'rx', (rx ?? '').repeat(16)),
      ];
      const name = i === 0 ? 'site2' : 'site1';
      const args = ['--tx-key-file', files[0] ?? '', '--rx-key-file', files[1] ?? '', '--grace', '0'];
      return sites[i].command('rotate', name, ...args, ...more);
    };
    for (const i of [0, 1] as const) expect((await rotate(i)).code).toBe(0);
    expect((await rotate(0)).code).toBe(75);
    expect(await rotate(0, '--now')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/AN 1; grace time/),
    });
    await untilDone(sites, 1);
    expect((await pingResult(ping)).lost).toBe(0);
    await expectNothingLost(sites);
  });

  /** `l2vpnd rotate` at both ends with keys that `n` makes new; the first of `sites` has the keys the right way round. */
  async function rotate(sites: readonly Site[], i: 0 | 1, n: number, ...more: string[]): Promise<RunResult> {
    const site = sites[i]!;
    const [tx, rx] = i === 0 ? [`a${n}`, `b${n}`] : [`b${n}`, `a${n}`];
    const files = [
      await keyFile(site, `tx${n}`, tx.repeat(16)),
      await keyFile(site, `rx${n}`, rx.repeat(16)),
    ];
    const name = site.name === 'site1' ? 'site2' : 'site1';
    return site.command('rotate', name, '--tx-key-file', files[0]!, '--rx-key-file', files[1]!, ...more);
  }

  it('after it both ends killed and started by their old files, in either order, have the new keys', async () => {
    lab.explainFailure();
    const sites = await lab.bothSites();
    await pingUntil(lab.topology.host1, '192.168.1.2');
    const ping = await steadyPing(lab);
    await change(sites[0], sites[1], 5);
    await untilDone(sites, 1);
    await pingResult(ping);
    const before = (await seen(sites[0])).macsec.sa_list[0]?.pn ?? Number.NaN;
    for (const order of [
      [0, 1],
      [1, 0],
    ] as const) {
      await Promise.all(sites.map((site) => site.kill9()));
      for (const i of order) await sites[i].start();
      await pingUntil(lab.topology.host1, '192.168.1.2');
      const ends = await Promise.all(sites.map(seen));
      const keys = ends.map(({ macsec }) => macsec.sa_list.map(({ an, key }) => [an, key.slice(0, 2)]));
      expect(keys).toEqual([[[1, '02']], [[1, '03']]]);
      expect(ends.map(({ macsec }) => macsec.encoding_sa)).toEqual([1, 1]);
    }
    expect((await seen(sites[0])).macsec.sa_list[0]?.pn).toBeGreaterThan(before);
  });

  it('a key that it has retired is refused by its name, though nothing else of the rotation is left', async () => {
    lab.explainFailure();
    const sites = await lab.bothSites();
    await pingUntil(lab.topology.host1, '192.168.1.2');
    const ping = await steadyPing(lab);
    await change(sites[0], sites[1], 6);
    await untilDone(sites, 1);
    await pingResult(ping);
    const stored = async (end: string): Promise<string[]> =>
      (await readdir(sites[0].stateDir)).filter((name) => name.endsWith(end));
    await vi.waitUntil(async () => (await stored('.key.json')).length >= 3, { timeout: 5000 });
    await sites[0].stop();
    for (const name of await stored('.rotation.json')) await rm(join(sites[0].stateDir, name));
    const { code, stderr } = await sites[0].startToFail();
    expect(`${code} ${stderr}`).toMatch(
      /^78 .*key 01 \(SCI 0000001111110001\) was retired at .* take a new key/,
    );
  });

  it('in its middle both ends killed: they go on with it', async () => {
    lab.explainFailure();
    const sites = await lab.bothSites();
    await pingUntil(lab.topology.host1, '192.168.1.2');
    expect((await rotate(sites, 0, 7, '--grace', '1')).code).toBe(0);
    expect((await rotate(sites, 1, 7, '--grace', '1', '--now')).code).toBe(0);
    await Promise.all(sites.map((site) => site.kill9()));
    await Promise.all(sites.map((site) => site.start()));
    await pingUntil(lab.topology.host1, '192.168.1.2');
    const ping = await steadyPing(lab);
    await untilDone(sites, 1);
    expect((await pingResult(ping)).lost).toBe(0);
  });

  it('begun at both ends at once, with --now, it ends at both on the same AN', async () => {
    lab.explainFailure();
    const sites = await lab.bothSites();
    await pingUntil(lab.topology.host1, '192.168.1.2');
    const ping = await steadyPing(lab);
    const both = [0, 1] as const;
    const answers = await Promise.all(both.map((i) => rotate(sites, i, 8, '--grace', '1', '--now')));
    expect(answers.map(({ code }) => code)).toEqual([0, 0]);
    await untilDone(sites, 1);
    await pingResult(ping);
    await pingUntil(lab.topology.host1, '192.168.1.2');
  });

  it('--wait --write: the file says it, a reload and a restart of either end by it change nothing', async () => {
    lab.explainFailure();
    const sites = await lab.bothSites();
    await pingUntil(lab.topology.host1, '192.168.1.2');
    const ping = await steadyPing(lab);
    const first = rotate(sites, 0, 9, '--grace', '1', '--write');
    await vi.waitUntil(async () => (await seen(sites[0])).rotation !== null, { timeout: 5000 });
    const second = await rotate(sites, 1, 9, '--grace', '1', '--now', '--wait', '20');
    expect(second).toMatchObject({ code: 0, stdout: expect.stringMatching(/AN 1; grace time\n.*: done\n$/) });
    expect(await first).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /AN 1; waiting for the peer\n[\s\S]*: done\n.*site1\.json says so now\n$/,
      ),
    });
    const { tunnels } = JSON.parse(await readFile(sites[0].configPath, 'utf8'));
    expect(tunnels[0].macsec).toMatchObject({
      encodingSa: 1,
      txSa: [{ an: 1, keyId: '02', keyFile: join(sites[0].dir, 'tx9') }],
      rxSc: [{ sa: [{ an: 1, keyFile: join(sites[0].dir, 'rx9') }] }],
    });
    expect(await sites[0].command('reload')).toMatchObject({ code: 0 });
    expect((await readdir(sites[0].stateDir)).filter((name) => name.endsWith('.rotation.json'))).toEqual([]);
    expect((await pingResult(ping)).lost).toBe(0);
    for (const i of [0, 1] as const) {
      await sites[i].stop();
      await sites[i].start();
      await pingUntil(lab.topology.host1, '192.168.1.2');
    }
    expect((await Promise.all(sites.map(seen))).map(({ macsec }) => macsec.encoding_sa)).toEqual([1, 1]);
  });

  it('at one end alone goes back after --back; --abort takes it away; traffic flows again at once', async () => {
    lab.explainFailure();
    const sites = await lab.bothSites();
    await pingUntil(lab.topology.host1, '192.168.1.2');
    const { code, stdout, stderr } = await rotate(sites, 0, 4, '--now', '--back', '1', '--wait');
    expect([code, stdout]).toEqual([75, expect.stringMatching(/AN 1; grace time/)]);
    expect(stderr).toMatch(/the peer has not followed: transmitting with the old key again/);
    await sites[0].waitForLog(/the peer has not followed the rotation: .* has it been rotated/);
    await pingUntil(lab.topology.host1, '192.168.1.2');
    expect(await sites[0].command('rotate', 'site2', '--abort')).toMatchObject({
      code: 0,
      stdout: 'tunnel site2: aborted; the old SAs go on\n',
    });
    expect((await seen(sites[0])).macsec.sa_list.map(({ an }) => an)).toEqual([0]);
    expect(await sites[0].command('rotate', 'site2', '--abort')).toMatchObject({ code: 64 });
    expect(await sites[0].command('rotate', 'site2')).toMatchObject({
      code: 64,
      stderr: expect.stringMatching(/--tx-key-file and --rx-key-file are needed, or --abort/),
    });
    await change(sites[0], sites[1], 3);
    const ping = await steadyPing(lab);
    await untilDone(sites, 1);
    expect((await pingResult(ping)).lost).toBe(0);
  });
});

suite('a key change that cannot be', {}, () => {
  const lab = labOfTests({ prefix: 'norot' });

  describe('leaves keys and traffic as they were', () => {
    it('wrong files, wrong words, another rotation', async () => {
      lab.explainFailure();
      const [site1] = await lab.bothSites();
      await pingUntil(lab.topology.host1, '192.168.1.2');
      const good = await keyFile(site1, 'good', 'c1'.repeat(16));
      const good2 = await keyFile(site1, 'good2', 'c2'.repeat(16));
      const open = await keyFile(site1, 'open', 'c3'.repeat(16), 0o644);
      const short = await keyFile(site1, 'short', 'c4'.repeat(8));
      const long = await keyFile(site1, 'long', 'c5'.repeat(32));
      const odd = await keyFile(site1, 'odd', `${'c6'.repeat(15)}zz`);
      const used = await keyFile(site1, 'used', '11'.repeat(16));
      const missing = join(site1.dir, 'missing');
      const rotate = (tx: string, rx: string, ...more: string[]): Promise<RunResult> =>
        site1.command('rotate', 'site2', '--tx-key-file', tx, '--rx-key-file', rx, ...more);
      const refused: [Promise<RunResult> | RunResult, number, RegExp][] = [
        [await rotate(open, good), 78, /mode 0644.*chmod 600/],
        [await rotate(good, open), 78, /mode 0644.*chmod 600/],
        [await rotate(short, good), 78, /16 hex digits; the cipher needs 32/],
        [await rotate(good, long), 78, /64 hex digits; the cipher needs 32/],
        [await rotate(odd, good), 78, /something else than hex/],
        [await rotate(missing, good), 66, /missing does not exist/],
        [await rotate(good, good), 78, /the same key/],
        [await rotate(used, good), 78, /key that is in use/],
        [await rotate(good, good2, '--an', '0'), 78, /AN 0 has an SA already/],
        [await rotate(good, good2, '--an', '4'), 64, /an/],
        [await rotate(good, good2, '--sci', '0000009999990001'), 64, /no rxSc 0000009999990001/],
        [await rotate(good, good2, '--sci', 'xyz'), 64, /sci: is not 16 hex digits/],
        [
          await site1.command('rotate', 'nosuch', '--tx-key-file', good, '--rx-key-file', good2),
          64,
          /nosuch/,
        ],
      ];
      for (const [result, code, text] of refused) {
        const { stderr, code: got } = await result;
        expect(stderr).toMatch(text);
        expect([got, stderr]).toEqual([code, stderr]);
        expect(stderr).not.toMatch(/c[1-6]c[1-6]/);
      }
      const still = await seen(site1);
      expect(still.rotation).toBeNull();
      expect(still.macsec.sa_list.map(({ an }) => an)).toEqual([0]);
      expect(still.macsec.rx_sc[0]?.sa_list.map(({ an }) => an)).toEqual([0]);
      expect(await pingOnce(lab.topology.host1, '192.168.1.2')).toBe(true);

      expect((await rotate(good, good2)).code).toBe(0);
      const again = await rotate(
        await keyFile(site1, 'd1', 'd1'.repeat(16)),
        await keyFile(site1, 'd2', 'd2'.repeat(16)),
      );
      expect(again).toMatchObject({ code: 75, stderr: expect.stringMatching(/is in a rotation: waiting/) });
      expect((await seen(site1)).macsec.sa_list.map(({ an }) => an)).toEqual([0, 1]);
      expect((await seen(site1)).macsec.encoding_sa).toBe(0);
      expect(await pingOnce(lab.topology.host1, '192.168.1.2')).toBe(true);
    });

    it('a tunnel in clear has no keys to change', async () => {
      lab.explainFailure();
      const site1 = lab.site(1, { macsec: null });
      await site1.start();
      const [a, b] = [await keyFile(site1, 'a', 'e1'.repeat(16)), await keyFile(site1, 'b', 'e2'.repeat(16))];
      expect(await site1.command('rotate', 'site2', '--tx-key-file', a, '--rx-key-file', b)).toMatchObject({
        code: 64,
        stderr: expect.stringMatching(/has no MACsec/),
      });
    });
  });
});
