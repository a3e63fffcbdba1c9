/**
 * `gre.remote: "dynamic"` behind a real NAT: the WAN masquerades site 1, whose port changes. Site 2 follows authentic
 * frames and nothing else, and never answers to what is not authentic.
 */
import { readdir } from 'node:fs/promises';
import { expect, it, vi } from 'vitest';
import type { Site } from '../../lab/site.ts';
import { ETHERTYPE_TEST, ethernet, gre, pattern, protect } from './frames.ts';
import { endpointOf, masqueradeSite1, untilEndpoint } from './nat.ts';
import { carriedBy, labOfTests, pingOnce, pingUntil, Sender, suite, tapDelivered } from './support.ts';

const SCI_1 = '0000001111110001';
const KEY_1 = '11'.repeat(16);
const CLEAR = ethernet('00:00:00:00:00:02', '00:00:00:00:00:01', ETHERTYPE_TEST, pattern(60));

suite('a site behind a NAT', { programs: ['nft'], python: true }, () => {
  const lab = labOfTests({ prefix: 'dyn' });

  const masquerade = (port: number): Promise<void> => masqueradeSite1(lab.topology, port);

  async function bothSites(): Promise<[Site, Site]> {
    const site1 = lab.site(1, { gre: { encap: 'udp' } });
    const site2 = lab.site(2, { gre: { encap: 'udp', remote: 'dynamic' } });
    await Promise.all([site1.start(), site2.start()]);
    return [site1, site2];
  }

  it('is learned from its first authentic frame, and again whenever its port changes', async () => {
    lab.explainFailure();
    const { host1, host2 } = lab.topology;
    await masquerade(41_001);
    const [, site2] = await bothSites();
    expect(await endpointOf(site2)).toBeNull();
    // Nothing is known of the path but its first link.
    expect(await carriedBy(site2)).toBe(1422);
    expect(await pingOnce(host2, '192.168.1.1')).toBe(false);
    for (const port of [41_001, 41_002, 41_003]) {
      await masquerade(port);
      await pingUntil(host1, '192.168.1.2');
      await untilEndpoint(site2, new RegExp(`^2\\.2\\.2\\.254:${port}$`));
      expect(await pingOnce(host2, '192.168.1.1')).toBe(true);
    }
    expect((await site2.command('show')).stdout).toContain('2.2.2.2 to 2.2.2.254:41003 over UDP');
  });

  it('is never moved, and nobody is answered, by what is not authentic and new', async () => {
    lab.explainFailure();
    const { host1, nsrb, wan } = lab.topology;
    await masquerade(41_010);
    const [, site2] = await bothSites();
    const captured = await lab.watchWan(() => pingUntil(host1, '192.168.1.2'));
    await untilEndpoint(site2, /:41010$/);
    const replays = captured.filter(({ src }) => src === '1.1.1.1').map((packet) => packet.gre);
    expect(replays.length).toBeGreaterThan(0);
    const good = protect(CLEAR, { key: KEY_1, sci: SCI_1, pn: 5000 });
    const altered = Buffer.from(good);
    altered.writeUInt8(altered.readUInt8(altered.length - 1) ^ 1, altered.length - 1);
    const hostile = [
      ...replays,
      gre(altered),
      gre(protect(CLEAR, { key: '99'.repeat(16), sci: SCI_1, pn: 5000 })),
      gre(protect(CLEAR, { key: KEY_1, sci: '0000009999990001', pn: 5000 })),
      gre(protect(CLEAR, { key: KEY_1, sci: SCI_1, pn: 5000, an: 2 })),
      gre(CLEAR),
      gre(good.subarray(0, 20)),
      gre(good, { flags: 0x2000, key: 7 }),
      gre(good, { protocol: 0x0800 }),
      Buffer.from([0]),
      Buffer.alloc(0),
      pattern(1400),
    ];
    const tapBefore = await tapDelivered(nsrb);
    const before = await site2.counters();
    const answers = await lab.watchLink(wan, 'wan2', 'src 2.2.2.2 and (udp or icmp)', async () => {
      const stranger = await Sender.udp(wan, '2.2.2.254:5555', '2.2.2.2:4754');
      await stranger.send(...hostile);
      await site2.countersWhen((now) => (now.InPktsNotValid ?? 0) >= (before.InPktsNotValid ?? 0) + 2);
      await site2.countersWhen((now) => (now.InPktsLate ?? 0) >= (before.InPktsLate ?? 0) + replays.length);
      await stranger.close();
    });
    expect(answers).toEqual([]);
    expect(await endpointOf(site2)).toBe('2.2.2.254:41010');
    expect(await tapDelivered(nsrb)).toBe(tapBefore);
    expect(await pingOnce(host1, '192.168.1.2')).toBe(true);

    // The one that is authentic and new does move it, at once, and only what follows goes there.
    const roaming = await Sender.udp(wan, '2.2.2.254:5555', '2.2.2.2:4754');
    await roaming.send(gre(good));
    await untilEndpoint(site2, /^2\.2\.2\.254:5555$/);
    await roaming.close();
  });

  it('is spoken to first by a hub that was killed, and is not drawn away by frames recorded before that', async () => {
    lab.explainFailure();
    const { host1, host2, wan } = lab.topology;
    await masquerade(41_020);
    const [, site2] = await bothSites();
    await pingUntil(host1, '192.168.1.2');
    await untilEndpoint(site2, /:41020$/);
    await vi.waitUntil(
      async () => (await readdir(site2.stateDir)).some((name) => name.includes('.endpoint.')),
      {
        timeout: 5000,
      },
    );
    const captured = await lab.watchWan(() => host1.run(['ping', '-q', '-f', '-c', '40', '192.168.1.2']));
    await site2.kill9();
    const recorded = captured.filter(({ src }) => src === '1.1.1.1').map((packet) => packet.gre);
    expect(recorded.length).toBeGreaterThanOrEqual(30);
    // The real one is silent: nothing but what was recorded comes.
    await wan.must(['ip', 'link', 'set', 'wan1', 'down']);
    await site2.start();
    expect(await endpointOf(site2)).toBe('2.2.2.254:41020');
    const before = (await site2.counters()).InPktsOK ?? 0;
    const stranger = await Sender.udp(wan, '2.2.2.254:5555', '2.2.2.2:4754');
    await stranger.send(...recorded);
    // Some of them were not stored as received yet: they are authentic, and new to this process.
    await site2.countersWhen(
      (now) => (now.InPktsOK ?? 0) + (now.InPktsLate ?? 0) >= before + recorded.length,
    );
    await stranger.close();
    expect(await endpointOf(site2)).toBe('2.2.2.254:41020');
    await wan.must(['ip', 'link', 'set', 'wan1', 'up']);
    await pingUntil(host2, '192.168.1.1');
  });

  it.each([{ validate: 'check' }, { replayProtect: false }, { replayBitmap: false }])(
    'cannot be where a frame might come twice or unproven: %j',
    async (macsec) => {
      lab.explainFailure();
      const site = lab.site(2, { gre: { encap: 'udp', remote: 'dynamic' }, macsec });
      expect(await site.startToFail()).toMatchObject({
        code: 78,
        stderr: expect.stringMatching(/"dynamic" needs/),
      });
    },
  );
});

