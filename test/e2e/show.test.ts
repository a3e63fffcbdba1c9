/** What `l2vpnd show` says of running daemons, and what is seen of packet numbers that run out. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Site, tunnelFile } from '../../lab/site.ts';
import { labOfTests, pingOnce, pingUntil, suite, tapDelivered } from './support.ts';

interface Shown {
  ifindex: number;
  ifname: string;
  sci: string;
  encoding_sa: number;
  OutPktsEncrypted?: number;
  sa_list: { an: number; pn: number; active: boolean }[];
  rx_sc: { sci: string; InPktsOK?: number; sa_list: { pn: number; InPktsOK?: number }[] }[];
  l2vpnd: { name: string; pn_left: number; rotation: object | null; peer_last_seen: string | null };
}

async function shown(site: Site, ...args: string[]): Promise<Shown[]> {
  const { code, stdout, stderr } = await site.command('show', '-j', ...args);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^\[.*\]\n$/);
  return JSON.parse(stdout) as Shown[];
}

suite('l2vpnd show', {}, () => {
  const lab = labOfTests({ prefix: 'show' });

  it('says of a running tunnel what ip would of a macsec device: same index, same counters', async () => {
    lab.explainFailure();
    const { host1, nsra } = lab.topology;
    const [site1] = await lab.bothSites();
    await pingUntil(host1, '192.168.1.2');
    const [link] = JSON.parse(await nsra.must(['ip', '-j', 'link', 'show', 'macsec1'])) as [
      { ifindex: number },
    ];
    const counters = await site1.countersWhen((now) => (now.InPktsOK ?? 0) >= 2);
    const [one] = await shown(site1, '-s');
    expect(one).toMatchObject({
      ifindex: link.ifindex,
      ifname: 'macsec1',
      sci: '0x1111110001',
      OutPktsEncrypted: counters.OutPktsEncrypted,
      sa_list: [{ an: 0, pn: (counters.OutPktsEncrypted ?? 0) + 1, active: true }],
      rx_sc: [
        { sci: '0x2222220001', InPktsOK: counters.InPktsOK, sa_list: [{ InPktsOK: counters.InPktsOK }] },
      ],
      l2vpnd: { name: 'site2', peer_last_seen: expect.stringMatching(/^20\d\d-/) },
    });
    const brief = await shown(site1);
    expect(brief[0]).not.toHaveProperty('OutPktsEncrypted');

    const { stdout } = await site1.command('show', '-s');
    expect(stdout.split('\n').slice(0, 3)).toEqual([
      `${link.ifindex}: macsec1: protect on validate strict sc off sa off encrypt on send_sci on end_station off scb off replay on window 1024 `,
      '    cipher suite: GCM-AES-128, using ICV length 16',
      '    TXSC: 0000001111110001 on SA 0',
    ]);
    expect(stdout).toMatch(new RegExp(`^ {8}0: PN ${one?.sa_list[0]?.pn}, state on, key 010{30}$`, 'm'));
    expect(stdout).toMatch(/^ {4}offload: off $/m);
    expect(stdout).not.toMatch(/1111111111111111/);
  });

  it('takes a tunnel or its TAP by name; who is not there, not allowed or not running is told so', async () => {
    lab.explainFailure();
    const second = tunnelFile(lab.topology, 1, {
      name: 'second',
      tap: { ifname: 'macsec2', mac: '00:00:00:33:33:33', bridge: null },
      gre: { key: 2 },
      macsec: null,
    });
    const site = lab.siteOf(1, { tunnels: [tunnelFile(lab.topology, 1), second] });
    await site.prepare();
    expect(await site.command('show')).toMatchObject({
      code: 69,
      stderr: expect.stringMatching(/no l2vpnd answers/),
    });
    await site.start();
    const names = async (...args: string[]): Promise<string[]> =>
      (await shown(site, ...args)).map(({ l2vpnd }) => l2vpnd.name);
    expect(await names()).toEqual(['site2', 'second']);
    expect(await names('second')).toEqual(['second']);
    expect(await names('macsec1')).toEqual(['site2']);
    expect((await site.command('show', 'macsec2')).stdout).toMatch(/macsec2: gretap, in clear\n/);
    expect(await site.command('show', 'macsec9')).toMatchObject({
      code: 64,
      stderr: expect.stringMatching(/no tunnel "macsec9"; tunnels are site2, second/),
    });
    const stranger = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];
    await lab.topology.nsra.must(['chmod', '755', site.dir]);
    const refused = await lab.topology.nsra.run([
      ...stranger,
      process.execPath,
      'dist/src/main.js',
      'show',
      '--socket',
      site.controlSocket,
    ]);
    expect([refused.code, refused.stderr]).toEqual([77, expect.stringMatching(/permission denied/)]);
  });
});

suite('l2vpnd show of a daemon that cannot be asked as usual', {}, () => {
  const lab = labOfTests({ prefix: 'ask' });

  it('needs no sound configuration: a key file that went, a syntax error behind the socket', async () => {
    lab.explainFailure();
    const site = lab.site(1);
    await site.start();
    const reference = JSON.parse(await readFile(site.configPath, 'utf8')) as { tunnels: unknown };
    const keyless = JSON.stringify(reference).replace(/"key":"[0-9a-f]+"/g, '"keyFile":"gone.key"');
    for (const text of [keyless, `${JSON.stringify(reference).slice(0, -1)}, "tunnels": [`]) {
      await writeFile(site.configPath, text);
      expect((await shown(site)).map(({ l2vpnd }) => l2vpnd.name)).toEqual(['site2']);
    }
  });

  it('gives up after 3 s where it is stopped, and so do rotate and reload', async () => {
    lab.explainFailure();
    const site = lab.site(1);
    await site.start();
    process.kill(site.pid, 'SIGSTOP');
    try {
      const rotate = ['rotate', 'site2', '--tx-key-file', 'a', '--rx-key-file', 'b'];
      for (const args of [['show'], rotate, ['reload']]) {
        const started = performance.now();
        const { code, stderr } = await site.command(...args);
        expect([code, stderr]).toEqual([
          69,
          `l2vpnd: the daemon at ${site.controlSocket} does not answer in 3 s: it may be stopped or blocked\n`,
        ]);
        expect(performance.now() - started).toBeLessThan(8000);
      }
    } finally {
      process.kill(site.pid, 'SIGCONT');
    }
    expect(await shown(site)).toHaveLength(1);
  });
});

suite('packet numbers that run out', {}, () => {
  const lab = labOfTests({ prefix: 'pnend' });
  const LAST = 2 ** 32 - 1;

  it('the last ones are used, then nothing is sent any more, above all not in clear; new keys help', async () => {
    lab.explainFailure();
    const { topology } = lab;
    const { host1, nsrb } = topology;
    const own = tunnelFile(topology, 1);
    Object.assign(own.macsec?.txSa?.[0] ?? {}, { pn: LAST - 4 });
    const site1 = lab.siteOf(1, { tunnels: [own] });
    const site2 = lab.site(2);
    await Promise.all([site1.start(), site2.start()]);
    // The host must not ask for addresses meanwhile: every frame counts.
    await host1.ip('neigh replace 192.168.1.2 lladdr 00:00:00:00:00:02 dev veth1 nud permanent\n');
    await topology.host2.ip('neigh replace 192.168.1.1 lladdr 00:00:00:00:00:01 dev veth2 nud permanent\n');
    const before = await tapDelivered(nsrb);
    const packets = await lab.watchWan(async () => {
      for (let i = 0; i < 5; i++) expect(await pingOnce(host1, '192.168.1.2')).toBe(true);
      for (let i = 0; i < 3; i++) expect(await pingOnce(host1, '192.168.1.2', 56, 0.2)).toBe(false);
      await site1.countersWhen((now) => now.PnExhausted === 3);
    });
    const sent = packets.filter(({ src }) => src === '1.1.1.1');
    expect(sent.map(({ secTag }) => secTag?.pn)).toEqual([LAST - 4, LAST - 3, LAST - 2, LAST - 1, LAST]);
    expect(await tapDelivered(nsrb)).toBe(before + 5);
    await site1.waitForLog(/"level":50.*packet numbers are used up/);
    const [one] = await shown(site1);
    expect(one).toMatchObject({ sa_list: [{ an: 0, pn: 0, active: false }], l2vpnd: { pn_left: 0 } });

    await site1.stop();
    await site1.start();
    expect(await pingOnce(host1, '192.168.1.2', 56, 0.2)).toBe(false);
    await site1.countersWhen((now) => (now.PnExhausted ?? 0) >= 1);

    const keys = ['a7', 'b7'].map((octet) => octet.repeat(16));
    for (const [site, tx, rx, more] of [
      [site2, keys[1], keys[0], []],
      [site1, keys[0], keys[1], ['--now']],
    ] as const) {
      const [txFile, rxFile] = [join(site.dir, 'tx'), join(site.dir, 'rx')];
      await writeFile(txFile, `${tx}\n`, { mode: 0o600 });
      await writeFile(rxFile, `${rx}\n`, { mode: 0o600 });
      const name = site === site1 ? 'site2' : 'site1';
      const { code, stderr } = await site.command(
        ...['rotate', name, '--tx-key-file', txFile, '--rx-key-file', rxFile, '--grace', '0', ...more],
      );
      expect([code, stderr]).toEqual([0, '']);
    }
    await pingUntil(host1, '192.168.1.2');
  });

  it('that run low are told in time, with the time left', async () => {
    lab.explainFailure();
    const own = tunnelFile(lab.topology, 1);
    Object.assign(own.macsec?.txSa?.[0] ?? {}, { pn: Math.ceil(0.75 * 2 ** 32) });
    const site1 = lab.siteOf(1, { tunnels: [own] });
    await Promise.all([site1.start(), lab.site(2).start()]);
    const ping = lab.topology.host1.start(['ping', '-n', '-i', '0.01', '-w', '10', '192.168.1.2']);
    const [line] = await site1.waitForLog(/.*packet numbers run out.*/);
    await ping.stop('SIGINT');
    expect(JSON.parse(line)).toMatchObject({
      level: 40,
      tunnel: 'site2',
      an: 0,
      usedPercent: 75,
      secondsLeft: expect.any(Number),
    });
  });
});

