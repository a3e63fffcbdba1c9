/**
 * One tunnel, in the order in which its parts may fail without harm:
 *
 *   1. `new Tunnel`   the path, own SCI; nothing to close yet
 *   2. its key source installs SAs over `sas`: packet numbers, and with them the lock against a second sender
 *   3. `open`         TAP and socket
 *   4. `lanes`        goes to the workers as specs, which survive a structured clone
 *   5. `close`        after the lanes have ended
 */
import type { KeyObject } from 'node:crypto';
import type { KeepaliveConfig, MkaConfig, PortSettings, TapConfig, TunnelConfig } from '../config/types.ts';
import type { GreConfig } from '../encap/config.ts';
import type { PeerAddress } from '../encap/encap.ts';
import { endpointOf, openWire } from '../encap/kinds.ts';
import { L2vpnError, messageOf } from '../errors.ts';
import type { BridgePortInfo } from '../host/bridge-port.ts';
import { closeFds } from '../host/close.ts';
import { openTap, setCarrier } from '../host/tap.ts';
import type { MacsecConfig } from '../macsec/config.ts';
import type { SecySpec } from '../macsec/secy.ts';
import type { Judgement } from '../path/quote.ts';
import { RecentPns } from '../path/recent-pns.ts';
import type { TooBig } from '../path/too-big.ts';
import { endpointAddress, endpointText } from '../ports/endpoint.ts';
import type { LoadedEndpoint } from '../state/endpoint-record.ts';
import { sciOf } from '../wire/sci.ts';
import type { LaneSpec } from '../worker/messages.ts';
import { BridgePort, portSettings } from './bridge-port.ts';
import { Carrier } from './carrier.ts';
import { laneSpecs } from './lane-specs.ts';
import { type DueEndpoint, LearnedEndpoint } from './learned-endpoint.ts';
import { LocalWatch } from './local-watch.ts';
import { type MtuArithmetic, mtuArithmetic } from './mtu.ts';
import { type Notice, warning } from './notice.ts';
import type { NumberStore } from './packet-numbers.ts';
import { type HeardTooBig, type PathContext, type PathNews, TunnelPath } from './path.ts';
import { type SaControl, TunnelSaControl } from './sa-control.ts';
import { SecyControl } from './secy-control.ts';
import { tapMtu } from './tap-mtu.ts';
import { TapWatch } from './tap-watch.ts';
import { batchesDone, type TunnelTotals, totalsOf } from './totals.ts';
import { TunnelUncontrolledPort } from './uncontrolled.ts';
import type { BridgePortView, TunnelView } from './view.ts';

/** The smallest MTU that IPv4 demands of a link (RFC 791): below it the arithmetic has gone wrong. */
const LEAST_MTU = 68;

/** Who runs the lanes: the workers. Before they do, there is nobody to be told anything. */
export interface LaneHost {
  /** Gives the lanes of `tunnel` a new SecY configuration; resolves when all of them work by it. */
  configure(tunnel: string, spec: SecySpec): Promise<void>;
  /** Makes every worker look at its lanes again: a grant has come. */
  wake(): void;
}

/** The SecY of a tunnel, and the orders it takes. */
export interface TunnelMacsec {
  readonly secy: SecyControl;
  readonly sas: SaControl;
}

