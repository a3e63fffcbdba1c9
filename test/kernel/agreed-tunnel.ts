/**
 * A tunnel between l2vpnd and a wpa_supplicant of the guest whose keys are agreed on.
 *
 *     await withAgreement(lab, { mka: { priority: 16 } }, async (tunnel) => {
 *       await tunnel.secured();
 *       await tunnel.pass();          // pings and frames both ways: all arrive, and both ends count the same
 *     });
 */
import { expect, vi } from 'vitest';
import { Site } from '../../lab/site.ts';
import type { AgreementSnapshot } from '../../src/api/agreement.ts';
import type { TunnelSnapshot } from '../../src/api/tunnel.ts';
import { manyFrames } from './frames.ts';
import { GUEST_LAN_MAC } from './guest.ts';
import { HOST_LAN_IP } from './lab-namespace.ts';
import { type Counters, type LiveLab, LiveTunnel } from './live.ts';
import { mkaSiteFile, startGuestEnd } from './mka-tunnel.ts';
import type { Supplicant, SupplicantSetup } from './supplicant.ts';
import { tunnelSetup } from './tunnel-case.ts';

export interface AgreementSetup {
  /** Laid over l2vpnd's key, and over the settings of its SecY. */
  mka?: object;
  macsec?: object;
  supplicant?: Partial<SupplicantSetup>;
  guestMac?: string;
  /** Of `SiteOptions`. */
  program?: string;
}

export const GUEST_LAN_IP = '10.9.0.2';
const HOST_BRIDGE_MAC = '02:00:00:00:01:02';
const INNER_MTU = 1430;
/** A level of pino's. */
const WARN = 40;
/** Beyond what MKA takes at its slowest, on an emulated CPU. */
const PATIENCE_MS = 40_000;

/** Frames that one end has protected and the other accepted, each way. */
interface Flows {
  readonly toGuest: readonly [number, number];
  readonly toHost: readonly [number, number];
}

export class AgreedTunnel {
  readonly live: LiveTunnel;
  readonly peer: Supplicant;

  constructor(live: LiveTunnel, peer: Supplicant) {
    this.live = live;
    this.peer = peer;
  }

  get site(): Site {
    return this.live.site;
  }

  /** What `show` says of the agreement. */
  async agreement(): Promise<AgreementSnapshot> {
    const [tunnel] = (await this.site.control('/v1/tunnels')) as [TunnelSnapshot];
    return tunnel.agreement!;
  }

  /** Resolves when either end says that it is; how long that took, in ms. */
  async secured(): Promise<number> {
    const began = performance.now();
    await vi.waitFor(
      async () => {
        const { encoding_an, latest, live_peers } = await this.agreement();
        expect({ encoding_an, live_peers }).toEqual({ encoding_an: latest?.an, live_peers: 1 });
      },
      { timeout: PATIENCE_MS, interval: 50 },
    );
    await this.peer.until(({ secured, livePeers }) => secured && livePeers === 1, PATIENCE_MS);
    return performance.now() - began;
  }

  /** Resolves with the first answer to a ping; how long that took, in ms. */
  async answered(): Promise<number> {
    const began = performance.now();
    const argv = ['ping', '-i', '0.1', '-c', '1', '-w', `${PATIENCE_MS / 1000}`, GUEST_LAN_IP];
    const { code } = await this.live.lab.space.run(argv, { timeoutMs: PATIENCE_MS + 5000 });
    if (code !== 0) throw new Error(`no answer\n${await this.peer.log()}\n${this.site.output()}`);
    return performance.now() - began;
  }

  /** Pings from either LAN, then frames both ways: none is lost, and what one end has protected the other has accepted. */
  async pass(): Promise<void> {
    const { lab } = this.live;
    const before = await this.#flows();
    await lab.space.must(['ping', '-c', '3', '-i', '0.1', '-w', '10', GUEST_LAN_IP]);
    await lab.guest.run(`ping -c 3 -i 0.1 -w 10 ${HOST_LAN_IP}`);
    const frames = manyFrames(10, INNER_MTU);
    await this.live.exchange(frames);
    await this.countsAgree(before, 6 + frames.length);
  }

  flows(): Promise<Flows> {
    return this.#flows();
  }

