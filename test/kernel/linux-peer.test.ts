/**
 * A Linux kernel at the other end of the tunnel cannot tell the difference: the matrix of ciphers, tags, validation
 * and underlays, each tunnel made by the guest's own `ip` commands, each frame octet by octet, and counters that
 * both sides agree about. One boot.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { REFUSED_ICV_LENS, TUNNELS } from './cases/tunnels.ts';
import { fromStation, longFrames, manyFrames, mixedFrames, SHORT_FRAMES } from './frames.ts';
import { whyNoGuest } from './guest.ts';
import { interchangeCases } from './interchange.ts';
import { HOST_LAN_IP, HOST_WAN } from './lab-namespace.ts';
import { type LiveLab, type LiveTunnel, openLiveLab, withTunnel } from './live.ts';
import type { ShownSecY } from './macsec-show.ts';
import { networkdFiles, whyNoNetworkd } from './networkd-guest.ts';
import { Traffic } from './traffic.ts';
import {
  GUEST_MACSEC_MAC,
  GUEST_SCI,
  guestSa,
  guestScript,
  HOST_SCI,
  HOST_TAP_MAC,
  keyOf,
  tunnelSetup,
} from './tunnel-case.ts';

const quick = process.env.L2VPND_QUICK === '1';
/** What the quick subset leaves out. */
const slow = it.skipIf(quick);
const reason = whyNoGuest(true);
if (reason !== null) console.log(`test/kernel skipped: ${reason}`);
else if (quick) console.log('test/kernel: the quick subset (L2VPND_QUICK=1); other cases are skipped');

/** What is still on its way is counted a moment later. */
function eventually(check: () => Promise<void>): Promise<void> {
  return vi.waitFor(check, { timeout: 5000, interval: 50 });
}