export class Tunnel implements TunnelView {
  readonly name: string;
  /** Its place in the configuration. */
  readonly index: number;
  /** A reload may change what is set at its port. */
  tap: TapConfig;
  readonly gre: GreConfig;
  readonly mac: string;
  readonly arithmetic: MtuArithmetic;
  /** Null without MACsec. */
  readonly macsec: TunnelMacsec | null;
  /** What its key source goes by; a reload changes both. */
  mka: MkaConfig | null;
  /** Null where nobody takes frames beside those of the TAP. */
  readonly uncontrolled: TunnelUncontrolledPort | null;
  readonly keepalive: KeepaliveConfig | null;
  /** A reload may change it. */
  peerTimeoutSeconds: number;
  /** Null before `open`, and where the TAP always has it. */
  carrier: Carrier | null = null;
  readonly #place: string;
  readonly path: TunnelPath;
  readonly #recentPns = new RecentPns();
  /** What it carries at most, and its lanes below the SecY: as long as the path carries what it did at the start. */
  readonly #most: number;
  readonly #lowerMost: number;
  #ifindex = 0;
  readonly #localWatch: LocalWatch;
  readonly #port: BridgePort;
  /** Null before there is a TAP. */
  #tapWatch: TapWatch | null = null;
  #lanes: readonly LaneSpec[] = [];
  readonly #fds: number[] = [];
  readonly #learned = new LearnedEndpoint();
  #totals: { readonly done: number; readonly places: number | null; readonly counters: TunnelTotals } | null =
    null;

