/** EAPOL that is not key agreement's: of hosts in the LAN, and what anybody sends over the WAN. */
import { expect, it } from 'vitest';
import { ethernet, gre, hex, pattern } from './frames.ts';
import {
  agreed,
  agreedSites,
  agreeing,
  agreementOf,
  agreementWhen,
  expectNothingClear,
  mkaLogs,
  underPings,
} from './mka-kit.ts';
import { labOfTests, pingUntil, Sender, suite } from './support.ts';

const HOST2 = '192.168.1.2';
const PAE_GROUP = '01:80:c2:00:00:03';
const HOST1_MAC = '00:00:00:00:00:01';
const EAPOL = 0x888e;
/** EAPOL-Start of a host's own 802.1X. */
const EAPOL_START = hex('01010000');

suite('EAPOL beside key agreement', { python: true }, () => {
  const lab = labOfTests({ prefix: 'mkw' });

  it.each([
    ['the other host', '00:00:00:00:00:02'],
    ['the group of port access entities', PAE_GROUP],
  ])('of a host to %s is user data: it goes through the tunnel, protected', async (_, dst) => {
    lab.explainFailure();
    const { host1, host2, nsra, nsrb } = lab.topology;
    for (const router of [nsra, nsrb])
      await router.must(['sh', '-c', 'echo 8 >/sys/class/net/br0/bridge/group_fwd_mask']);
    const sites = await agreedSites(lab, agreeing());
    await pingUntil(host1, HOST2);
    const frame = ethernet(dst, HOST1_MAC, EAPOL, Buffer.concat([EAPOL_START, pattern(60)]));
    const host = await Sender.link(host1, 'veth1');
    const packets = await lab.watchWan(async () => {
      const seen = await lab.watchLink(host2, 'veth2', 'ether proto 0x888e', async () => {
        await host.send(frame);
        await pingUntil(host1, HOST2);
      });
      expect(seen).toEqual([frame]);
    });
    await host.close();
    expectNothingClear(packets);
    expect(packets.filter(({ payload }) => payload.includes(pattern(60)))).toEqual([]);
    for (const site of sites) expect((await agreementOf(site)).refused).toEqual({});
  });

  it('without SecTAG from the WAN never reaches the TAP, and is counted', async () => {
    lab.explainFailure();
    const { host1, nsra, nsrb } = lab.topology;
    const [site1] = await agreedSites(lab, agreeing());
    await pingUntil(host1, HOST2);
    const stranger = await Sender.gre(nsrb, '2.2.2.2', '1.1.1.1');
    const frames = [PAE_GROUP, HOST1_MAC, 'ff:ff:ff:ff:ff:ff'].map((dst) =>
      gre(ethernet(dst, '00:00:00:22:22:22', EAPOL, Buffer.concat([EAPOL_START, pattern(60)]))),
    );
    const seen = await lab.watchLink(nsra, 'macsec1', 'ether proto 0x888e', async () => {
      // One after the other: of what nobody waits for little is looked at, at a time.
      for (const [i, frame] of frames.entries()) {
        await stranger.send(frame);
        await agreementWhen(site1, ({ refused }) => refused.EapolType === i + 1);
      }
    });
    expect(mkaLogs(site1, /an EAPOL PDU that is not MKA/)).toHaveLength(1);
    await stranger.close();
    expect(seen).toEqual([]);
  });

  it('in a flood from the WAN does not disturb the agreement, and is counted', async () => {
    lab.explainFailure();
    const { host1, nsra, nsrb } = lab.topology;
    const sites = await agreedSites(lab, agreeing({ rekeySeconds: 1, peerLoss: 'drop' }));
    await pingUntil(host1, HOST2);
    const stranger = await Sender.gre(nsrb, '2.2.2.2', '1.1.1.1');
    // An MKPDU but for its ICV, as everybody can make one who has seen one.
    const { mkpdus_in } = await agreementOf(sites[0]);
    const hellos = await lab.watchWan(() => agreementWhen(sites[0], (one) => one.mkpdus_in > mkpdus_in + 2));
    const hello = hellos.findLast(
      ({ dst, payload }) => dst === '1.1.1.1' && payload.readUInt16BE(12) === EAPOL,
    )!;
    const forged = Buffer.from(hello.gre);
    forged[forged.length - 1]! ^= 1;
    const before = await agreed(sites);
    const { saks_made } = await agreementOf(sites[0]);
    let sent = 0;
    const seen = await lab.watchLink(nsra, 'macsec1', 'ether proto 0x888e', async () => {
      for (let i = 0; i < 5; i++) sent += await stranger.repeat(forged, 20_000);
    });
    await stranger.close();
    await agreed(sites, before);
    expect(seen).toEqual([]);
    const after = await agreementOf(sites[0]);
    const { UncontrolledFull } = await sites[0].counters();
    process.stdout.write(
      `flood: ${sent} sent, ${after.refused.WrongIcv} refused, ${UncontrolledFull} not looked at\n`,
    );
    expect((after.refused.WrongIcv ?? 0) + (UncontrolledFull ?? 0)).toBeGreaterThan(sent / 10);
    expect(after.saks_made).toBeGreaterThan(saks_made);
    for (const site of sites) expect(mkaLogs(site, /peer lost|SAs removed/)).toEqual([]);
    expect((await underPings(host1, HOST2, () => agreed(sites, after.latest!.ki))).lost).toBe(0);
  });
});