describe.skipIf(reason !== null)('l2vpnd and a Linux kernel', () => {
  let lab: LiveLab;

  beforeAll(async () => {
    lab = await openLiveLab({ files: whyNoNetworkd() === null ? networkdFiles() : [] });
  }, 180_000);
  afterAll(() => lab?.close());

  describe('every frame both ways', () => {
    it.each(TUNNELS.filter((known) => known.quick || !quick))('$name', ({ setup, mtu, frames }) =>
      withTunnel(lab, setup, async (tunnel) => {
        const [ours] = (await tunnel.site.control('/v1/tunnels')) as [{ mtu: number }];
        expect(ours.mtu).toBe(mtu);
        const device = setup.cipher === null ? 'tun0' : 'macsec0';
        expect(await lab.guest.run(`cat /sys/class/net/${device}/mtu`)).toBe(`${mtu}\n`);
        await tunnel.exchange(frames);
        await eventually(() => tunnel.agree());
      }),
    );

    // Linux makes the SCI of an ES frame from its source address, so only the end stations themselves can be heard.
    slow.each([true, false])('end_station, from the stations themselves, encrypt %s', (encrypt) => {
      const setup = tunnelSetup({ both: { sendSci: false, endStation: true, encrypt } });
      return withTunnel(lab, setup, async (tunnel) => {
        const frames = [...SHORT_FRAMES, ...longFrames(1430)];
        await tunnel.toGuest(fromStation(frames, HOST_TAP_MAC));
        await tunnel.toHost(fromStation(frames, GUEST_MACSEC_MAC));
        await eventually(() => tunnel.agree());
      });
    });

    slow('protect off: untagged frames, counted so at both ends', () => {
      const setup = tunnelSetup({ both: { protect: false, validate: 'check' } });
      return withTunnel(lab, setup, async (tunnel) => {
        const frames = [...SHORT_FRAMES, ...mixedFrames(1430)];
        await tunnel.exchange(frames);
        await eventually(async () => {
          const counted = { 'SecY.OutPktsUntagged': frames.length, 'SecY.InPktsUntagged': frames.length };
          expect(await tunnel.hostCounters()).toMatchObject(counted);
          expect(await tunnel.guestCounters()).toMatchObject(counted);
        });
      });
    });

    slow.each(REFUSED_ICV_LENS)('icvlen %s: the kernel has no such GCM', async (icvLen) => {
      const { status, stderr } = await lab.guest.exec(guestScript(tunnelSetup({ icvLen })));
      expect({ status, stderr }).toMatchObject({
        status: 1,
        stderr: expect.stringContaining('Invalid argument'),
      });
    });
  });

  interchangeCases(() => lab, quick);

  describe('replayed packets', () => {
    const frames = manyFrames(40, 1430);

    /** Sends the frames both ways, then again the 3rd and the last packet of each direction, as they were on the wire. */
    async function replayed(tunnel: LiveTunnel): Promise<void> {
      lab.guest.wire.startCapture();
      await tunnel.exchange(frames);
      const packets = lab.guest.wire.stopCapture().filter((packet) => packet[23] === 47);
      const toHost = packets.filter((packet) =>
        packet.subarray(0, 6).equals(Buffer.from(HOST_WAN.mac.replaceAll(':', ''), 'hex')),
      );
      const toGuest = packets.filter((packet) => !toHost.includes(packet));
      expect([toHost.length, toGuest.length]).toEqual([frames.length, frames.length]);
      for (const direction of [toHost, toGuest])
        for (const at of [2, -1]) lab.guest.wire.send(direction.at(at)!);
    }

    slow.each([
      ...[{ window: 0, replayBitmap: true, guestLate: 2, hostLate: 2 }],
      ...[{ window: 0, replayBitmap: false, guestLate: 2, hostLate: 2 }],
      ...[{ window: 10, replayBitmap: true, guestLate: 1, hostLate: 2 }],
      ...[{ window: 10, replayBitmap: false, guestLate: 1, hostLate: 1 }],
      ...[{ window: 1_000_000, replayBitmap: true, guestLate: 0, hostLate: 2 }],
      ...[{ window: 1_000_000, replayBitmap: false, guestLate: 0, hostLate: 0 }],
    ])('window $window, replayBitmap $replayBitmap', ({ window, replayBitmap, guestLate, hostLate }) =>
      withTunnel(lab, tunnelSetup({ both: { replayWindow: window, replayBitmap } }), async (tunnel) => {
        await replayed(tunnel);
        const late = (counters: Readonly<Record<string, number>>, sci: string): number[] =>
          ['InPktsLate', 'InPktsOK'].map((name) => counters[`RxSc.${sci}.${name}`] ?? 0);
        const sent = frames.length + 2;
        await eventually(async () => {
          expect(late(await tunnel.guestCounters(), HOST_SCI)).toEqual([guestLate, sent - guestLate]);
          expect(late(await tunnel.hostCounters(), GUEST_SCI)).toEqual([hostLate, sent - hostLate]);
        });
      }),
    );
  });

  describe('packet numbers', () => {
    const LAST = 0xffffffff;

    it('both ends send the last PN, and nothing after it', () =>
      withTunnel(lab, tunnelSetup({ both: { pn: LAST - 9, replayWindow: 0 } }), async (tunnel) => {
        await tunnel.exchange(manyFrames(10, 1430));
        await eventually(() => tunnel.agree());
        for (const frame of manyFrames(3, 1430)) {
          lab.guest.hostLan!.send(frame);
          lab.guest.guestLan.send(frame);
        }
        await eventually(async () => {
          expect(await tunnel.hostDrops()).toEqual({ PnExhausted: 3 });
          const dropped = JSON.parse(await lab.guest.run('ip -j -s link show macsec0'))[0].stats64.tx.dropped;
          expect(dropped).toBe(3);
        });
        const host = await tunnel.hostCounters();
        expect(host['SecY.OutPktsEncrypted']).toBe(10);
        expect(host[`RxSc.${GUEST_SCI}.InPktsOK`]).toBe(10);
      }));

    it.each(['gcm-aes-xpn-128', 'gcm-aes-xpn-256'] as const)('%s goes on across 2^32, both ways', (cipher) =>
      withTunnel(lab, tunnelSetup({ cipher, both: { pn: LAST - 9, replayWindow: 0 } }), async (tunnel) => {
        const frames = manyFrames(40, 1430);
        await tunnel.exchange(frames);
        await eventually(() => tunnel.agree());
        const host = await tunnel.hostCounters();
        expect(host['TxSa.0.pn']).toBe(LAST - 9 + frames.length);
        expect(host[`RxSa.${GUEST_SCI}.0.pn`]).toBe(LAST - 9 + frames.length);
      }),
    );
  });

  describe('keys', () => {
    slow('the kernel changes to its next SA while traffic runs: nothing is lost', () =>
      withTunnel(lab, tunnelSetup({ ans: [0, 1, 2], both: { replayWindow: 0 } }), async (tunnel) => {
        const traffic = new Traffic(tunnel);
        for (const an of [1, 2, 0]) {
          await traffic.more();
          await lab.guest.run(`ip link set macsec0 type macsec encodingsa ${an}`, 1);
        }
        await traffic.stop();
        await eventually(() => tunnel.agree());
        const guest = await tunnel.guestCounters();
        const used = [0, 1, 2].map((an) => guest[`TxSa.${an}.OutPktsEncrypted`] ?? 0);
        expect(used.every((count) => count > 0)).toBe(true);
      }),
    );
    const rotations = [
      { cipher: 'gcm-aes-128', first: 'the kernel' },
      { cipher: 'gcm-aes-256', first: 'l2vpnd' },
      { cipher: 'gcm-aes-xpn-128', first: 'l2vpnd' },
    ] as const;
    it.each(quick ? rotations.slice(0, 1) : rotations)(
      'rotate all the way round, $first sending first, $cipher: nothing is lost',
      ({ cipher, first }) =>
        withTunnel(lab, tunnelSetup({ cipher, both: { replayWindow: 0 } }), async (tunnel) => {
          const traffic = new Traffic(tunnel);
          for (const [generation, an] of [1, 2, 3, 0, 1].entries()) {
            await rotateBoth(tunnel, an, generation + 1, first);
            await traffic.more();
          }
          await traffic.stop();
          await eventually(() => tunnel.agree());
          expect((await tunnel.guestCounters())['TxSa.1.OutPktsEncrypted']).toBeGreaterThan(0);
        }),
    );
  });

  describe('l2vpnd show', () => {
    it.each(['gcm-aes-128', 'gcm-aes-xpn-256'] as const)('%s: prints what ip macsec show prints', (cipher) =>
      withTunnel(lab, tunnelSetup({ cipher, both: { replayWindow: 32 } }), async (tunnel) => {
        await tunnel.exchange(longFrames(1430));
        await eventually(() => tunnel.agree());
        for (const flags of [[], ['-s']]) {
          const ours = (await tunnel.site.command('show', ...flags)).stdout;
          const theirs = await lab.guest.run(`ip ${flags.join(' ')} macsec show macsec0`);
          expect(maskText(ours.slice(0, ours.indexOf('    l2vpnd:')))).toBe(maskText(theirs));
          const [json] = JSON.parse((await tunnel.site.command('show', '-j', ...flags)).stdout);
          const [kernelJson] = JSON.parse(
            await lab.guest.run(`ip -j ${flags.join(' ')} macsec show macsec0`),
          );
          delete json.l2vpnd;
          expect(shapeOf(json)).toEqual(shapeOf(kernelJson));
        }
      }),
    );
  });

  describe('TCP', () => {
    const setups = [
      { name: 'macsec over gretap', setup: tunnelSetup({ both: { replayWindow: 1000 } }), often: true },
      {
        name: 'macsec over fou',
        setup: tunnelSetup({ encap: 'udp', both: { replayWindow: 1000 } }),
        often: false,
      },
      { name: 'plain gretap', setup: tunnelSetup({ cipher: null }), often: false },
    ];
    it.each(setups.filter(({ often }) => often || !quick))('$name: iperf both ways', ({ setup }) =>
      withTunnel(lab, setup, async (tunnel) => {
        const server = lab.space.start(['iperf', '-s']);
        await server.waitFor(/listening/);
        const up = await lab.guest.run(`iperf -c ${HOST_LAN_IP} -t 2 -f k`);
        await server.stop('SIGKILL');
        await lab.guest.run(
          'iperf -s >/run/iperf.log 2>&1 & echo $! >/run/iperf.pid; until grep -q listening /run/iperf.log; do :; done',
        );
        const down = await lab.space.must(['iperf', '-c', '10.9.0.2', '-t', '2', '-f', 'k']);
        await lab.guest.run('kill -9 $(cat /run/iperf.pid)');
        for (const text of [up, down]) expect(kilobits(text)).toBeGreaterThan(500);
        console.log(`iperf, guest to host ${kilobits(up)} kbit/s, host to guest ${kilobits(down)} kbit/s`);
        await eventually(() => tunnel.agree());
      }),
    );
  });
});

