/** `gre.local: "auto"`: this end is where the kernel's route to the peer begins, and goes with it. */
import { readFile, writeFile } from 'node:fs/promises';
import { expect, it, vi } from 'vitest';
import type { Site, SiteFile } from '../../lab/site.ts';
import { agreed, agreeing } from './mka-kit.ts';
import { untilEndpoint } from './nat.ts';
import { labOfTests, pingUntil, suite } from './support.ts';

const AGAIN_MS = 60_000;

vi.setConfig({ testTimeout: 180_000 });

suite('a local address that the route decides', {}, () => {
  const lab = labOfTests({ prefix: 'aut' });

  async function localOf(site: Site): Promise<string> {
    const [tunnel] = (await site.control('/v1/tunnels')) as [{ local: string }];
    return tunnel.local;
  }

  /** What DHCP does when it renews a lease with another address. */
  const renumber = (from: string, to: string): Promise<string> =>
    lab.topology.nsra.ip(
      `address del ${from}/24 dev vra\naddress add ${to}/24 dev vra\nroute replace default via 1.1.1.254\n`,
    );

  async function edit(site: Site, change: (file: SiteFile) => void): Promise<void> {
    const file = JSON.parse(await readFile(site.configPath, 'utf8')) as SiteFile;
    change(file);
    await writeFile(site.configPath, JSON.stringify(file));
  }

  it('is followed over UDP to a hub that learns its peers', async () => {
    lab.explainFailure();
    const { host1 } = lab.topology;
    const site1 = lab.site(1, agreeing({}, {}, { gre: { encap: 'udp', local: 'auto' } }));
    const hub = lab.site(2, agreeing({}, {}, { gre: { encap: 'udp', local: 'auto', remote: 'dynamic' } }));
    await Promise.all([site1.start(), hub.start()]);
    await agreed([site1, hub]);
    await pingUntil(host1, '192.168.1.2');
    expect(await localOf(site1)).toBe('1.1.1.1');
    expect((await hub.command('show')).stdout).toContain('0.0.0.0 to 1.1.1.1:4754 over UDP');
    await renumber('1.1.1.1', '1.1.1.7');
    await site1.waitForLog(/local address is now 1\.1\.1\.7/, AGAIN_MS);
    await untilEndpoint(hub, /^1\.1\.1\.7:4754$/, AGAIN_MS);
    await pingUntil(host1, '192.168.1.2', AGAIN_MS);
    expect(await localOf(site1)).toBe('1.1.1.7');
    await renumber('1.1.1.7', '1.1.1.1');
    await site1.waitForLog(/local address is now 1\.1\.1\.1.*/, AGAIN_MS, site1.logs().length - 1);
    await pingUntil(host1, '192.168.1.2', AGAIN_MS);
  });

  it('is followed by a raw socket with static keys; the far end is told by a reload', async () => {
    lab.explainFailure();
    const { host1 } = lab.topology;
    const site1 = lab.site(1, { gre: { local: 'auto' } });
    const site2 = lab.site(2);
    await Promise.all([site1.start(), site2.start()]);
    await pingUntil(host1, '192.168.1.2');
    await renumber('1.1.1.1', '1.1.1.7');
    await site1.waitForLog(/local address is now 1\.1\.1\.7/, AGAIN_MS);
    await edit(site2, ({ tunnels: [tunnel] }) => Object.assign(tunnel!.gre, { remote: '1.1.1.7' }));
    const { code, stdout } = await site2.command('reload');
    expect([code, stdout]).toEqual([0, 'tunnel site1: restarted\n']);
    await pingUntil(host1, '192.168.1.2', AGAIN_MS);
    for (const site of [site1, site2]) {
      expect(await site.counters()).toMatchObject({ InPktsNotValid: 0, InPktsLate: 0 });
    }
    await renumber('1.1.1.7', '1.1.1.1');
  });

  it('without a route is waited for, with the TAP in its bridge', async () => {
    lab.explainFailure();
    const { host1, nsra } = lab.topology;
    await nsra.ip('route del default\n');
    const site1 = lab.site(1, { gre: { local: 'auto' } });
    await Promise.all([site1.start(), lab.site(2).start()]);
    await site1.waitForLog(/no route to 2\.2\.2\.2; tried again until that changes/);
    expect((await site1.command('show')).stdout).toContain('not connected: no route to 2.2.2.2');
    expect(await nsra.must(['ip', '-o', 'link', 'show', 'macsec1'])).toContain('master br0');
    await nsra.ip('route add default via 1.1.1.254\n');
    await site1.waitForLog(/local address is now 1\.1\.1\.1/, AGAIN_MS);
    await pingUntil(host1, '192.168.1.2', AGAIN_MS);
  });
});
