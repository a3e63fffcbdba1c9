/** Key agreement and its CAKs: another one at one end, replacing one, settings that change while it runs. */
import { expect, it } from 'vitest';
import type { Site } from '../../lab/site.ts';
import {
  agreed,
  agreedSites,
  agreeing,
  agreementWhen,
  dataOf,
  expectNothingClear,
  mkaLogs,
  reloadMka,
  underPings,
  WRONG_CAK,
} from './mka-kit.ts';
import { labOfTests, pingOnce, pingUntil, suite } from './support.ts';

const HOST2 = '192.168.1.2';
const [OTHER_CAK, FALLBACK_CAK] = ['a5'.repeat(32), 'c3'.repeat(16)];
const FALLBACK = { ckn: '0fb0', cak: FALLBACK_CAK };

suite('the CAK', {}, () => {
  const lab = labOfTests({ prefix: 'mkc' });

  it('is another at one end: no key, no frame, and both ends say why', async () => {
    lab.explainFailure();
    const sites = [lab.site(1, agreeing()), lab.site(2, agreeing({ cak: OTHER_CAK }))];
    const packets = await lab.watchWan(async () => {
      for (const site of sites) await site.start();
      await Promise.all(
        sites.map((site) => agreementWhen(site, ({ refused }) => (refused.WrongIcv ?? 0) > 3)),
      );
      expect(await pingOnce(lab.topology.host1, HOST2)).toBe(false);
    });
    for (const site of sites) {
      const { code, stdout } = await site.command('show');
      expect([code, stdout]).toEqual([69, expect.stringContaining(`\n        mka: ${WRONG_CAK}\n`)]);
      expect(mkaLogs(site, /./).map(({ msg }) => msg)).toContain(`mka: ${WRONG_CAK}`);
    }
    expectNothingClear(packets);
    expect(dataOf(packets)).toEqual([]);
    // Once it is right, the tunnel comes up by itself.
    await reloadMka(sites[0]!, { cak: OTHER_CAK });
    await agreed(sites);
    await pingUntil(lab.topology.host1, HOST2);
    expect((await sites[0]!.command('show')).stdout).not.toContain(WRONG_CAK);
  });

  it('has another name at one end: both ends say so', async () => {
    lab.explainFailure();
    const sites = [lab.site(1, agreeing()), lab.site(2, agreeing({ ckn: '6c33' }))];
    for (const site of sites) await site.start();
    for (const site of sites) {
      await agreementWhen(site, ({ trouble }) => trouble.length > 0);
      expect((await site.command('show')).stdout).toMatch(/^ {8}mka: no CAK of this name is configured: /m);
    }
  });

  it('is replaced at one end after the other by reload, with a fallback, and no frame is lost', async () => {
    lab.explainFailure();
    const sites = await agreedSites(lab, agreeing({ fallback: FALLBACK }));
    await pingUntil(lab.topology.host1, HOST2);
    const { sent, lost } = await underPings(lab.topology.host1, HOST2, async () => {
      for (const site of sites) {
        await reloadMka(site, { ckn: '6c34', cak: OTHER_CAK });
        await inCharge(site, site === sites[0] ? FALLBACK.ckn : '6c34');
      }
      await inCharge(sites[0], '6c34');
      await agreed(sites);
    });
    expect(sent).toBeGreaterThan(100);
    expect(lost).toBe(0);
    expect((await sites[0].command('show')).stdout).toMatch(
      /^ {12}CAK 6c34, in charge: MI .*\n.*\n {12}CAK 0fb0: MI /m,
    );
  });

  const inCharge = (site: Site, ckn: string) =>
    agreementWhen(site, (one) => one.ckn === ckn && one.live_peers > 0 && one.latest !== null, 15_000);

  it('stays as it is while a reload changes priority and hello, and no frame is lost', async () => {
    lab.explainFailure();
    const [site1, site2] = await agreedSites(lab, agreeing());
    await pingUntil(lab.topology.host1, HOST2);
    const { lost } = await underPings(lab.topology.host1, HOST2, async () => {
      const before = await agreed([site1, site2]);
      await reloadMka(site2, { priority: 16 });
      await agreementWhen(site2, ({ role }) => role === 'key server');
      await agreementWhen(site1, ({ role }) => role === 'member');
      await agreed([site1, site2], before);
      await reloadMka(site2, { helloMs: 100 });
      const { mkpdus_in } = await agreementWhen(site1, () => true);
      await agreementWhen(site1, (one) => one.mkpdus_in > mkpdus_in + 20, 3000);
    });
    expect(lost).toBe(0);
  });
});