suite('64-bit packet numbers', {}, () => {
  const lab = labOfTests({ prefix: 'pn64' });

  it('pass 2^32 both ways without a pause', async () => {
    lab.explainFailure();
    const start = 2 ** 32 - 5;
    const xpn = (side: 1 | 2): Record<string, unknown> => {
      const salt = '00112233445566778899aabb';
      const sa = (n: 1 | 2) => ({ an: 0, pn: start, keyId: `0${n}`, key: `d${n}`.repeat(16), ssci: n, salt });
      const peer = side === 1 ? lab.topology.site2 : lab.topology.site1;
      return {
        cipher: 'gcm-aes-xpn-128',
        txSa: [sa(side)],
        rxSc: [{ mac: peer.tapMac, sa: [sa(side === 1 ? 2 : 1)] }],
      };
    };
    const [site1, site2] = [lab.site(1, { macsec: xpn(1) }), lab.site(2, { macsec: xpn(2) })];
    await Promise.all([site1.start(), site2.start()]);
    const { stdout } = await lab.topology.host1.run(['ping', '-n', '-i', '0.02', '-c', '30', '192.168.1.2']);
    expect(stdout).toMatch(/30 received/);
    for (const site of [site1, site2]) {
      expect(await site.counters()).toMatchObject({ InPktsLate: 0, InPktsNotValid: 0 });
      const [one] = await shown(site);
      expect(one?.sa_list[0]?.pn).toBeGreaterThan(2 ** 32);
      expect(one?.rx_sc[0]?.sa_list[0]?.pn).toBeGreaterThan(2 ** 32);
    }
    await site1.stop();
    await site1.start();
    expect((await shown(site1))[0]?.sa_list[0]?.pn).toBeGreaterThan(2 ** 32);
    await pingUntil(lab.topology.host1, '192.168.1.2');
  });
});
