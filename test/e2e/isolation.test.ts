/** One tunnel that loses what it stands on goes down by itself, and comes back; the others do not notice. */
import { expect, it } from 'vitest';
import { tunnelFile } from '../../lab/site.ts';
import { labOfTests, pingOnce, pingUntil, suite } from './support.ts';

const OTHER_KEYS = {
  txSa: [{ an: 0, keyId: '03', key: '3c'.repeat(16) }],
  rxSc: [{ mac: '02:00:00:00:00:09', sa: [{ an: 0, keyId: '04', key: '4d'.repeat(16) }] }],
};

suite('a tunnel among others', { programs: ['ping'] }, () => {
  const lab = labOfTests({ prefix: 'alone' });

  it('whose TAP is deleted is remade, with the reason in the log, while the other carries every ping', async () => {
    lab.explainFailure();
    const { topology } = lab;
    const other = tunnelFile(topology, 1, {
      name: 'other',
      tap: { ifname: 'other1', mac: '02:00:00:00:00:08', bridge: null },
      gre: { remote: '2.2.2.3' },
      macsec: OTHER_KEYS,
    });
    const site1 = lab.siteOf(1, { tunnels: [tunnelFile(topology, 1), other] });
    const site2 = lab.site(2);
    await Promise.all([site1.start(), site2.start()]);
    await pingUntil(topology.host1, '192.168.1.2');

    const pings = topology.host1.start(['ping', '-n', '-i', '0.01', '-c', '300', '192.168.1.2']);
    await pings.waitFor(/icmp_seq=20 /);
    await topology.nsra.must(['ip', 'link', 'del', 'other1']);
    await site1.waitForLog(/tunnel down: interface other1 was deleted/);
    await site1.waitForLog(/tunnel up again/);
    const [, received] = await pings.waitFor(/300 packets transmitted, (\d+) received/);
    expect(Number(received)).toBe(300);
    await topology.nsra.must(['ip', 'link', 'show', 'dev', 'other1']);
    expect(site1.exit).toBeUndefined();
  });

  it('that cannot come back is told by show, with what is missing, until it can', async () => {
    lab.explainFailure();
    const { topology } = lab;
    const { nsra } = topology;
    await nsra.ip('link add br9 type bridge\n');
    const other = tunnelFile(topology, 1, {
      name: 'other',
      tap: { ifname: 'other1', mac: '02:00:00:00:00:08', bridge: 'br9' },
      gre: { remote: '2.2.2.3' },
      macsec: OTHER_KEYS,
    });
    const site1 = lab.siteOf(1, { tunnels: [tunnelFile(topology, 1), other] });
    await site1.start();
    await nsra.ip('link del br9\nlink del other1\n');
    await site1.waitForLog(/tunnel still down: waiting for bridge br9/);
    const told = await site1.command('show', 'other');
    expect([told.code, told.stdout]).toEqual([
      69,
      expect.stringMatching(/^other1: tunnel other is down since .*br9/m),
    ]);
    const json = await site1.command('show', '-j');
    expect(JSON.parse(json.stdout)).toMatchObject([
      { ifname: 'macsec1' },
      { ifname: 'other1', l2vpnd: { name: 'other', state: 'down', reason: expect.stringContaining('br9') } },
    ]);
    expect((await site1.command('show', 'site2')).code).toBe(0);
    expect(await site1.command('status', 'other')).toMatchObject({
      code: 69,
      stdout: expect.stringMatching(/^other {2}DOWN \d+s {2}- {2}- {2}.*br9.*; tried again after \d+ s\n$/),
    });
    const files = ['--tx-key-file', '/nowhere', '--rx-key-file', '/nowhere'];
    const rotate = await site1.command('rotate', 'other', ...files);
    expect([rotate.code, rotate.stderr]).toEqual([69, expect.stringContaining('tunnel "other" is down')]);
    await nsra.ip('link add br9 type bridge\n');
    await site1.waitForLog(/tunnel up again/, 20_000);
    expect((await site1.command('show')).code).toBe(0);
    await nsra.ip('link del br9\n');
  });

  it('that is the only one comes back too, in its bridge, and goes on with its packet numbers', async () => {
    lab.explainFailure();
    const { topology } = lab;
    const [site1] = await lab.bothSites();
    await pingUntil(topology.host1, '192.168.1.2');
    await topology.nsra.must(['ip', 'link', 'del', 'macsec1']);
    await site1.waitForLog(/tunnel up again/);
    expect(await topology.nsra.must(['ip', 'link', 'show', 'dev', 'macsec1'])).toContain('master br0');
    // The peer dropped nothing as late: what had been taken counts as used.
    await pingUntil(topology.host1, '192.168.1.2');
    expect(await pingOnce(topology.host1, '192.168.1.2', 100)).toBe(true);
  });
});
