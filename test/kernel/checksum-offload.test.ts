/**
 * A kernel beside l2vpnd leaves the GRE checksum to its NIC, which is virtual and leaves it to the host, which hands the packet
 * to l2vpnd as it is: the field is 0. The guest's eth0 is a virtio NIC on a TAP of l2vpnd's namespace, with all offloads.
 *
 * So does `gretap … csum` over IPv4 and IPv6 (Linux 6.1). With `encap fou` the kernel completes the checksum itself.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Capture, type GrePacket } from '../../lab/capture.ts';
import { longFrames, SHORT_FRAMES } from './frames.ts';
import { whyNoGuest } from './guest.ts';
import { type LiveLab, type LiveTunnel, openLiveLab, withTunnel } from './live.ts';
import { tunnelSetup } from './tunnel-case.ts';

const reason = whyNoGuest(true);
if (reason !== null) console.log(`test/kernel skipped: ${reason}`);

const FROM_GUEST = /^(192\.0\.2\.2|20010db8.*2)$/;

/** What is still on its way is counted a moment later. */
function eventually(check: () => Promise<void>): Promise<void> {
  return vi.waitFor(check, { timeout: 5000, interval: 50 });
}

describe.skipIf(reason !== null)('a GRE checksum that a virtual machine has left to an offload', () => {
  let lab: LiveLab;
  const dir = mkdtempSync(join(tmpdir(), 'l2vpnd-checksum-'));

  beforeAll(async () => {
    lab = await openLiveLab({ offloads: true });
  }, 180_000);
  afterAll(async () => {
    await lab?.close();
    rmSync(dir, { recursive: true, force: true });
  });

  /** The checksum fields of the GRE headers that the guest sends while `work` runs, as tcpdump sees them on the TAP. */
  async function fieldsOf(work: () => Promise<unknown>): Promise<number[]> {
    const capture = await Capture.start(lab.space, 'wan0', join(dir, 'wan0.pcap'));
    await work();
    const sent = (await capture.stop()).filter(({ src }: GrePacket) => FROM_GUEST.test(src));
    return sent.map(({ gre }) => gre.readUInt16BE(4));
  }

  it.each([
    ['macsec over gretap', tunnelSetup({ checksum: true }), 1426],
    ['macsec over gretap with a key', tunnelSetup({ checksum: true, key: 7 }), 1422],
    ['macsec over ip6gretap', tunnelSetup({ checksum: true, underlay: 6 }), 1406],
    ['macsec, integrity only', tunnelSetup({ checksum: true, both: { encrypt: false } }), 1426],
  ] as const)('%s: the field is 0, and the packet is taken and counted', (_, setup, mtu) =>
    withTunnel(lab, setup, async (tunnel) => {
      const frames = [...SHORT_FRAMES, ...longFrames(mtu)];
      const fields = await fieldsOf(() => tunnel.exchange(frames));
      expect(fields).toEqual(frames.map(() => 0));
      await eventually(() => tunnel.agree());
      expect(await tunnel.checksumsLeft()).toBe(frames.length);
    }),
  );

  it('macsec over fou: the kernel completes it', () =>
    withTunnel(lab, tunnelSetup({ checksum: true, encap: 'udp' }), async (tunnel) => {
      const frames = [...SHORT_FRAMES, ...longFrames(1418)];
      const fields = await fieldsOf(() => tunnel.exchange(frames));
      expect(fields).toHaveLength(frames.length);
      // By chance, one sum in 65 536 is 0.
      expect(fields.filter((field) => field === 0).length).toBeLessThan(3);
      await eventually(() => tunnel.agree());
      expect(await tunnel.checksumsLeft()).toBe(0);
    }));

  it.each([
    ['plain gretap', tunnelSetup({ checksum: true, cipher: null })],
    ['validate "check"', tunnelSetup({ checksum: true, host: { validate: 'check' } })],
  ] as const)('%s: nobody vouches for the packet, which is dropped for its checksum', (_, setup) =>
    withTunnel(lab, setup, async (tunnel: LiveTunnel) => {
      for (const frame of SHORT_FRAMES.slice(-5)) lab.guest.guestLan.send(frame);
      await eventually(async () => expect(await tunnel.hostDrops()).toEqual({ GreChecksum: 5 }));
      expect(await tunnel.checksumsLeft()).toBe(0);
    }),
  );
});
