/** Keys stay where they are: nothing that a daemon says, shows, stores or leaves behind holds their octets. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Site } from '../../lab/site.ts';
import { hex } from './frames.ts';
import { expectNoKey } from './leaks.ts';
import { labOfTests, pingUntil, Sender, suite } from './support.ts';

/** Keys without a pattern, so that finding them is no accident. */
const KEYS = ['0f4d6a92c3b7e15808d1f62b39ae74c5', 'e81b70553ac94f2d96a07be43d18c2f1'] as const;

async function metricsOf(site: Site): Promise<string> {
  const script = "fetch('http://127.0.0.1:9586/metrics').then((r) => r.text()).then((t) => console.log(t))";
  return site.space.must([process.execPath, '-e', script]);
}

suite('key octets', { python: true }, () => {
  const lab = labOfTests({ prefix: 'secret' });

  it('are in no log, answer, metric or file, and in no core dump, as there is none', async () => {
    lab.explainFailure();
    const keyed = (own: string, peer: string, mac: string) => ({
      macsec: {
        txSa: [{ an: 0, keyId: '01', key: own }],
        rxSc: [{ mac, sa: [{ an: 0, keyId: '02', key: peer }] }],
      },
    });
    const settings = { log: { level: 'trace' }, metrics: { listen: '127.0.0.1:9586' } };
    const site1 = lab.site(1, keyed(KEYS[0], KEYS[1], '00:00:00:22:22:22'), settings);
    const site2 = lab.site(2, keyed(KEYS[1], KEYS[0], '00:00:00:11:11:11'), settings);
    await Promise.all([site1.start(), site2.start()]);
    await pingUntil(lab.topology.host1, '192.168.1.2');
    const peer = await Sender.gre(lab.topology.nsrb, '2.2.2.2', '1.1.1.1');
    await peer.send(
      hex('00006558 000000000001 000000000002 88e52c00 00000007 0000002222220001'),
      hex('0000'),
    );
    await peer.close();
    await site1.waitForLog(/frames dropped/);

    expectNoKey(KEYS, 'GET /v1/tunnels', JSON.stringify(await site1.control('/v1/tunnels')));
    const metrics = await metricsOf(site1);
    expect(metrics).toMatch(/InPktsOK/);
    expectNoKey(KEYS, '/metrics', metrics);
    for (const args of [['check'], ['show'], ['show', '-s'], ['show', '-s', '-j'], ['reload']]) {
      const { code, stdout, stderr } = await site1.command(...args);
      expect(code, args.join(' ')).toBe(0);
      expectNoKey(KEYS, `l2vpnd ${args.join(' ')}`, stdout + stderr);
    }

    const limits = await readFile(`/proc/${site1.pid}/limits`, 'utf8');
    expect(limits).toMatch(/^Max core file size\s+0\s+0\s/m);
    const commandLine = await readFile(`/proc/${site1.pid}/cmdline`, 'latin1');
    const environment = await readFile(`/proc/${site1.pid}/environ`, 'latin1');
    expectNoKey(KEYS, 'the command line', commandLine + environment);

    await site1.stop();
    expectNoKey(KEYS, 'the log', site1.output());
    for (const name of await readdir(site1.stateDir))
      expectNoKey(KEYS, name, await readFile(join(site1.stateDir, name), 'latin1'));
  });

  it('of a configuration that is refused are not in the message', async () => {
    const site = lab.site(1, {
      macsec: {
        txSa: [
          { an: 0, keyId: '01', key: `${KEYS[0]}0` },
          { an: 0, keyId: '01', key: KEYS[1] },
        ],
      },
    });
    const { code, stdout, stderr } = await site.startToFail();
    expect(code).toBe(78);
    expectNoKey(KEYS, 'the message', stdout + stderr);
  });
});