  /**
   * `config` is `tunnels[index]`; `isSpokenTo`: it has an Uncontrolled Port. Throws L2vpnError where there is no route, or the path carries
   * too little.
   */
  constructor(config: TunnelConfig, index: number, store: NumberStore, host: LaneHost, isSpokenTo = false) {
    const { name, tap, gre, macsec, mka } = config;
    this.#place = `tunnels[${index}]`;
    this.name = name;
    this.index = index;
    this.tap = tap;
    this.gre = gre;
    this.keepalive = config.keepalive;
    this.peerTimeoutSeconds = config.peerTimeoutSeconds;
    this.#localWatch = new LocalWatch(gre.local);
    this.#port = new BridgePort(portSettings(tap), `${this.#place}.tap`);
    this.path = new TunnelPath(this.#pathContext(), `${this.#place}.gre`);
    this.arithmetic = mtuArithmetic(this.path.octets, gre, macsec);
    this.#most = tap.mtu === 'auto' ? this.arithmetic.mtu : tap.mtu;
    this.#refuseSmallMtu();
    // What a gretap below would carry: SecTAG and ICV are inside.
    const gretap = mtuArithmetic(this.path.octets, gre, null);
    this.#lowerMost = this.#most + this.overhead - gretap.overhead;
    this.mac = tap.mac ?? randomMac();
    this.macsec = macsec === null ? null : this.#createMacsec(macsec, store, host);
    this.mka = mka;
    this.uncontrolled = isSpokenTo ? new TunnelUncontrolledPort() : null;
  }

  /** As it runs: SAs that a rotation has brought are in it. */
  get config(): TunnelConfig {
    const { name, tap, gre, peerTimeoutSeconds, keepalive, mka } = this;
    return { name, tap, gre, peerTimeoutSeconds, keepalive, macsec: this.secy?.config ?? null, mka };
  }

  get agreesKeys(): boolean {
    return this.mka !== null;
  }

  get secy(): SecyControl | null {
    return this.macsec?.secy ?? null;
  }

  /** Of the TAP, as it is called now. */
  get ifname(): string {
    return this.#tapWatch?.ifname ?? this.tap.ifname;
  }

  get ifindex(): number {
    return this.#ifindex;
  }

  get mtu(): number {
    return this.tap.mtu === 'auto' ? Math.min(this.#most, this.path.octets - this.overhead) : this.tap.mtu;
  }

  get pathMtu(): number {
    return this.path.octets;
  }

  get peerAddress(): string | null {
    return this.#peer()?.address ?? null;
  }

  get overhead(): number {
    return this.arithmetic.overhead;
  }

  get endpoint(): string | null {
    const endpoint = this.#sharedEndpoint();
    return endpoint === null ? null : endpointText(endpoint);
  }

  /** Added up again only where a lane has moved a batch since, or a channel has come. */
  totals(): TunnelTotals {
    const done = batchesDone(this.#lanes);
    const places = this.secy?.rxPlaces ?? null;
    if (this.#totals?.done !== done || this.#totals.places !== places) {
      this.#totals = { done, places, counters: totalsOf(this.#lanes, places) };
    }
    return this.#totals.counters;
  }

  /** TAP and socket; `peer`: where a dynamic one was when it was last stored. Throws L2vpnError; call `close` then too. */
  open(peer: LoadedEndpoint | null = null): void {
    if (peer !== null) this.secy?.learnFrom(peer.sak, peer.lowestPn);
    const ofTap = tapMtu(this.tap, this.#most);
    const carrier = this.tap.carrier === 'up';
    const tap = openTap(
      { ...this.tap, mac: this.mac, mtu: ofTap, carrier },
      `${this.#place}.tap`,
      (ifindex) => this.#port.joined(ifindex),
    );
    this.#fds.push(...new Set([...tap.fds, tap.writeFd]));
    if (!carrier) this.carrier = new Carrier(this.tap.carrierDelayMs, (up) => setCarrier(tap.fds[0]!, up));
    this.#ifindex = tap.ifindex;
    this.#tapWatch = new TapWatch({ ...this.tap, ifindex: tap.ifindex, mtu: ofTap }, (ifindex) =>
      this.#joinedAgain(ifindex),
    );
    const { config } = this;
    const mtu = this.#most;
    const { fd: wireFd, spec: encap } = openWire(this.gre, `${this.#place}.gre`, peer);
    this.#fds.push(wireFd);
    const common = { config, tap, wireFd, encap, secy: this.#secySpec(), mtu, tapMtu: ofTap };
    this.#lanes = laneSpecs({
      ...common,
      lowerMtu: this.#lowerMost,
      uncontrolled: this.uncontrolled?.spec ?? null,
    });
    this.uncontrolled?.open(encap, wireFd);
  }

  /** For the workers, with the SecY as it is now: the host hears of what changes after this call. */
  lanes(): LaneSpec[] {
    const secy = this.#secySpec();
    return this.#lanes.map((lane) => ({ ...lane, secy }));
  }

  /** Lanes are short of packet numbers. Rejects with L2VPN_STATE. */
  async grant(): Promise<void> {
    await this.secy?.grant();
  }

  /** Stores how far the receiver has come. Rejects with L2VPN_STATE. */
  async saveReceived(): Promise<void> {
    await this.secy?.saveReceived();
  }

  /** The keys that what is stored of a dynamic peer may be sealed with; none where the peer is where it is. */
  get endpointKeys(): KeyObject[] {
    if (this.gre.remote !== 'dynamic') return [];
    return (
      this.secy?.config.rxSc.flatMap(({ sa }) => sa.filter(({ stored }) => stored).map(({ sak }) => sak)) ??
      []
    );
  }

  /** What is to be stored of a dynamic peer now (`last`: as the tunnel closes), or null. */
  dueEndpoint(last = false): DueEndpoint | null {
    const endpoint = this.#sharedEndpoint();
    if (this.secy === null || endpoint === null || this.endpointKeys.length === 0) return null;
    const [peer, sas] = [endpointAddress(endpoint), this.secy.rxProgress()];
    return last ? this.#learned.last(peer, sas) : this.#learned.due(peer, sas);
  }

  /** What was due could not be stored. */
  endpointFailed(): void {
    this.#learned.failed();
  }

  /** The limit of its lanes below the SecY, as the path is now; null: the path is not followed. */
  get lowerMtu(): number | null {
    // A number in the configuration is the operator's word, and nobody else's is heard.
    if (this.tap.mtu !== 'auto') return null;
    // The slots of the lanes have room for what the path carried at the start.
    return Math.min(mtuArithmetic(this.path.octets, this.gre, null).mtu, this.#lowerMost);
  }

  /** Looks at the route again; what is new. */
  checkPath(nowMs: number): PathNews[] {
    return this.path.refresh(nowMs);
  }

  judgeTooBig(message: TooBig): Judgement {
    return this.path.judge(message);
  }

  hearTooBig(message: HeardTooBig, nowMs: number): PathNews[] {
    return this.path.hear(message, nowMs);
  }

  /** Once a second: which packet numbers were sent is told by where they stand. */
  noteSentPns(): void {
    if (this.secy !== null && this.gre.df) this.#recentPns.look(this.secy.tx);
  }

  /** What others have done to what it stands on: the TAP, the bridge, the local address. Throws SystemError. */
  lookAround(): Notice[] {
    return [...(this.#tapWatch?.look() ?? []), ...this.#port.look(), ...this.#localWatch.look()];
  }

  /** Sets its port of the bridge anew. Throws L2vpnError, with everything as it was. */
  changePort(settings: PortSettings): void {
    this.#port.change(settings);
    this.tap = { ...this.tap, ...settings };
  }

  /** A TAP that somebody has taken out of its bridge joins it again. */
  joinAgain(): void {
    this.#tapWatch?.forgive();
  }

  get bridgePort(): BridgePortView | null {
    const membership = this.#tapWatch?.membership ?? null;
    return membership === null ? null : { membership, info: this.#portInfo() };
  }

  #portInfo(): BridgePortInfo | null {
    try {
      return this.#port.info;
    } catch {
      // No descriptor for the question, say.
      return null;
    }
  }

  #joinedAgain(ifindex: number): Notice[] {
    try {
      this.#port.joined(ifindex);
      return [];
    } catch (error) {
      return [warning(messageOf(error))];
    }
  }

  /**
   * TAP and socket go at once; resolves when the numbers are stored. `clean`: every lane drained, so that what it
   * published is exact. Rejects with L2VPN_STATE; everything is closed all the same.
   */
  async close(clean: boolean): Promise<void> {
    this.uncontrolled?.close();
    this.carrier?.close();
    closeFds(this.#fds.splice(0));
    await this.secy?.close(clean);
  }

  #createMacsec(config: MacsecConfig, store: NumberStore, host: LaneHost): TunnelMacsec {
    const secy = new SecyControl(config, sciOf(this.mac, config.port), store, {
      configure: (spec) =>
        host.configure(this.name, spec).finally(() => {
          // New SAs begin to count at 0.
          this.#totals = null;
        }),
      wake: () => host.wake(),
      counters: () => this.totals().secy,
    });
    return { secy, sas: new TunnelSaControl(secy) };
  }

  #sharedEndpoint(): Uint8Array | null {
    const encap = this.#lanes[0]?.encap;
    return encap === undefined ? null : endpointOf(encap);
  }

  /** Where its packets go; null: nobody knows yet. */
  #peer(): PeerAddress | null {
    const endpoint = this.#sharedEndpoint();
    if (endpoint !== null) return endpointAddress(endpoint);
    const { remote, port } = this.gre;
    return remote === 'dynamic' ? null : { address: remote, port };
  }

  #pathContext(): PathContext {
    const { gre, tap } = this;
    return {
      gre,
      fixedMtu: tap.mtu === 'auto' ? null : tap.mtu,
      peer: () => this.#peer(),
      secTags: () => {
        const { secy } = this;
        if (secy === null) return null;
        return { sci: secy.sci, isRecent: (an, pnLow) => this.#recentPns.has(secy.tx, an, pnLow) };
      },
    };
  }

  #secySpec(): SecySpec | null {
    return this.secy?.spec() ?? null;
  }

  #refuseSmallMtu(): void {
    if (this.#most >= LEAST_MTU) return;
    throw new L2vpnError(
      'L2VPN_CONFIG',
      `${this.#place}.tap.mtu: the path to ${this.gre.remote} leaves ${this.#most} octets; raise the MTU of the underlay`,
    );
  }
}

/** Locally administered, unicast (IEEE 802 8.2.2), as the kernel's `eth_random_addr` makes them. */
function randomMac(): string {
  const octets = crypto.getRandomValues(new Uint8Array(6));
  octets[0] = (octets[0]! & 0xfc) | 0x02;
  return Array.from(octets, (octet) => octet.toString(16).padStart(2, '0')).join(':');
}
