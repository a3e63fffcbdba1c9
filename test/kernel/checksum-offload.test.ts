/**
 * A kernel beside l2vpnd leaves the GRE checksum to its NIC, which is virtual and leaves it to the host, which hands the packet
 * to l2vpnd as it is: the field is 0. The guest's eth0 is a virtio NIC on a TAP of l2vpnd's namespace, with all offloads.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Capture } from '../../lab/capture.ts';
import { longFrames, SHORT_FRAMES } from './frames.ts';
import { whyNoGuest } from './guest.ts';
import { type LiveLab, openLiveLab, withTunnel } from './live.ts';
import { tunnelSetup } from './tunnel-case.ts';

const reason = whyNoGuest(true);
if (reason !== null) console.log(`test/kernel skipped: ${reason}`);

describe.skipIf(reason !== null)('a GRE checksum that a virtual machine has left to an offload', () => {
  let lab: LiveLab;

  beforeAll(async () => {
    lab = await openLiveLab({ offloads: true });
    console.log(
      await lab.guest.run(
        'for f in /sys/class/net/eth0/features /sys/class/net/eth0/device/features; do cat $f || true; done; uname -r',
      ),
    );
  }, 180_000);
  afterAll(() => lab?.close());

  it.each([
    ['macsec over gretap', tunnelSetup({ checksum: true }), 1426],
    ['macsec over gretap with a key', tunnelSetup({ checksum: true, key: 7 }), 1422],
    ['macsec over fou', tunnelSetup({ checksum: true, encap: 'udp' }), 1418],
    ['macsec over ip6gretap', tunnelSetup({ checksum: true, underlay: 6 }), 1406],
    ['macsec, integrity only', tunnelSetup({ checksum: true, both: { encrypt: false } }), 1426],
  ] as const)('%s: is taken, and counted', async (_, setup, mtu) => {
    await withTunnel(lab, setup, async (tunnel) => {
      const frames = [...SHORT_FRAMES, ...longFrames(mtu)];
      const capture = await Capture.start(lab.space, 'wan0', `/tmp/fl-csum-${mtu}.pcap`);
      await tunnel.exchange(frames);
      const packets = await capture.stop();
      console.log(
        _,
        packets
          .slice(0, 60)
          .map((p) => `${p.src} ${p.gre.subarray(0, 8).toString('hex')}`)
          .join('\n'),
        await tunnel.checksumsLeft(),
      );
      await vi.waitFor(() => tunnel.agree(), { timeout: 5000, interval: 50 });
      expect(await tunnel.checksumsLeft()).toBe(frames.length);
    });
  });
});
