/** The page at metrics.listen in a real browser, of two live sites under traffic: what it shows is what `show -j` says. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type OpenBrowser, openBrowser } from '../../lab/browser.ts';
import { iperf, startIperfServer } from '../../lab/iperf.ts';
import { type Site, siteFile, tunnelFile } from '../../lab/site.ts';
import { labOfTests, pingUntil, suite } from './support.ts';

const URL = 'http://127.0.0.1:9586/';
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

suite('the page', { programs: ['chromium', 'iperf'] }, () => {
  const lab = labOfTests({ prefix: 'page' });
  let opened: OpenBrowser;
  let browser: Browser;

  beforeAll(async () => {
    opened = await openBrowser(lab.topology.nsra);
    browser = opened.browser;
  });
  afterAll(() => opened?.close());

  async function running(): Promise<[Site, Site]> {
    const { topology } = lab;
    const site1 = lab.siteOf(1, {
      metrics: { listen: '127.0.0.1:9586' },
      tunnels: [tunnelFile(topology, 1, { peerTimeoutSeconds: 3 })],
    });
    const site2 = lab.siteOf(2, siteFile(topology, 2));
    for (const site of [site1, site2]) await site.start();
    await pingUntil(lab.topology.host1, '192.168.1.2');
    return [site1, site2];
  }

  async function page(width = 1200, colorScheme: 'light' | 'dark' = 'light'): Promise<Page> {
    const one = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
    const faults: string[] = [];
    one.on('pageerror', (error) => faults.push(error.message));
    one.on('console', (line) => line.type() === 'error' && faults.push(line.text()));
    await one.goto(URL);
    await one.getByText('1 of 1 tunnel up').waitFor({ timeout: 20_000 });
    expect(faults).toEqual([]);
    return one;
  }

  it('shows what show -j says, while traffic passes and when the peer is gone', async () => {
    lab.explainFailure();
    const { host1, host2 } = lab.topology;
    const [site1, site2] = await running();
    const one = await page();
    const server = await startIperfServer(host2);
    const traffic = iperf(host1, '192.168.1.2', { seconds: 4 });
    await one
      .locator('#tunnels')
      .getByText(/[MG]bit\/s/)
      .first()
      .waitFor({ timeout: 20_000 });
    await traffic;
    await server.stop();

    const { stdout } = await site1.command('show', '-j', '-s');
    const [shown] = JSON.parse(stdout) as [
      {
        sa_list: { an: number; key: string }[];
        rx_sc: { sa_list: { key: string }[] }[];
        l2vpnd: { mtu: number; path_mtu: number; drops: Record<string, number> };
      },
    ];
    const keys = await one.locator('#tunnel-keys').textContent();
    for (const { key } of [...shown.sa_list, ...shown.rx_sc[0]!.sa_list])
      expect(keys).toContain(key.slice(0, 16));
    const mtu = await one.locator('#tunnel-mtu').textContent();
    expect(mtu).toContain(`The path carries ${shown.l2vpnd.path_mtu} octets`);
    expect(mtu).toContain(`= ${shown.l2vpnd.mtu}.`);
    const dropped = Object.entries(shown.l2vpnd.drops).filter(([, frames]) => frames > 0);
    const drops = await one.locator('#tunnel-drops').textContent();
    if (dropped.length === 0) expect(drops).toBe('No frame was dropped.');
    for (const [name] of dropped) expect(drops).toContain(name);
    expect(await one.locator('#events').textContent()).toContain('ready');
    expect(await one.locator('.chart').getAttribute('aria-label')).toMatch(/out at most .*bit\/s/);

    await site2.stop();
    const ping = host1.start(['ping', '-i', '0.2', '192.168.1.2']);
    await one
      .getByText(/peer lost/)
      .first()
      .waitFor({ timeout: 60_000 });
    await ping.stop();
    expect(await one.locator('#summary').textContent()).toMatch(/peer lost/);
    await one.close();
  });

  it('has nothing that axe finds, in either scheme and on a phone, and asks nobody else for anything', async () => {
    lab.explainFailure();
    await running();
    const axe = await readFile(AXE, 'utf8');
    for (const [width, scheme] of [
      [1200, 'light'],
      [1200, 'dark'],
      [390, 'light'],
    ] as const) {
      const one = await page(width, scheme);
      await one.locator('#tunnel-mtu figcaption').waitFor();
      const found = await one.evaluate(`(() => { ${axe}; return axe.run(document).then(({ violations }) =>
        violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).join(' | '))); })()`);
      expect(found, `${scheme}, ${width} pixels`).toEqual([]);
      const overflow = await one.evaluate(
        'document.documentElement.scrollWidth - document.documentElement.clientWidth',
      );
      expect(overflow, `${width} pixels`).toBe(0);
      await one.close();
    }
    const answer = await lab.topology.nsra.must(['curl', '-s', '-D', '-', URL]);
    expect(answer).toMatch(/content-security-policy: default-src 'none'/i);
    expect(answer).not.toMatch(/https?:\/\//);
  });

  it('is used by the keyboard alone', async () => {
    lab.explainFailure();
    await running();
    const one = await page();
    await one.keyboard.press('Tab');
    expect(await one.evaluate('document.activeElement.textContent')).toBe('Skip to the tunnel');
    for (let i = 0; i < 30; i++) {
      await one.keyboard.press('Tab');
      if ((await one.evaluate('document.activeElement.textContent')) === '1 hour') break;
    }
    await one.keyboard.press('Enter');
    expect(await one.getByRole('button', { name: '1 hour' }).getAttribute('aria-pressed')).toBe('true');
    await one.close();
  });
});
