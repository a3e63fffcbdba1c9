/** Key agreement between two sites: nobody types a SAK. */
import { expect, it } from 'vitest';
import type { Site } from '../../lab/site.ts';
import { labOfTests, pingUntil, suite } from './support.ts';

const MKA = { ckn: '6c32', cak: '5a'.repeat(32) };

suite('two sites with one CAK', {}, () => {
  const lab = labOfTests({ prefix: 'mka' });

  async function bothSites(mka: object = {}): Promise<[Site, Site]> {
    const macsec = { mka: { ...MKA, ...mka } };
    const [site1, site2] = [lab.site(1, { macsec }), lab.site(2, { macsec })];
    await Promise.all([site1.start(), site2.start()]);
    return [site1, site2];
  }

  it('agree on keys by themselves, and hosts reach each other', async () => {
    lab.explainFailure();
    const [site1, site2] = await bothSites();
    await pingUntil(lab.topology.host1, '192.168.1.2');
    const anyKey = /key [0-9a-f]{24}00000001/;
    for (const site of [site1, site2]) expect((await site.command('show')).stdout).toMatch(anyKey);
  });
});