suite('a dynamic site over IPv6', { python: true }, () => {
  const lab = labOfTests({ prefix: 'dyn6', family: 6 });

  it('is learned and relearned the same way', async () => {
    lab.explainFailure();
    const { host1, host2, wan } = lab.topology;
    const site1 = lab.site(1, { gre: { encap: 'udp' } });
    const site2 = lab.site(2, { gre: { encap: 'udp', remote: 'dynamic' } });
    await lab.topology.setHostMtu(1402);
    await Promise.all([site1.start(), site2.start()]);
    expect(await pingOnce(host2, '192.168.1.1')).toBe(false);
    await pingUntil(host1, '192.168.1.2');
    await untilEndpoint(site2, /^\[fd00:1::1\]:4754$/);
    await site2.waitForLog(/peer learned: packets go to \[fd00:1::1\]:4754/);
    expect(await pingOnce(host2, '192.168.1.1', 1374)).toBe(true);

    const stranger = await Sender.udp(wan, '[fd00:2::fe]:5555', '[fd00:2::2]:4754');
    await stranger.send(gre(protect(CLEAR, { key: '99'.repeat(16), sci: SCI_1, pn: 9000 })));
    await site2.countersWhen((now) => now.InPktsNotValid === 1);
    expect(await endpointOf(site2)).toBe('[fd00:1::1]:4754');
    await stranger.send(gre(protect(CLEAR, { key: KEY_1, sci: SCI_1, pn: 9000 })));
    await untilEndpoint(site2, /^\[fd00:2::fe\]:5555$/);
    await site2.waitForLog(/peer moved: from \[fd00:1::1\]:4754 to \[fd00:2::fe\]:5555/);
    await stranger.close();
    await site1.stop();
  });
});
