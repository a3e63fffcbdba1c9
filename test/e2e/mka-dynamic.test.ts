/**
 * Key agreement with a site that may be anywhere: site 1 behind a NAT, site 2 the hub with `gre.remote: "dynamic"`. The
 * hub goes by hellos alone, and by what is recorded or forged not at all.
 */
import { expect, it, vi } from 'vitest';
import type { Site } from '../../lab/site.ts';
import { gre } from './frames.ts';
import { agreementOf } from './mka-kit.ts';
import { endpointOf, masqueradeSite1, untilEndpoint } from './nat.ts';
import { labOfTests, pingUntil, Sender, suite } from './support.ts';

const MKA = { ckn: '6c32', cak: '5a'.repeat(32), helloMs: 250 };

suite('key agreement with a site behind a NAT', { programs: ['nft'], python: true }, () => {
  const lab = labOfTests({ prefix: 'mkd' });
  const masquerade = (port: number): Promise<void> => masqueradeSite1(lab.topology, port);

  function sites(mka: object = {}): [Site, Site] {
    const macsec = { mka: { ...MKA, ...mka } };
    return [
      lab.site(1, { gre: { encap: 'udp' }, macsec }),
      lab.site(2, { gre: { encap: 'udp', remote: 'dynamic' }, macsec }),
    ];
  }

  /** GRE payloads that site 1 sent while `work` ran. */
  async function record(work: () => Promise<unknown>): Promise<Buffer[]> {
    const captured = await lab.watchWan(work);
    return captured.filter(({ src }) => src === '1.1.1.1').map((packet) => packet.gre);
  }

  /** Until so many more MKPDUs have come. */
  async function hellos(site: Site, count: number): Promise<void> {
    const from = (await agreementOf(site)).mkpdus_in;
    await vi.waitUntil(async () => (await agreementOf(site)).mkpdus_in >= from + count, { timeout: 10_000 });
  }

  it('says nothing before it is spoken to, and follows a new port by hellos alone', async () => {
    lab.explainFailure();
    const { host1, host2, wan, site1, site2 } = lab.topology;
    await masquerade(41_001);
    const [spoke, hub] = sites();
    const early = await lab.watchLink(wan, 'wan2', 'src 2.2.2.2 and udp', async () => {
      await hub.start();
      await wan.run(['sleep', '1']);
    });
    expect(early).toEqual([]);
    expect(await endpointOf(hub)).toBeNull();
    await spoke.start();
    await untilEndpoint(hub, /^2\.2\.2\.254:41001$/);
    await pingUntil(host2, '192.168.1.1');
    // ARP is data too.
    await host1.ip(`neigh replace 192.168.1.2 lladdr ${site2.hostMac} dev veth1 nud permanent\n`);
    await host2.ip(`neigh replace 192.168.1.1 lladdr ${site1.hostMac} dev veth2 nud permanent\n`);
    for (const port of [41_002, 41_003]) {
      await masquerade(port);
      const sent = await lab.watchWan(() => untilEndpoint(hub, new RegExp(`^2\\.2\\.2\\.254:${port}$`)));
      expect(sent.filter(({ secTag }) => secTag !== undefined)).toEqual([]);
      // The hub speaks first.
      await pingUntil(host2, '192.168.1.1');
    }
    expect(hub.output()).not.toMatch(/mka: peer lost/);
    await pingUntil(host1, '192.168.1.2');
  });

  it('is not drawn away by what was recorded or forged', async () => {
    lab.explainFailure();
    const { host1, wan } = lab.topology;
    await masquerade(41_010);
    const [spoke, hub] = sites();
    await hub.start();
    const recorded = await record(async () => {
      await spoke.start();
      await pingUntil(host1, '192.168.1.2');
      await hellos(hub, 4);
    });
    const mkpdus = recorded.filter((packet) => packet.readUInt16BE(4 + 12) === 0x888e);
    expect(mkpdus.length).toBeGreaterThan(3);
    const forged = mkpdus.map((packet) => {
      const copy = Buffer.from(packet);
      copy.writeUInt8(copy.readUInt8(copy.length - 1) ^ 1, copy.length - 1);
      return copy;
    });
    const answers = await lab.watchLink(wan, 'wan2', 'src 2.2.2.2 and udp dst port 5555', async () => {
      const stranger = await Sender.udp(wan, '2.2.2.254:5555', '2.2.2.2:4754');
      await stranger.send(...mkpdus, ...forged, ...recorded, gre(Buffer.alloc(60)));
      await hellos(hub, 3);
      await stranger.close();
    });
    expect(answers).toEqual([]);
    expect(await endpointOf(hub)).toBe('2.2.2.254:41010');

    // A hub that has started anew cannot know them as old. It answers, and stays where it is: nobody proves anything.
    await wan.must(['ip', 'link', 'set', 'wan1', 'down']);
    await hub.kill9();
    await hub.start();
    const answered = await lab.watchLink(wan, 'wan2', 'src 2.2.2.2 and udp', async () => {
      const stranger = await Sender.udp(wan, '2.2.2.254:5555', '2.2.2.2:4754');
      await stranger.send(...mkpdus);
      await hub.waitForLog(/mka: peer heard/);
      await wan.run(['sleep', '1']);
      await stranger.close();
    });
    expect(answered.length).toBeLessThanOrEqual(mkpdus.length);
    expect(await endpointOf(hub)).toBeNull();
    await wan.must(['ip', 'link', 'set', 'wan1', 'up']);
    await untilEndpoint(hub, /:41010$/, 10_000);
    await pingUntil(host1, '192.168.1.2');
  });

  it.each(['drop', 'keep'])(
    'is found again by a hub that starts anew while it has nothing to send: %s',
    async (peerLoss) => {
      lab.explainFailure();
      const { host2 } = lab.topology;
      await masquerade(41_020);
      const [spoke, hub] = sites({ peerLoss });
      await Promise.all([spoke.start(), hub.start()]);
      await pingUntil(host2, '192.168.1.1');
      await hub.kill9();
      await hub.start();
      const started = Date.now();
      await untilEndpoint(hub, /:41020$/);
      await pingUntil(host2, '192.168.1.1');
      expect(Date.now() - started).toBeLessThan(3000);
    },
  );

  it('is found again when it starts anew elsewhere while the hub believes it where it was', async () => {
    lab.explainFailure();
    const { host2 } = lab.topology;
    await masquerade(41_030);
    const [spoke, hub] = sites();
    await Promise.all([spoke.start(), hub.start()]);
    await pingUntil(host2, '192.168.1.1');
    await spoke.kill9();
    await masquerade(41_031);
    await spoke.start();
    await untilEndpoint(hub, /:41031$/);
    await pingUntil(host2, '192.168.1.1');
  });
});

suite('key agreement with a site that may be anywhere, over IPv6', {}, () => {
  const lab = labOfTests({ prefix: 'mkd6', family: 6 });

  it('learns it by its first hellos', async () => {
    lab.explainFailure();
    const macsec = { mka: MKA };
    const [spoke, hub] = [
      lab.site(1, { gre: { encap: 'udp' }, macsec }),
      lab.site(2, { gre: { encap: 'udp', remote: 'dynamic' }, macsec }),
    ];
    await lab.topology.setHostMtu(1402);
    await Promise.all([spoke.start(), hub.start()]);
    await untilEndpoint(hub, /^\[fd00:1::1\]:4754$/);
    await pingUntil(lab.topology.host2, '192.168.1.1');
  });
});
