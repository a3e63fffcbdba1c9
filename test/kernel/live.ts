/**
 * l2vpnd and the guest's kernel at the two ends of a tunnel, and this process as a host on either LAN.
 *
 *     await withTunnel(lab, tunnelSetup({ cipher: 'gcm-aes-256' }), async (tunnel) => {
 *       await tunnel.exchange(frames);     // both ways, each frame arrives as it was sent
 *       await tunnel.agree();              // both ends' counters tell the same story, and no frame was refused
 *     });
 */
import { expect } from 'vitest';
import { Site } from '../../lab/site.ts';
import type { Namespace } from '../../lab/topology.ts';
import { GUEST_LAN_MAC, Guest, type GuestOptions } from './guest.ts';
import { createLabNamespace, removeLabNamespace } from './lab-namespace.ts';
import { flatCounters, parseShow, type ShownSecY } from './macsec-show.ts';
import { GUEST_SCI, guestScript, HOST_SCI, siteFileOf, TAP, type TunnelSetup } from './tunnel-case.ts';

export type Counters = Readonly<Record<string, number>>;

/** One boot, and what surrounds it. */
export interface LiveLab {
  readonly guest: Guest;
  readonly space: Namespace;
  close(): Promise<void>;
}

/** Makes the namespace, boots the guest into it, gives the guest its addresses. */
export async function openLiveLab(options: Pick<GuestOptions, 'files' | 'offloads'> = {}): Promise<LiveLab> {
  const space = await createLabNamespace();
  try {
    const guest = await Guest.boot({ ...options, namespace: space.name });
    await guest.run(PREPARE);
    return {
      guest,
      space,
      close: async () => {
        await guest.close();
        await removeLabNamespace(space);
      },
    };
  } catch (error) {
    await removeLabNamespace(space);
    throw error;
  }
}

const PREPARE = `
  echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6
  ip link set eth0 up
  ip addr add 192.0.2.2/24 dev eth0
  echo 0 > /proc/sys/net/ipv6/conf/eth0/disable_ipv6
  ip addr add 2001:db8::2/64 dev eth0 nodad
  ip link add lan type bridge stp_state 0 forward_delay 0 mcast_snooping 0
  ip link set lan address ${GUEST_LAN_MAC}
  ip link set eth1 master lan up
  ip addr add 10.9.0.2/24 dev lan
  ip link set lan up`;

/** What the tests read of the control socket's answer. */
interface TunnelSeen {
  drops: Counters;
  gre_checksums_left: number;
  macsec: ShownSecY | null;
}

/** A running tunnel. */
export class LiveTunnel {
  readonly lab: LiveLab;
  readonly setup: TunnelSetup;
  readonly site: Site;

  constructor(lab: LiveLab, setup: TunnelSetup, site: Site) {
    this.lab = lab;
    this.setup = setup;
    this.site = site;
  }

  /** Sends `frames` from each LAN and waits until each has come out on the other, octet by octet, in this order. */
  async exchange(frames: readonly Buffer[]): Promise<void> {
    await this.toGuest(frames);
    await this.toHost(frames);
  }

  /** From l2vpnd's LAN to the guest's. */
  async toGuest(frames: readonly Buffer[]): Promise<void> {
    const { guest } = this.lab;
    const arrived = collect(guest.guestLan, frames, (frame) => frame);
    for (const frame of frames) guest.hostLan!.send(frame);
    await this.#explained(arrived);
  }

  /**
   * From the guest's LAN to l2vpnd's. QEMU pads what it reads from a TAP to 60 octets, so that the length is
   * judged by what the TAP has counted.
   */
  async toHost(frames: readonly Buffer[]): Promise<void> {
    const { guest } = this.lab;
    const before = await this.#tapOctets();
    const arrived = collect(guest.hostLan!, frames, padded);
    for (const frame of frames) guest.guestLan.send(frame);
    await this.#explained(arrived);
    const octets = (await this.#tapOctets()) - before;
    expect(octets, 'octets that came out of the TAP').toBe(
      frames.reduce((sum, { length }) => sum + length, 0),
    );
  }

  /** What l2vpnd counts, with the keys of `flatCounters`. */
  async hostCounters(): Promise<Counters> {
    const { macsec } = await this.#snapshot();
    return macsec === null ? {} : flatCounters(macsec);
  }

  /** Packets whose GRE checksum was left to an offload, and that l2vpnd took all the same. */
  async checksumsLeft(): Promise<number> {
    return (await this.#snapshot()).gre_checksums_left;
  }

  /** Frames that l2vpnd dropped, by reason. */
  async hostDrops(): Promise<Counters> {
    const { drops } = await this.#snapshot();
    return Object.fromEntries(Object.entries(drops).filter(([, count]) => count !== 0));
  }

  async guestCounters(): Promise<Counters> {
    if (this.setup.cipher === null) return {};
    return flatCounters(parseShow(await this.lab.guest.run('ip -j -s macsec show macsec0'), 'macsec0'));
  }

  /**
   * Both ends tell the same story: what one has sent the other has accepted, frame by frame and octet by octet, and
   * neither has refused anything. `accepted` is the counter that good frames have at the receiver.
   */
  async agree(): Promise<void> {
    const [host, guest] = [await this.hostCounters(), await this.guestCounters()];
    expect(await this.hostDrops(), 'frames that l2vpnd dropped').toEqual({});
    if (this.setup.cipher === null) return;
    expect(acceptedOf(guest, HOST_SCI, this.setup.guest.validate), 'the guest received').toEqual(
      sentBy(host, this.setup.guest.validate),
    );
    expect(acceptedOf(host, GUEST_SCI, this.setup.host.validate), 'l2vpnd received').toEqual(
      sentBy(guest, this.setup.host.validate),
    );
    expect(troublesOf(host), 'refused by l2vpnd').toEqual({});
    expect(troublesOf(guest), 'refused by the guest').toEqual({});
  }

  async #tapOctets(): Promise<number> {
    const text = await this.lab.space.must(['ip', '-j', '-s', 'link', 'show', TAP]);
    return JSON.parse(text)[0].stats64.rx.bytes as number;
  }

  async #snapshot(): Promise<TunnelSeen> {
    const tunnels = (await this.site.control('/v1/tunnels')) as TunnelSeen[];
    return tunnels[0]!;
  }

