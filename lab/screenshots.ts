/**
 * `npm run screenshots`: two sites with key agreement under traffic, and pictures of the page into docs/images. Needs root
 * and Chromium. `--keep-seconds N`: how long traffic passes before (default 40).
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { openBrowser } from './browser.ts';
import { iperf, startIperfServer } from './iperf.ts';
import { Site, tunnelFile } from './site.ts';
import { createTopology } from './topology.ts';

const IMAGES = join(import.meta.dirname, '..', '..', 'docs', 'images');
const SHOTS = [
  { name: 'page-light', width: 1100, height: 1500, colorScheme: 'light' },
  { name: 'page-dark', width: 1100, height: 1500, colorScheme: 'dark' },
  { name: 'page-phone', width: 390, height: 1600, colorScheme: 'light' },
] as const;

async function main(): Promise<void> {
  const seconds = Number(process.argv[process.argv.indexOf('--keep-seconds') + 1] ?? Number.NaN) || 40;
  const topology = await createTopology({ prefix: 'shots' });
  const mka = { ckn: 'a1b2c3d4', cak: randomBytes(16).toString('hex') };
  const sites = ([1, 2] as const).map(
    (side) =>
      new Site(side === 1 ? topology.nsra : topology.nsrb, `site${side}`, {
        metrics: { listen: '127.0.0.1:9586' },
        tunnels: [tunnelFile(topology, side, { macsec: { mka } as never })],
      }),
  );
  try {
    for (const site of sites) await site.start();
    const { browser, close } = await openBrowser(topology.nsra);
    const server = await startIperfServer(topology.host2);
    const traffic = iperf(topology.host1, '192.168.1.2', { seconds, streams: 3 });
    const pages = [];
    for (const { name, width, height, colorScheme } of SHOTS) {
      const page = await browser.newPage({ viewport: { width, height }, colorScheme });
      await page.goto('http://127.0.0.1:9586/');
      pages.push({ name, page });
    }
    await new Promise((resolve) => setTimeout(resolve, (seconds - 5) * 1000));
    for (const { name, page } of pages) await page.screenshot({ path: join(IMAGES, `${name}.png`) });
    await traffic;
    await server.stop();
    await close();
  } finally {
    for (const site of sites) await site.dispose();
    await topology.destroy();
  }
}

await main();
