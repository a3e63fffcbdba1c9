/**
 * docs/how-to/full-mesh.md: three sites with a tunnel between any two. A broadcast reaches each host once and does not
 * circle; without `isolated` it does.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Capture } from '../../lab/capture.ts';
import type { SiteFile } from '../../lab/site.ts';
import type { Namespace } from '../../lab/topology.ts';
import { broadcast, countIn, filesOfHowTo, live, MeshLab } from './how-to.ts';
import { pingUntil, Sender, suite } from './support.ts';

suite('three sites in a full mesh', { programs: ['ping'], python: true }, () => {
  const lab = new MeshLab('mesh', 3);
  let dir = '';
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'l2vpnd-mesh-'));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  let captures = 0;
  function watch(space: Namespace, link: string): Promise<Capture> {
    return Capture.start(space, link, join(dir, `${captures++}.pcap`), 'ether proto 0x88b5');
  }

  async function isolation(changed: (file: SiteFile) => void = () => {}): Promise<Map<string, SiteFile>> {
    const files = await filesOfHowTo('full-mesh');
    for (const file of files.values()) changed(file);
    return files;
  }

  async function pingAll(): Promise<void> {
    for (const [from, to] of [
      [1, 2],
      [1, 3],
      [2, 3],
    ] as const)
      await pingUntil(lab.host(from), `192.168.1.${to}`, 20_000);
  }

  it('a broadcast reaches each other host once, from whichever it comes, and does not circle', async () => {
    const sites = await lab.start(await isolation());
    await Promise.all(sites.map(live));
    await pingAll();
    for (const from of [1, 2, 3]) {
      const others = [1, 2, 3].filter((n) => n !== from);
      const text = `once from ${from}`;
      const seen = await Promise.all(others.map((n) => watch(lab.host(n), 'eth0')));
      const own = await watch(lab.router(from), 'lan0');
      const sender = await Sender.link(lab.host(from), 'eth0');
      await sender.send(broadcast(text));
      // Whatever would circle has been round many times before these answers have come.
      await pingAll();
      await pingAll();
      await sender.close();
      for (const capture of [...seen, own]) await capture.stop();
      for (const capture of seen) expect(await countIn(capture.path, text)).toBe(1);
      // It does not come back to where it came from.
      expect(await countIn(own.path, text)).toBe(1);
    }
    const { stdout } = await sites[0]!.command('show');
    expect(stdout.match(/bridge br0: forwarding, isolated on, cost \d+, priority 32/g)).toHaveLength(2);
  });

  it('without isolated the same broadcast circles, until a reload isolates the ports', async () => {
    const open = await isolation((file) => {
      for (const { tap } of file.tunnels) delete tap.isolated;
    });
    const sites = await lab.start(open);
    await Promise.all(sites.map(live));
    const capture = await watch(lab.host(3), 'eth0');
    const sender = await Sender.link(lab.host(1), 'eth0');
    await sender.send(broadcast('round and round'));
    await sender.close();
    const circling = async (): Promise<number> => countIn(capture.path, 'round and round');
    while ((await circling()) < 20) await new Promise((resolve) => setImmediate(resolve));
    const files = [...(await isolation()).values()];
    for (const [i, site] of sites.entries()) {
      await site.prepare({ ...files[i]! });
      expect(await site.command('reload')).toMatchObject({ code: 0, stderr: '' });
    }
    await capture.stop();
    // Whatever circled has taught the bridges that their own hosts are elsewhere; a host that is silent does not correct it.
    for (const n of [1, 2, 3]) {
      await lab.router(n).must(['ip', 'link', 'set', 'br0', 'type', 'bridge', 'fdb_flush']);
      await lab.host(n).must(['ip', 'neigh', 'flush', 'all']);
    }
    await pingAll();
    const quiet = await watch(lab.host(3), 'eth0');
    await pingAll();
    await quiet.stop();
    expect(await countIn(quiet.path, 'round and round')).toBe(0);
  });
});
