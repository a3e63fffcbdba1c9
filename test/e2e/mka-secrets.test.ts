/**
 * The keys of a running agreement stay where they are: neither CAKs, nor what is made of them (ICK, KEK), nor SAKs are in
 * anything that a daemon says or stores, nor as text in its memory; OpenSSL loses the SAKs that are retired.
 */
import { createSecretKey } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { GrePacket } from '../../lab/capture.ts';
import type { Site } from '../../lab/site.ts';
import { deriveMkaKeys } from '../../src/keys/mka/keys.ts';
import { ethernet, gre, hex, pattern } from './frames.ts';
import { countIn, expectNoKey, textsOf } from './leaks.ts';
import { agreed, agreementWhen, reloadMka, saksIn } from './mka-kit.ts';
import { labOfTests, pingUntil, Sender, suite } from './support.ts';

/** Without a pattern, so that finding them is no accident. */
const CAK = { ckn: '6c32', cak: '1c8f3e0b7ad25946c0e3f15b82a6d47908bd26f4e1573ca98d60fe42b7315ca6' };
const FALLBACK = { ckn: '0fb0', cak: 'a92d5c71f60e83b4d7194ac85fe0362b' };
const NEXT = { ckn: '6c34', cak: '6be70a4d93f2c815e84a5d3706cb91fe' };

/** CAK, ICK and KEK, in hex. */
function keysOf({ ckn, cak }: typeof CAK): string[] {
  const { ick, kek } = deriveMkaKeys(createSecretKey(cak, 'hex'), ckn);
  return [cak, ...[ick, kek].map((key) => key.export().toString('hex'))];
}

const LASTING = [CAK, FALLBACK, NEXT].flatMap(keysOf);

suite('the keys of a running agreement', { python: true }, () => {
  const lab = labOfTests({ prefix: 'mks' });

  async function start(side: 1 | 2): Promise<Site> {
    const cakFile = lab.newFile('.cak');
    await writeFile(cakFile, `${FALLBACK.cak}\n`, { mode: 0o600 });
    const mka = { ...CAK, fallback: { ckn: FALLBACK.ckn, cakFile } };
    const settings = { log: { level: 'trace' }, metrics: { listen: '127.0.0.1:9586' } };
    const site = lab.site(side, { macsec: { mka } }, settings);
    await site.start();
    return site;
  }

  /** A SAK from either side, a forged MKPDU, and another CAK; the packets of it all. */
  async function live(sites: readonly [Site, Site]): Promise<void> {
    await pingUntil(lab.topology.host1, '192.168.1.2');
    for (const site of sites) {
      const before = await agreed(sites);
      expect((await site.command('rotate', site.name === 'site1' ? 'site2' : 'site1')).code).toBe(0);
      await agreed(sites, before);
    }
    const peer = await Sender.gre(lab.topology.nsrb, '2.2.2.2', '1.1.1.1');
    const eapol = Buffer.concat([hex('0305 0048'), pattern(72)]);
    await peer.send(gre(ethernet('01:80:c2:00:00:03', '00:00:00:22:22:22', 0x888e, eapol)));
    await peer.close();
    for (const site of sites) await reloadMka(site, NEXT);
    for (const site of sites)
      await agreementWhen(site, ({ ckn, live_peers }) => ckn === NEXT.ckn && live_peers === 2);
    await agreed(sites);
  }

  it('are in no log, answer, metric or file, and not as text in memory; retired SAKs are gone', {
    timeout: 120_000,
  }, async () => {
    lab.explainFailure();
    let sites!: [Site, Site];
    const packets: GrePacket[] = await lab.watchWan(async () => {
      sites = [await start(1), await start(2)];
      await live(sites);
    });
    const saks = [CAK, FALLBACK, NEXT].flatMap((cak) => saksIn(packets, cak));
    expect(saks.length).toBeGreaterThanOrEqual(4);
    const keys = [...LASTING, ...saks];
    for (const site of sites) {
      const { latest } = await agreementWhen(site, ({ old }) => old === null, 15_000);
      expect(latest).not.toBeNull();
      expect(countIn(site.pid, textsOf(keys))).toEqual({});
      const octets = Object.fromEntries(saks.map((sak) => [sak, hex(sak)]));
      const found = Object.values(countIn(site.pid, octets)).sort((a, b) => b - a);
      // That in use is there, as AES needs it: a KeyObject, and contexts in the lanes.
      expect(found[0]).toBeGreaterThanOrEqual(5);
      // Of others OpenSSL has nothing any more; KeyObjects are wiped as they are collected, which nobody can hurry.
      expect(Math.max(0, ...found.slice(1))).toBeLessThanOrEqual(2);
    }
    for (const site of sites) await expectNothingSaid(site, keys);
    for (const site of sites) await expectNothingLeft(site, keys);
  });
});

async function expectNothingSaid(site: Site, keys: readonly string[]): Promise<void> {
  expectNoKey(keys, 'GET /v1/tunnels', JSON.stringify(await site.control('/v1/tunnels')));
  const script = "fetch('http://127.0.0.1:9586/metrics').then((r) => r.text()).then((t) => console.log(t))";
  const metrics = await site.space.must([process.execPath, '-e', script]);
  expect(metrics).toMatch(/^l2vpnd_mka_live_peers\{tunnel="site[12]"\} 2$/m);
  expectNoKey(keys, '/metrics', metrics);
  for (const args of [['check'], ['show'], ['show', '-s'], ['show', '-s', '-j'], ['reload']]) {
    const { code, stdout, stderr } = await site.command(...args);
    expect(code, args.join(' ')).toBe(0);
    expectNoKey(keys, `l2vpnd ${args.join(' ')}`, stdout + stderr);
  }
  const commandLine = await readFile(`/proc/${site.pid}/cmdline`, 'latin1');
  const environment = await readFile(`/proc/${site.pid}/environ`, 'latin1');
  expectNoKey(keys, 'the command line', commandLine + environment);
}

async function expectNothingLeft(site: Site, keys: readonly string[]): Promise<void> {
  await site.stop();
  expect(site.output()).toMatch(/mka: SAK retired/);
  expectNoKey(keys, 'the log', site.output());
  for (const name of await readdir(site.stateDir))
    expectNoKey(keys, name, await readFile(join(site.stateDir, name), 'latin1'));
}