/**
 * One key change, in the order that loses nothing: both receive with the new keys, `first` sends with them, the other
 * follows, the old SAs go.
 */
async function rotateBoth(
  tunnel: LiveTunnel,
  an: number,
  generation: number,
  first: 'the kernel' | 'l2vpnd',
): Promise<void> {
  const { setup, site, lab } = tunnel;
  const old = (an + 3) % 4;
  const receive = `ip macsec add macsec0 rx sci ${HOST_SCI} sa ${an} ${guestSa(setup, 'host', an, generation)}`;
  const send = `
    ip macsec add macsec0 tx sa ${an} ${guestSa(setup, 'guest', an, generation)}
    ip link set macsec0 type macsec encodingsa ${an}`;
  const rotate = await rotateArguments(tunnel, an, generation);
  await lab.guest.run(receive, 1);
  const { code, stderr } = await site.command('rotate', ...rotate, ...(first === 'l2vpnd' ? ['--now'] : []));
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  await lab.guest.run(send, 1);
  await vi.waitFor(async () => expect(await ansOf(tunnel)).toEqual([an, [an], [an]]), {
    timeout: 20_000,
    interval: 50,
  });
  await lab.guest.run(
    `
    ip macsec set macsec0 tx sa ${old} off
    ip macsec del macsec0 tx sa ${old}
    ip macsec set macsec0 rx sci ${HOST_SCI} sa ${old} off
    ip macsec del macsec0 rx sci ${HOST_SCI} sa ${old}`,
    1,
  );
}