  /** Since `before` each end has accepted what the other has protected, `atLeast` so many frames. */
  countsAgree(before: Flows, atLeast: number): Promise<void> {
    return vi.waitFor(
      async () => {
        const now = await this.#flows();
        for (const way of ['toGuest', 'toHost'] as const) {
          const [sent, accepted] = [0, 1].map((end) => now[way][end]! - before[way][end]!);
          expect({ way, accepted }).toEqual({ way, accepted: sent });
          expect(sent).toBeGreaterThanOrEqual(atLeast);
        }
      },
      { timeout: 5000, interval: 50 },
    );
  }

  /**
   * Nothing but good frames was counted since the tunnel is there, no MKPDU was refused and no warning given; MKPDUs
   * themselves have no SecTAG.
   */
  async lostNothing(): Promise<void> {
    const { refused, trouble } = await this.agreement();
    expect({ refused, trouble }).toEqual({ refused: {}, trouble: [] });
    const warnings = this.site.logs().filter(({ level, msg }) => level >= WARN && msg.startsWith('mka: '));
    expect(warnings).toEqual([]);
    expect(await this.live.hostDrops(), 'frames that l2vpnd dropped').toEqual({});
    expect(troublesOf(await this.live.hostCounters()), 'refused by l2vpnd').toEqual({});
    expect(troublesOf(await this.live.guestCounters()), 'refused by the guest').toEqual({});
  }

  /** Resolves with the identifier of the SAK that both ends transmit with, when that is another than `ki`. */
  async newSak(ki: string | undefined): Promise<string> {
    let now: AgreementSnapshot['latest'] = null;
    await vi.waitFor(
      async () => {
        now = (await this.agreement()).latest;
        expect(now).toMatchObject({ receives: true, transmits: true });
        expect(now!.ki).not.toBe(ki);
      },
      { timeout: PATIENCE_MS, interval: 50 },
    );
    return now!.ki;
  }

  async #flows(): Promise<Flows> {
    const [host, guest] = [await this.live.hostCounters(), await this.live.guestCounters()];
    return { toGuest: [sentBy(host), acceptedBy(guest)], toHost: [sentBy(guest), acceptedBy(host)] };
  }
}

/** Makes both ends, runs `body`, takes them down again. */
export async function withAgreement(
  lab: LiveLab,
  { mka, macsec, supplicant, guestMac, program }: AgreementSetup,
  body: (tunnel: AgreedTunnel) => Promise<void>,
): Promise<void> {
  const setup = tunnelSetup();
  const site = new Site(
    lab.space,
    'mka',
    mkaSiteFile(setup, mka, macsec),
    program === undefined ? {} : { program },
  );
  const peer = await startGuestEnd(lab.guest, setup, supplicant, guestMac);
  try {
    await site.start();
    const tunnel = new AgreedTunnel(new LiveTunnel(lab, setup, site), peer);
    await body(tunnel);
    expect((await site.stop()).code, `exit status of l2vpnd, which said ${site.output()}`).toBe(0);
  } finally {
    await site.dispose();
    await peer.stop();
    await peer.removeDevice();
  }
}

/** Nobody asks for MAC addresses while there are no keys. */
export async function knowEachOther({ guest, space }: LiveLab): Promise<void> {
  await space.ip(`
    link set br0 address ${HOST_BRIDGE_MAC}
    neigh replace ${GUEST_LAN_IP} lladdr ${GUEST_LAN_MAC} dev br0 nud permanent
  `);
  await guest.run(`ip neigh replace ${HOST_LAN_IP} lladdr ${HOST_BRIDGE_MAC} dev lan nud permanent`);
}

function sentBy(counters: Counters): number {
  return (counters['SecY.OutPktsEncrypted'] ?? 0) + (counters['SecY.OutPktsProtected'] ?? 0);
}

function acceptedBy(counters: Counters): number {
  return Object.entries(counters).reduce(
    (sum, [name, count]) => sum + (/^RxSc\..*\.InPktsOK$/.test(name) ? count : 0),
    0,
  );
}

const GOOD = /\.(pn|InPktsOK|InPktsNoTag|(In|Out)Octets\w+|OutPktsEncrypted|OutPktsProtected)$/;

function troublesOf(counters: Counters): Counters {
  return Object.fromEntries(Object.entries(counters).filter(([name]) => !GOOD.test(name)));
}
