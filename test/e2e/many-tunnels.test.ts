/** More tunnels than one thread could once wait for, all on one worker. */
import { readFile, writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { type TunnelFile, tunnelFile } from '../../lab/site.ts';
import type { Topology } from '../../lab/topology.ts';
import { labOfTests, pingUntil, suite } from './support.ts';

/** Idle ones, without keys and out of the bridge, each on a port of its own. */
function idleTunnels(topology: Topology, from: number, to: number): TunnelFile[] {
  return Array.from({ length: to - from }, (_, i) =>
    tunnelFile(topology, 1, {
      name: `idle${from + i}`,
      tap: { ifname: `idle${from + i}`, mac: null, bridge: null },
      gre: { encap: 'udp', port: 6000 + from + i },
      macsec: null,
    }),
  );
}

suite('a hub', { programs: ['ping'] }, () => {
  const lab = labOfTests({ prefix: 'hub' });

  it('of 120 tunnels takes 40 more by a reload, says so, and carries frames by the last one', async () => {
    lab.explainFailure();
    const { topology } = lab;
    const first = tunnelFile(topology, 1);
    const site1 = lab.siteOf(1, { workers: 1, tunnels: [first, ...idleTunnels(topology, 1, 120)] });
    const site2 = lab.site(2);
    await Promise.all([site1.start(30_000), site2.start()]);
    await pingUntil(topology.host1, '192.168.1.2');
    const file = JSON.parse(await readFile(site1.configPath, 'utf8'));
    const added = idleTunnels(topology, 120, 160);
    // The one that carries frames comes last, so that its descriptors are the highest.
    await writeFile(
      site1.configPath,
      JSON.stringify({ ...file, tunnels: [...file.tunnels.slice(1), ...added] }),
    );
    const { code, stdout } = await site1.command('reload');
    expect(code).toBe(0);
    for (const { name } of added) expect(stdout).toContain(name);
    await writeFile(
      site1.configPath,
      JSON.stringify({ ...file, tunnels: [...file.tunnels.slice(1), ...added, first] }),
    );
    expect((await site1.command('reload')).code).toBe(0);
    await pingUntil(topology.host1, '192.168.1.2');
    expect(await site1.control('/v1/tunnels')).toHaveLength(160);
    expect(await site1.control('/v1/down')).toEqual([]);
    expect(await site1.stop('SIGTERM', 20_000)).toEqual({ code: 0, signal: null });
  });
});