async function rotateArguments(
  { setup, site }: LiveTunnel,
  an: number,
  generation: number,
): Promise<string[]> {
  const files = (['host', 'guest'] as const).map((from) => {
    const file = join(site.dir, `${from}-${generation}.key`);
    writeFileSync(file, `${keyOf(setup, from, an, generation)}\n`, { mode: 0o600 });
    return file;
  });
  return ['linux', '--tx-key-file', files[0]!, '--rx-key-file', files[1]!, '--grace', '0'];
}

/** l2vpnd's encoding SA, and the ANs that it has transmit and receive SAs for. */
async function ansOf(tunnel: LiveTunnel): Promise<[number, number[], number[]]> {
  const [{ macsec }] = (await tunnel.site.control('/v1/tunnels')) as [{ macsec: ShownSecY }];
  const ans = (list: { an: number }[]): number[] => list.map(({ an }) => an);
  return [Number(macsec.encoding_sa), ans(macsec.sa_list), ans(macsec.rx_sc[0]!.sa_list)];
}

/** Without what differs between two ends: numbers of every kind, and how far they push the columns. */
function maskText(text: string): string {
  return text
    .replace(/^\d+: \w+/gm, 'N: DEV')
    .replace(/(PN|SA|SSCI|key|TXSC:|RXSC:) [\da-f]+/g, '$1 N')
    .replace(/\d+(?= |$)/gm, (digits) => '#'.padStart(digits.length))
    .trimEnd();
}

/** The keys in their order, and the type of every value. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf);
  if (value === null || typeof value !== 'object') return typeof value;
  return Object.entries(value).map(([key, inner]) => [key, shapeOf(inner)]);
}

function kilobits(text: string): number {
  return Number(text.match(/([\d.]+) Kbits\/sec/)?.[1] ?? 0);
}
