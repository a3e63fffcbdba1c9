/** The pairs of `examples` on the reference topology, whose addresses they have: both daemons start, and the hosts reach each other. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'jsonc-parser';
import { expect, it } from 'vitest';
import type { Site, SiteFile } from '../../lab/site.ts';
import { masqueradeSite1, untilEndpoint } from './nat.ts';
import { carriedBy, forgetPaths, type Lab, labOfTests, pingOnce, pingUntil, suite } from './support.ts';

/** A site with the file as it stands, but for where its state and socket are, and with the keys that it names. */
async function prepared(lab: Lab, side: 1 | 2, folder: string): Promise<Site> {
  const text = await readFile(join('examples', folder, `site${side}.json`), 'utf8');
  const { stateDir: _, controlSocket: __, $schema: ___, ...file } = parse(text) as SiteFile;
  const site = lab.siteOf(side, file);
  await site.prepare();
  const digits = text.includes('-256"') ? 64 : 32;
  for (const [, name] of text.matchAll(/"(?:keyFile|cakFile)": "([^"]+)"/g)) {
    const key = Buffer.from(name!.padEnd(32, '.')).toString('hex').slice(0, digits);
    await writeFile(join(site.dir, name!), `${key}\n`, { mode: 0o600 });
  }
  return site;
}

async function bothSites(lab: Lab, folder: string): Promise<[Site, Site]> {
  lab.explainFailure();
  const sites: [Site, Site] = [await prepared(lab, 1, folder), await prepared(lab, 2, folder)];
  await Promise.all(sites.map((site) => site.start(20_000)));
  return sites;
}

/** Hosts reach each other with packets of `mtu` octets, which is what the tunnel carries. */
async function expectCarried(lab: Lab, [site1]: readonly [Site, Site], mtu: number): Promise<void> {
  const { host1, host2 } = lab.topology;
  await pingUntil(host1, '192.168.1.2', 20_000);
  await forgetPaths(lab.topology);
  expect(await carriedBy(site1)).toBe(mtu);
  expect(await pingOnce(host2, '192.168.1.1', mtu - 28, 2)).toBe(true);
}

suite('the examples of two sites', { programs: ['nft'] }, () => {
  const lab = labOfTests({ prefix: 'examples', hostMtu: 1500 });

  it.each([
    ['mka', 1422],
    ['full-frames', 1500],
    ['.', 1430],
    ['xpn', 1430],
    ['plain', 1458],
  ])('examples/%s connects them, and carries %i octets', async (folder, mtu) => {
    await expectCarried(lab, await bothSites(lab, folder), mtu);
  });

  it('examples/nat connects a site behind a NAT', async () => {
    await masqueradeSite1(lab.topology, 41_500);
    const sites = await bothSites(lab, 'nat');
    await expectCarried(lab, sites, 1422);
    await untilEndpoint(sites[1], /^2\.2\.2\.254:41500$/);
  });
});

suite('the examples of two sites over IPv6', {}, () => {
  const lab = labOfTests({ prefix: 'examples6', family: 6, hostMtu: 1500 });

  it('examples/ipv6 connects them, and carries 1402 octets', async () => {
    await expectCarried(lab, await bothSites(lab, 'ipv6'), 1402);
  });
});
