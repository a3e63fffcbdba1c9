/**
 * docs/how-to/hub-and-spokes.md: two spokes, each behind a NAT, and a hub. They reach each other through the hub or not, as
 * the hub's ports are isolated; a broadcast reaches everybody once.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Capture } from '../../lab/capture.ts';
import type { SiteFile } from '../../lab/site.ts';
import { broadcast, countIn, filesOfHowTo, live, MeshLab } from './how-to.ts';
import { pingOnce, pingUntil, Sender, suite } from './support.ts';

suite('a hub and its spokes behind NAT', { programs: ['ping', 'nft'], python: true }, () => {
  const lab = new MeshLab('hubs', 3);
  let dir = '';
  let captures = 0;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'l2vpnd-hubs-'));
    // Spokes come from the WAN's address at the hub, with ports of its choice.
    await lab.mesh.wan.must(['nft', '-f', '-'], {
      input: `table ip lab {
        chain out {
          type nat hook postrouting priority srcnat
          ip saddr 2.2.2.2 udp dport 4754 masquerade to :20000-20999
          ip saddr 3.3.3.3 udp dport 4754 masquerade to :30000-30999
        }
      }`,
    });
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  /** How often the hosts at `sites` see a broadcast of host 2. The hub's host has had all before it then. */
  async function seenAt(text: string, sites: readonly number[]): Promise<number[]> {
    const seen = await Promise.all(
      sites.map((n) => Capture.start(lab.host(n), 'eth0', join(dir, `${captures++}.pcap`), 'not ip')),
    );
    const sender = await Sender.link(lab.host(2), 'eth0');
    await sender.send(broadcast(text));
    for (let i = 0; i < 5; i++) {
      await pingUntil(lab.host(2), '192.168.1.1', 20_000);
      await pingUntil(lab.host(3), '192.168.1.1', 20_000);
    }
    await sender.close();
    const counts: number[] = [];
    for (const capture of seen) {
      await capture.stop();
      counts.push(await countIn(capture.path, text));
    }
    return counts;
  }

  it('spokes reach the hub, not each other; after a reload without isolation each other too', async () => {
    const files = await filesOfHowTo('hub-and-spokes');
    const sites = await lab.start(files);
    await Promise.all(sites.map(live));
    const [hub] = sites;
    await pingUntil(lab.host(2), '192.168.1.1', 20_000);
    await pingUntil(lab.host(3), '192.168.1.1', 20_000);
    const shown = (await hub!.control('/v1/tunnels')) as { endpoint: string }[];
    expect(shown.map(({ endpoint }) => endpoint)).toEqual([
      expect.stringMatching(/^1\.1\.1\.254:20\d{3}$/),
      expect.stringMatching(/^1\.1\.1\.254:30\d{3}$/),
    ]);
    expect(await pingOnce(lab.host(2), '192.168.1.3', 56, 1)).toBe(false);
    expect(await seenAt('isolated', [1, 3])).toEqual([1, 0]);

    const open = files.get('hub') as SiteFile;
    for (const { tap } of open.tunnels) delete tap.isolated;
    await hub!.prepare({ ...open });
    expect(await hub!.command('reload')).toMatchObject({ code: 0, stderr: '' });
    await pingUntil(lab.host(2), '192.168.1.3', 20_000);
    expect(await seenAt('one segment', [1, 3])).toEqual([1, 1]);
  });
});