  /** A loss is told with both ends' counters. */
  async #explained(arrived: Promise<void>): Promise<void> {
    try {
      await arrived;
    } catch (error) {
      const state = {
        ...{
          drops: await this.hostDrops(),
          host: await this.hostCounters(),
          guest: await this.guestCounters(),
        },
        guestLinks: await this.lab.guest.run(
          'ip -s link show tun0; ip -s link show macsec0 2>/dev/null || true',
        ),
      };
      throw new Error(`${String(error)}\n${JSON.stringify(state, null, 1).replaceAll('\\n', '\n')}`);
    }
  }
}

/** Makes the tunnel at both ends, runs `body`, takes it down again. */
export async function withTunnel(
  lab: LiveLab,
  setup: TunnelSetup,
  body: (tunnel: LiveTunnel) => Promise<void>,
): Promise<void> {
  const site = new Site(lab.space, 'linux', siteFileOf(setup));
  await lab.space.ip(`link set wan0 mtu ${setup.underlayMtu}\n`);
  try {
    await Promise.all([site.start(), lab.guest.run(guestScript(setup))]);
    await body(new LiveTunnel(lab, setup, site));
    const { code } = await site.stop();
    expect(code, `exit status of l2vpnd, which said ${site.output()}`).toBe(0);
  } finally {
    await site.dispose();
  }
}

const SHORTEST_PADDED = 60;

/** What QEMU makes of a short frame that it reads from a TAP. */
function padded(frame: Buffer): Buffer {
  return Buffer.concat([frame, Buffer.alloc(Math.max(0, SHORTEST_PADDED - frame.length))]);
}

/** Resolves when `frames` have come out of `pipe`, in their order; other frames in between are not looked at. */
async function collect(
  pipe: Guest['guestLan'],
  frames: readonly Buffer[],
  asSeen: (frame: Buffer) => Buffer,
): Promise<void> {
  const places = new Map(frames.map((frame, place) => [asSeen(frame).toString('hex'), place]));
  const order: number[] = [];
  await pipe
    .next(`all ${frames.length} frames`, (frame) => {
      const place = places.get(frame.toString('hex'));
      if (place !== undefined) order.push(place);
      return order.length === frames.length;
    })
    .catch((error: Error) => {
      const missing = [...places]
        .filter(([, place]) => !order.includes(place))
        .map(([hex]) => hex.slice(0, 100));
      throw new Error(`${error.message}; missing are ${missing.join(', ')}`);
    });
  expect(order, 'the order in which the frames came').toEqual([...frames.keys()]);
}

interface Flow {
  packets: number;
  octets: number;
}

function sentBy(counters: Counters, validate: string): Flow {
  const encrypted = counters['SecY.OutOctetsEncrypted'] ?? 0;
  const integrity = counters['SecY.OutOctetsProtected'] ?? 0;
  return {
    packets: (counters['SecY.OutPktsEncrypted'] ?? 0) + (counters['SecY.OutPktsProtected'] ?? 0),
    octets: validate === 'disabled' ? 0 : encrypted + integrity,
  };
}

/** A receiver that validates nothing counts no octets, and frames without C as unchecked. */
function acceptedOf(counters: Counters, sci: string, validate: string): Flow {
  const of = (name: string): number => counters[`RxSc.${sci}.${name}`] ?? 0;
  return {
    packets: of('InPktsOK') + (validate === 'disabled' ? of('InPktsUnchecked') : 0),
    octets: of('InOctetsDecrypted') + of('InOctetsValidated'),
  };
}

const GOOD = /\.(pn|InPktsOK|InPktsUnchecked|(In|Out)Octets\w+|OutPktsEncrypted|OutPktsProtected)$/;

function troublesOf(counters: Counters): Counters {
  return Object.fromEntries(Object.entries(counters).filter(([name]) => !GOOD.test(name)));
}
