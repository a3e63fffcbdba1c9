/** Key agreement when the peer, or a part of what it sends, does not come through. */
import { expect, it } from 'vitest';
import type { Site } from '../../lab/site.ts';
import {
  agreed,
  agreedSites,
  agreeing,
  agreementWhen,
  dataOf,
  expectNoPnTwice,
  expectNothingClear,
  mkaLogs,
  underPings,
} from './mka-kit.ts';
import { labOfTests, pingOnce, pingUntil, suite } from './support.ts';

const HOST2 = '192.168.1.2';
/** A peer is lost soon. */
const QUICK = { helloMs: 100, lifeMs: 1000 };

suite('a peer that is lost', { programs: ['nft'] }, () => {
  const lab = labOfTests({ prefix: 'mkl' });

  /** Drops what `rule` of nft(8) says on its way over the WAN while `work` runs. */
  async function dropping(rule: string, work: () => Promise<unknown>): Promise<void> {
    const { wan } = lab.topology;
    const table = `table ip lossy { chain forward { type filter hook forward priority 0; ${rule} drop; }; }`;
    await wan.must(['nft', '-f', '-'], { input: `${table}\n` });
    try {
      await work();
    } finally {
      await wan.must(['nft', 'delete', 'table', 'ip', 'lossy']);
    }
  }

  /** The EtherType behind 4 octets of GRE and two MAC addresses. */
  const MKPDUS = 'ip protocol 47 @th,128,16 0x888e';

  const isLost = ({ live_peers }: { live_peers: number }): boolean => live_peers === 0;

  async function bothLost(sites: readonly Site[]): Promise<void> {
    await Promise.all(sites.map((site) => agreementWhen(site, isLost)));
  }

  it('keeps its keys (peerLoss "keep"): traffic goes on though no MKPDU comes through, and then a new key comes', async () => {
    lab.explainFailure();
    const packets = await lab.watchWan(async () => {
      const sites = await agreedSites(lab, agreeing({ ...QUICK, peerLoss: 'keep' }));
      const before = await agreed(sites);
      await pingUntil(lab.topology.host1, HOST2);
      const { sent, lost } = await underPings(lab.topology.host1, HOST2, async () => {
        await dropping(MKPDUS, async () => {
          await bothLost(sites);
          expect(await pingOnce(lab.topology.host1, HOST2)).toBe(true);
          const { code, stdout } = await sites[0].command('show');
          expect([code, stdout]).toEqual([69, expect.stringContaining('mka: no peer is live')]);
        });
        await agreed(sites, before);
      });
      expect(sent).toBeGreaterThan(200);
      expect(lost).toBe(0);
      for (const site of sites) expect(mkaLogs(site, /SAs kept/)).toHaveLength(1);
    });
    expectNothingClear(packets);
    expectNoPnTwice(packets);
  });

  it('loses its keys (peerLoss "drop"): nothing goes on, and nothing in clear, until it is back', async () => {
    lab.explainFailure();
    const packets = await lab.watchWan(async () => {
      const sites = await agreedSites(lab, agreeing({ ...QUICK, peerLoss: 'drop' }));
      const before = await agreed(sites);
      await pingUntil(lab.topology.host1, HOST2);
      await dropping(MKPDUS, async () => {
        await bothLost(sites);
        await Promise.all(sites.map((site) => agreementWhen(site, ({ latest }) => latest === null)));
        const silent = await lab.watchWan(async () => {
          for (let i = 0; i < 3; i++) expect(await pingOnce(lab.topology.host1, HOST2)).toBe(false);
        });
        expect(dataOf(silent)).toEqual([]);
        await sites[0].waitForLog(/frames dropped: no key is agreed on/);
      });
      await agreed(sites, before);
      await pingUntil(lab.topology.host1, HOST2);
      for (const site of sites) expect(mkaLogs(site, /SAs removed/)).toHaveLength(1);
    });
    expectNothingClear(packets);
    expectNoPnTwice(packets);
  });

  it.each(['keep', 'drop'] as const)(
    'comes back after its line was down (peerLoss "%s")',
    async (peerLoss) => {
      lab.explainFailure();
      const { wan, host1 } = lab.topology;
      const packets = await lab.watchWan(async () => {
        const sites = await agreedSites(lab, agreeing({ ...QUICK, peerLoss }));
        const before = await agreed(sites);
        await pingUntil(host1, HOST2);
        await wan.ip('link set wan2 down\n');
        await bothLost(sites);
        expect(await pingOnce(host1, HOST2)).toBe(false);
        await wan.ip('link set wan2 up\n');
        await agreed(sites, before);
        await pingUntil(host1, HOST2);
      });
      expectNothingClear(packets);
      expectNoPnTwice(packets);
    },
  );

  it('is none on a line that loses a fifth of all packets, for a minute', { timeout: 120_000 }, async () => {
    lab.explainFailure();
    const packets = await lab.watchWan(async () => {
      const sites = await agreedSites(lab, agreeing({ rekeySeconds: 5, peerLoss: 'drop' }));
      await dropping('numgen random mod 100 < 20', async () => {
        const { sent, lost } = await underPings(lab.topology.host1, HOST2, () =>
          agreementWhen(sites[0], ({ saks_made }) => saks_made >= 12, 90_000),
        );
        expect(sent).toBeGreaterThan(3000);
        // Of both ways 64 % come through.
        expect(lost / sent).toBeGreaterThan(0.3);
        expect(lost / sent).toBeLessThan(0.42);
      });
      for (const site of sites) {
        expect(mkaLogs(site, /peer lost|SAs removed/)).toEqual([]);
        const { InPktsNotUsingSA, NoTxSa } = await site.counters();
        expect([InPktsNotUsingSA, NoTxSa]).toEqual([0, 0]);
      }
    });
    expectNothingClear(packets);
    expect(expectNoPnTwice(packets).saks).toBeGreaterThanOrEqual(10);
  });
});
