/** docs/how-to/vlan-trunk.md: tags go through the tunnel as they are, and only those of the list where the bridge filters. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Capture } from '../../lab/capture.ts';
import type { SiteFile } from '../../lab/site.ts';
import { broadcast, countIn, filesOfHowTo, live, MeshLab, siteWithKeys } from './how-to.ts';
import { pingUntil, Sender, suite } from './support.ts';

suite('a VLAN trunk', { programs: ['ping'], python: true }, () => {
  const lab = new MeshLab('vlan', 2);
  let dir = '';
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'l2vpnd-vlan-'));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  /** The tags of those frames of host 1 that reach host 2; `last` is one that does. */
  async function passing(tags: readonly number[], last: number): Promise<number[]> {
    const capture = await Capture.start(lab.host(2), 'eth0', join(dir, `${last}.pcap`), 'not ip');
    const sender = await Sender.link(lab.host(1), 'eth0');
    for (const tag of tags) await sender.send(broadcast(`tagged ${tag}.`, tag));
    await sender.send(broadcast('the last', last));
    while ((await countIn(capture.path, 'the last')) === 0)
      await new Promise((resolve) => setImmediate(resolve));
    await sender.close();
    await capture.stop();
    const seen: number[] = [];
    for (const tag of tags) if ((await countIn(capture.path, `tagged ${tag}.`)) === 1) seen.push(tag);
    return seen;
  }

  /** False where this kernel's bridges have no VLANs. */
  async function filterVlans(): Promise<boolean> {
    for (const n of [1, 2]) {
      const router = lab.router(n);
      const set = await router.run(['ip', 'link', 'set', 'br0', 'type', 'bridge', 'vlan_filtering', '1']);
      if (set.code !== 0) return false;
      for (const vid of ['10', '20-29', '30'])
        await router.must(['bridge', 'vlan', 'add', 'dev', 'lan0', 'vid', vid]);
    }
    return true;
  }

  it('without a setting every tag passes', async () => {
    const files = [...(await filesOfHowTo('vlan-trunk'))].map(([name, file]): [string, SiteFile] => {
      for (const { tap } of file.tunnels) delete tap.vlans;
      return [name, file];
    });
    const sites = await lab.start(files);
    await Promise.all(sites.map(live));
    await pingUntil(lab.host(1), '192.168.1.2', 20_000);
    expect(await passing([5, 10, 25, 30], 11)).toEqual([5, 10, 25, 30]);
  });

  it('the configurations as they stand are sound; on a bridge that filters, the VLANs of the list pass', async () => {
    const files = await filesOfHowTo('vlan-trunk');
    if (!(await filterVlans())) {
      process.stdout.write(
        'no VLAN filtering in this kernel (CONFIG_BRIDGE_VLAN_FILTERING): the files are checked only\n',
      );
      for (const [name, file] of files) await (await siteWithKeys(lab.router(1), name, file)).dispose();
      return;
    }
    const sites = await lab.start(files);
    await Promise.all(sites.map(live));
    expect(await passing([10, 25, 30], 20)).toEqual([10, 25]);
  });
});
