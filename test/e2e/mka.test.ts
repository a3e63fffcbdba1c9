/** Key agreement between two sites: nobody types a SAK. */
import { setTimeout } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { Site } from '../../lab/site.ts';
import {
  agreed,
  agreedSites,
  agreeing,
  agreementOf,
  agreementWhen,
  expectNoPnTwice,
  expectNothingClear,
  mkaLogs,
  underPings,
} from './mka-kit.ts';
import { labOfTests, pingUntil, suite } from './support.ts';

const HOST2 = '192.168.1.2';

suite('two sites with one CAK', {}, () => {
  const lab = labOfTests({ prefix: 'mka' });

  it('agree on other keys at each start, and tell of it in show', async () => {
    lab.explainFailure();
    const seen = new Set<string>();
    for (let i = 0; i < 3; i++) {
      const sites = await agreedSites(lab, agreeing());
      await pingUntil(lab.topology.host1, HOST2);
      seen.add(await agreed(sites));
      const [{ code, stdout }, { stdout: member }] = [
        await sites[0].command('show', '-s'),
        await sites[1].command('show'),
      ];
      expect(code).toBe(0);
      expect(stdout).toMatch(
        /^ {8}mka: this end is key server, key server 0000001111110001, CKN 6c32\n {12}key [0-9a-f]{24}00000001, AN 0, \d+ s old, receives and transmits\n {12}MI [0-9a-f]{24}, MN \d+\n {12}live peer 0000002222220001, /m,
      );
      expect(stdout).toMatch(/^ {12}MKPDUs: \d+ in, \d+ out; SAKs: 1 made, 0 received$/m);
      expect(stdout).toMatch(/^ {8}dropped: nothing$/m);
      expect(member).toMatch(/^ {8}mka: this end is member, key server 0000001111110001, CKN 6c32$/m);
      expect(JSON.parse((await sites[0].command('show', '-j')).stdout)).toMatchObject([
        { l2vpnd: { mka: { role: 'key server', live_peers: 1 }, peer: { state: expect.any(String) } } },
      ]);
      for (const site of sites) {
        const drops = site.logs().filter(({ msg }) => msg.includes('control plane'));
        expect(drops).toEqual([]);
        await site.stop();
      }
    }
    expect(seen.size).toBe(3);
  });

  it('a restart of either end, asked for or not, is over within a second of its first hello', async () => {
    lab.explainFailure();
    const packets = await lab.watchWan(async () => {
      const sites = await agreedSites(lab, agreeing());
      for (const restarted of sites) {
        for (const end of [() => restarted.stop(), () => restarted.kill9()]) {
          const before = await agreed(sites);
          await end();
          await restarted.start();
          await agreed(sites, before);
          expect(await backAfterMs(restarted)).toBeLessThan(1000);
          await pingUntil(lab.topology.host1, HOST2);
        }
      }
    });
    expectNothingClear(packets);
    expect(expectNoPnTwice(packets).saks).toBeGreaterThanOrEqual(4);
  });

  it('a crash at any moment, with the state wiped, is over as soon, and repeats no packet number under any key', {
    timeout: 120_000,
  }, async () => {
    lab.explainFailure();
    const { host1, host2 } = lab.topology;
    // Pings do not stop to ask for an address.
    await host1.ip('neigh replace 192.168.1.2 lladdr 00:00:00:00:00:02 dev veth1 nud permanent\n');
    await host2.ip('neigh replace 192.168.1.1 lladdr 00:00:00:00:00:01 dev veth2 nud permanent\n');
    const packets = await lab.watchWan(() =>
      underPings(host1, HOST2, async () => {
        const sites = await agreedSites(lab, agreeing());
        const crash = async (site: Site): Promise<void> => {
          await site.kill9();
          await lab.topology.nsra.must(['rm', '-rf', site.stateDir]);
          await site.start();
        };
        for (const [i, afterMs] of [0, 10, 30, 60, 120, 250, 500].entries()) {
          const crashed = sites[i % 2]!;
          await crash(crashed);
          // Not an event but any moment: of the hello, the answer, the SAK, the SAs.
          await setTimeout(afterMs);
          await crash(crashed);
          await agreed(sites);
          expect(await backAfterMs(crashed), `after a crash ${afterMs} ms after the start`).toBeLessThan(
            1000,
          );
        }
        await pingUntil(host1, HOST2);
      }),
    );
    expectNothingClear(packets);
    const { frames, saks } = expectNoPnTwice(packets);
    expect(saks).toBeGreaterThanOrEqual(8);
    expect(frames).toBeGreaterThan(100);
  });

  it('the next key each second costs no frame of two hundred pings per second', async () => {
    lab.explainFailure();
    const packets = await lab.watchWan(async () => {
      const sites = await agreedSites(lab, agreeing({ rekeySeconds: 1 }));
      await pingUntil(lab.topology.host1, HOST2);
      const { sent, lost } = await underPings(lab.topology.host1, HOST2, () =>
        agreementWhen(sites[0], ({ saks_made }) => saks_made >= 15, 30_000),
      );
      expect(sent).toBeGreaterThan(1000);
      expect(lost).toBe(0);
      expect(mkaLogs(sites[0], /new SAK: by time/).length).toBeGreaterThanOrEqual(14);
    });
    expectNothingClear(packets);
    expect(expectNoPnTwice(packets).saks).toBeGreaterThanOrEqual(14);
  });

  it('rotate asks for the next key at either end, without loss; abort has nothing to do', async () => {
    lab.explainFailure();
    const sites = await agreedSites(lab, agreeing());
    await pingUntil(lab.topology.host1, HOST2);
    const answers: string[] = [];
    const { lost } = await underPings(lab.topology.host1, HOST2, async () => {
      for (const site of sites) {
        const before = await agreed(sites);
        const { code, stdout, stderr } = await site.command('rotate', tunnelOf(site));
        expect([code, stderr]).toEqual([0, '']);
        answers.push(stdout);
        await agreed(sites, before);
      }
    });
    expect(lost).toBe(0);
    expect(answers).toEqual([
      'tunnel site2: this end makes a new SAK\n',
      'tunnel site1: the key server is asked for a new SAK\n',
    ]);
    expect(mkaLogs(sites[0], /new SAK: ordered/)).toHaveLength(1);
    const aborted = await sites[0].command('rotate', tunnelOf(sites[0]), '--abort');
    expect(aborted).toMatchObject({ code: 64, stderr: expect.stringMatching(/no rotation to abort/) });
  });

  it('rotate where no peer is live is told so', async () => {
    lab.explainFailure();
    const site = lab.site(1, agreeing());
    await site.start();
    expect(await site.command('rotate', tunnelOf(site))).toMatchObject({
      code: 69,
      stderr: expect.stringMatching(/no live peer/),
    });
    const { code, stdout } = await site.command('show');
    expect([code, stdout]).toEqual([69, expect.stringMatching(/^ {8}mka: no peer is live, CKN 6c32$/m)]);
    expect((await agreementOf(site)).latest).toBeNull();
  });
});

const tunnelOf = ({ name }: Site): string => (name === 'site1' ? 'site2' : 'site1');

/** From the first hello of a site to its first SAK in use, by its log. */
async function backAfterMs(site: Site): Promise<number> {
  await site.waitForLog(/mka: SAK in use/);
  const [up, inUse] = [/^ready$/, /SAK in use/].map((text) => site.logs().find(({ msg }) => text.test(msg)));
  return new Date(inUse!.time).getTime() - new Date(up!.time).getTime();
}
