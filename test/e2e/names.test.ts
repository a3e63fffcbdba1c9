/**
 * `gre.remote` as a host name: there is a name server of the test's own in site 1's namespace. The peer is followed where
 * its name goes, one that has no address yet is waited for, and of several addresses one that answers is found.
 */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Site, TunnelFile } from '../../lab/site.ts';
import { tunnelFile } from '../../lab/site.ts';
import { NameServer } from './dns/name-server.ts';
import { agreed, agreeing } from './mka-kit.ts';
import { endpointOf, untilEndpoint } from './nat.ts';
import { labOfTests, pingUntil, suite } from './support.ts';

const NAME = 'site2.example.net';
/** The peer is missed after 5 s, asked for, and agreed with again. */
const FOLLOWED_MS = 60_000;

vi.setConfig({ testTimeout: 180_000 });

suite('a peer with a name', { python: true }, () => {
  const lab = labOfTests({ prefix: 'nam' });
  let names: NameServer;

  beforeEach(async () => {
    names = new NameServer(lab.topology.nsra, lab.newFile('.zone'));
  });
  afterEach(() => names.stop());

  /** Site 2 has another address, and its daemon speaks from there. */
  async function moveSite2(site2: Site, address: string): Promise<Site> {
    await site2.stop();
    const moved = lab.site(2, agreeing({}, {}, { gre: { local: address } }));
    await moved.start();
    return moved;
  }

  it('is followed to another address when the record changes, and the name is not asked for while it is heard', async () => {
    lab.explainFailure();
    const { host1, nsrb } = lab.topology;
    await nsrb.ip('address add 2.2.2.3/24 dev vrb\n');
    await names.serve({ [NAME]: ['2.2.2.2'] });
    await names.start();
    const site1 = lab.site(1, agreeing({}, {}, { gre: { remote: NAME } }));
    const site2 = lab.site(2, agreeing());
    await Promise.all([site1.start(), site2.start()]);
    await site1.waitForLog(/peer's address is now 2\.2\.2\.2 \(site2\.example\.net\)/);
    await agreed([site1, site2]);
    await pingUntil(host1, '192.168.1.2');
    const asked = names.questions.length;
    const { stdout } = await site1.command('show');
    expect(stdout).toContain(`1.1.1.1 to 2.2.2.2 (${NAME})`);
    expect(names.questions.length).toBe(asked);

    const before = site1.logs().length;
    const moved = await moveSite2(site2, '2.2.2.3');
    await names.serve({ [NAME]: ['2.2.2.3'] });
    await site1.waitForLog(/peer's address is now 2\.2\.2\.3 \(site2\.example\.net\)/, FOLLOWED_MS, before);
    await agreed([site1, moved], '', FOLLOWED_MS);
    await pingUntil(host1, '192.168.1.2');
    expect(await endpointOf(site1)).toBe('2.2.2.3');
  });

  it('that has no address at the start is waited for, while another tunnel runs', async () => {
    lab.explainFailure();
    const { host1, nsra, nsrb } = lab.topology;
    await names.serve({});
    await names.start();
    const named = (side: 1 | 2): TunnelFile =>
      tunnelFile(lab.topology, side, {
        name: 'named',
        tap: { ifname: 'macsec2', mac: `00:00:00:33:33:3${side}`, bridge: null },
        gre: side === 1 ? { remote: NAME, key: 2 } : { key: 2 },
        macsec: { mka: { ckn: '02', cak: '6b'.repeat(16) } },
      });
    const [site1, site2] = ([1, 2] as const).map((side) =>
      lab.siteOf(side, { tunnels: [tunnelFile(lab.topology, side), named(side)] }),
    ) as [Site, Site];
    await Promise.all([site1.start(), site2.start()]);
    await pingUntil(host1, '192.168.1.2');
    await site1.waitForLog(/site2\.example\.net does not resolve: no such name/);
    expect((await site1.command('show', 'named')).stdout).toContain(
      `not connected: ${NAME} does not resolve: no such name, or it has no IPv4 address`,
    );
    // Its TAP is there, and may be given an address.
    await nsra.ip('address add 10.9.0.1/24 dev macsec2\n');
    await nsrb.ip('address add 10.9.0.2/24 dev macsec2\n');

    await names.serve({ [NAME]: ['2.2.2.2'] });
    await site1.waitForLog(/"named".*peer's address is now 2\.2\.2\.2/, FOLLOWED_MS);
    await pingUntil(nsra, '10.9.0.2', FOLLOWED_MS);
    // Never all tunnels: the other one was not touched.
    expect(site1.output().match(/"site2".*"msg":"tunnel up"/g)).toHaveLength(1);
  });

  it('whose name server is dead holds nothing up: a name of /etc/hosts, the numbers on disk, the stop', async () => {
    lab.explainFailure();
    const { host1 } = lab.topology;
    await names.serve(null);
    await names.start('2.2.2.2 far.example.net\n');
    const waiting = Array.from({ length: 6 }, (_, i) =>
      tunnelFile(lab.topology, 1, {
        name: `dead${i}`,
        tap: { ifname: `dead${i}`, mac: `00:00:00:44:44:4${i}`, bridge: null },
        gre: { remote: `dead${i}.example.net`, key: 10 + i },
        macsec: { mka: { ckn: `1${i}`, cak: `1${i}`.repeat(16) } },
      }),
    );
    const first = tunnelFile(lab.topology, 1, { gre: { remote: 'far.example.net' } });
    const site1 = lab.siteOf(1, { tunnels: [...waiting, first] });
    const site2 = lab.site(2);
    await Promise.all([site1.start(), site2.start()]);
    await names.asked(/^silent/);
    await pingUntil(host1, '192.168.1.2', FOLLOWED_MS);
    // More packet numbers than one grant has: each further one is written first.
    const flood = ['ping', '-q', '-f', '-c', '20000', '-w', '50', '192.168.1.2'];
    expect((await host1.run(flood, { timeoutMs: 60_000 })).stdout).toMatch(/20000 packets transmitted/);
    await site1.waitForLog(/dead5\.example\.net does not resolve: no name server answers/, FOLLOWED_MS);
    expect(await site1.stop()).toMatchObject({ code: 0 });
  });
});

suite('a peer with a name and addresses of both families', { python: true }, () => {
  const lab = labOfTests({ prefix: 'nam6' });

  it('whose first address is dead is reached at the second, from the address that the route to it has', async () => {
    lab.explainFailure();
    const { host1, nsra } = lab.topology;
    const names = new NameServer(nsra, lab.newFile('.zone'));
    await nsra.must(['sh', '-c', 'echo 0 >/proc/sys/net/ipv6/conf/vra/disable_ipv6']);
    await nsra.ip('address add fd00:1::1/64 dev vra nodad\nroute add fd00:2::/64 via fd00:1::fe dev vra\n');
    // getaddrinfo has IPv6 first (RFC 6724), where nobody answers.
    await names.serve({ [NAME]: ['2.2.2.2', 'fd00:2::2'] });
    await names.start();
    try {
      const site1 = lab.site(1, agreeing({}, {}, { gre: { local: 'auto', remote: NAME } }));
      const site2 = lab.site(2, agreeing());
      await Promise.all([site1.start(), site2.start()]);
      await site1.waitForLog(/peer's address is now fd00:2::2 /);
      await site1.waitForLog(/peer's address is now 2\.2\.2\.2 /, FOLLOWED_MS);
      await agreed([site1, site2], '', FOLLOWED_MS);
      await pingUntil(host1, '192.168.1.2');
      await untilEndpoint(site1, /^2\.2\.2\.2$/);
      expect((await site1.command('show')).stdout).toContain(`1.1.1.1 to 2.2.2.2 (${NAME})`);
    } finally {
      await names.stop();
    }
  });
});
