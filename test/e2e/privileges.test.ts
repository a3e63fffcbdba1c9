/** What a daemon that root has started by hand may still do: two capabilities, in every thread, and never more again. */
import { readdirSync, readFileSync } from 'node:fs';
import { chown, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { tunnelFile } from '../../lab/site.ts';
import { labOfTests, pingUntil, suite } from './support.ts';

/** CAP_NET_ADMIN and CAP_NET_RAW, as /proc/PID/status has them. */
const TWO = '0000000000003000';
const NONE = '0'.repeat(16);

/** What /proc says of the privileges of each thread of `pid`. */
function privilegesOf(pid: number): Record<string, string>[] {
  return readdirSync(`/proc/${pid}/task`).map((tid) => {
    const status = readFileSync(`/proc/${pid}/task/${tid}/status`, 'latin1');
    const fields = status.matchAll(/^(Cap\w+|NoNewPrivs):\s+(\S+)$/gm);
    return Object.fromEntries([...fields].map(([, name, value]) => [name, value]));
  });
}

suite('the privileges of a daemon that root starts', {}, () => {
  const lab = labOfTests({ prefix: 'priv' });

  it('are two capabilities, in every thread: node has some before ours begin', async () => {
    const [site] = await lab.bothSites();
    await pingUntil(lab.topology.host1, '192.168.1.2');
    const threads = privilegesOf(site.pid);
    expect(threads.length).toBeGreaterThan(8);
    const only = { CapInh: NONE, CapPrm: TWO, CapEff: TWO, CapBnd: TWO, CapAmb: NONE, NoNewPrivs: '1' };
    for (const thread of threads) expect(thread).toEqual(only);
  });

  it('are enough for a reload that brings a tunnel with a bridge', async () => {
    const site = lab.site(1, { tap: { bridge: null } });
    await site.start();
    await site.prepare({ tunnels: [tunnelFile(lab.topology, 1)] });
    expect(await site.command('reload')).toMatchObject({ code: 0, stdout: 'tunnel site2: restarted\n' });
    expect(await lab.topology.nsra.must(['ip', 'link', 'show', 'master', 'br0'])).toContain('macsec1');
  });

  it.each([
    ['gre.port', { gre: { encap: 'udp', port: 500 } }, {}, /tunnels\[0\]\.gre\.port: ports below 1024 need/],
    [
      'metrics',
      {},
      { metrics: { listen: '127.0.0.1:80' } },
      /metrics\.listen 127\.0\.0\.1:80: ports below 1024/,
    ],
  ])(
    'are too few for a port below 1024 (%s): exit 77, with the remedy',
    async (_, changes, settings, says) => {
      const { code, stderr } = await lab.site(1, changes, settings).startToFail();
      expect(`${code} ${stderr}`).toMatch(/^77 l2vpnd: /);
      expect(stderr).toMatch(says);
      expect(stderr).toMatch(/take a higher one, or run sysctl net\.ipv4\.ip_unprivileged_port_start=/);
    },
  );

  it('are too few for a key file of somebody else: exit 77, with the remedy', async () => {
    const site = lab.site(1, { macsec: { mka: { ckn: 'aa', cakFile: 'site.cak' } } });
    await site.prepare();
    const path = join(site.dir, 'site.cak');
    await writeFile(path, 'ab'.repeat(16), { mode: 0o600 });
    await chown(path, 4754, 4754);
    const { code, stderr } = await site.startToFail();
    expect(`${code} ${stderr}`).toMatch(/^77 l2vpnd: /);
    expect(stderr).toContain(
      `${path} cannot be read: permission denied; it belongs to another user: run chown 0 ${path}`,
    );
  });
});
