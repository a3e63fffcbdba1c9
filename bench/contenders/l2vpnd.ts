/** Our own daemon, in its variants: with and without MACsec, raw GRE or GRE-in-UDP, either AEAD provider. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Site, type SiteFile, siteFile } from '../../lab/site.ts';
import type { Topology } from '../../lab/topology.ts';
import { PACKAGE_ROOT } from '../report/paths.ts';
import type { BenchProcess, Contender } from './contender.ts';

export interface L2vpndVariant {
  name: string;
  title: string;
  macsec: boolean;
  encap: 'none' | 'udp';
  crypto: 'auto' | 'node' | 'batch';
}

export function createL2vpnd(variant: L2vpndVariant): Contender {
  let sites: Site[] = [];
  return {
    name: variant.name,
    title: variant.title,
    layer: 2,
    protection: variant.macsec ? 'MACsec GCM-AES-128' : 'none',
    mtu: 1500 - 38 - (variant.macsec ? 32 : 0) - (variant.encap === 'udp' ? 8 : 0),
    overhead: [
      '20 IP',
      ...(variant.encap === 'udp' ? ['8 UDP'] : []),
      '4 GRE + 14 Ethernet',
      ...(variant.macsec ? ['16 SecTAG + 16 ICV'] : []),
    ].join(' + '),
    version: async () => {
      const about = JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8')) as {
        version: string;
      };
      return about.version;
    },
    available: async () => {
      for (const built of ['dist/src/main.js', 'native/build/Release']) {
        if (!existsSync(join(PACKAGE_ROOT, built))) return `${built} is missing (npm run build)`;
      }
      return existsSync('/dev/net/tun') ? null : '/dev/net/tun is missing';
    },
    async start(topology) {
      sites = createSites(topology, variant);
      await Promise.all(sites.map((site) => site.start()));
    },
    async stop() {
      await Promise.all(
        sites.map(async (site) => {
          if (isRunning(site)) await site.stop();
          await site.dispose();
        }),
      );
      sites = [];
    },
    processes: () =>
      sites.filter(isRunning).map((site, i): BenchProcess => ({ site: `site${i + 1}`, pid: site.pid })),
  };
}

/** Both sites of this variant, not started. */
export function createSites(topology: Topology, variant: L2vpndVariant): [Site, Site] {
  return [
    new Site(topology.nsra, 'site1', setupOf(topology, 1, variant)),
    new Site(topology.nsrb, 'site2', setupOf(topology, 2, variant)),
  ];
}

function setupOf(topology: Topology, side: 1 | 2, variant: L2vpndVariant): SiteFile {
  const changes = { gre: { encap: variant.encap }, ...(variant.macsec ? {} : { macsec: null }) };
  return { ...siteFile(topology, side, changes), crypto: variant.crypto };
}

/** False for a site that was never started as well: its `pid` throws. */
function isRunning(site: Site): boolean {
  try {
    return site.pid > 0 && site.exit === undefined;
  } catch {
    return false;
  }
}
