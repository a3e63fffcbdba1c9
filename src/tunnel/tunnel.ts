/**
 * One tunnel, in the order in which its parts may fail without harm:
 *
 *   1. `new Tunnel`   the path, own SCI; nothing to close yet
 *   2. its key source installs SAs over `sas`: packet numbers, and with them the lock against a second sender
 *   3. `open`         TAP and socket
 *   4. `lanes`        goes to the workers as specs, which survive a structured clone
 *   5. `close`        after the lanes have ended
 *
 * What lies outside (socket, ends, MTU) may be exchanged between 4 and 5 (`plan`, `refit`): TAP, SecY and counters stay.
 */
import type { KeyObject } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { KeepaliveConfig, MkaConfig, PortSettings, TapConfig, TunnelConfig } from '../config/types.ts';
import type { GreConfig } from '../encap/config.ts';
import type { HandedSockets, PeerAddress } from '../encap/encap.ts';
import { messageOf } from '../errors.ts';
import { Traffic } from '../frame/lane-counters.ts';
import type { FdSink, FdSource } from '../host/descriptors.ts';
import { setCarrier } from '../host/tap.ts';
import type { MacsecConfig } from '../macsec/config.ts';
import type { SecySpec } from '../macsec/secy.ts';
import type { Judgement } from '../path/quote.ts';
import { RecentPns } from '../path/recent-pns.ts';
import type { TooBig } from '../path/too-big.ts';
import { endpointAddress, endpointText } from '../ports/endpoint.ts';
import type { LoadedEndpoint } from '../state/endpoint-record.ts';
import { ETHERNET_LEN } from '../wire/ethernet.ts';
import { sciOf } from '../wire/sci.ts';
import type { LaneSpec, LeftReplay } from '../worker/messages.ts';
import { Carrier, type HandedCarrier } from './carrier.ts';
import type { Silence } from './ends-finder.ts';
import { changedFitting, type Fitted, type Fitting, fittingBetween, newFitting } from './fitting.ts';
import { laneCounterMemory, laneSpecs } from './lane-specs.ts';
import { type DueEndpoint, LearnedEndpoint } from './learned-endpoint.ts';
import { type MtuArithmetic, mtuArithmetic } from './mtu.ts';
import type { Notice } from './notice.ts';
import type { OuterEnds } from './outer-ends.ts';
import type { HandedNumbers, NumberStore } from './packet-numbers.ts';
import type { HeardTooBig, PathLimit, PathNews, TunnelPath } from './path.ts';
import { PathUse } from './path-use.ts';
import { type SaControl, TunnelSaControl } from './sa-control.ts';
import { SecyControl, type SecyLanes } from './secy-control.ts';
import type { SharedPorts } from './shared-ports.ts';
import { batchesDone, type CountedLane, type TunnelTotals, totalsOf } from './totals.ts';
import { type HandedTap, TunnelTap } from './tunnel-tap.ts';
import { type HandedWire, socketsOf, TunnelWire } from './tunnel-wire.ts';
import { TunnelUncontrolledPort } from './uncontrolled.ts';
import type { BridgePortView, EndsView, QueueDropsView, TunnelView } from './view.ts';

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

/** What goes over to another process of a tunnel that runs; nothing of it is written anywhere. */
export interface HandedTunnel {
  readonly name: string;
  /** As the file had it, and with the ends in use. */
  readonly filed: GreConfig;
  readonly gre: GreConfig;
  readonly ends: OuterEnds | null;
  readonly path: { readonly octets: number; readonly limit: PathLimit };
  readonly tap: HandedTap;
  readonly carrier: HandedCarrier | null;
  readonly wire: HandedWire | null;
  readonly secy: { readonly sci: string; readonly numbers: HandedNumbers } | null;
}

/** What a tunnel goes on from, with the descriptors that it is about. */
export interface HandedFrom {
  readonly tunnel: HandedTunnel;
  readonly fds: FdSource;
}

export class Tunnel implements TunnelView {
  readonly name: string;
  readonly upSince: Date = new Date();
  /** Its place in the configuration. */
  readonly index: number;
  readonly mac: string;
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
  readonly #recentPns = new RecentPns();
  readonly #fitted: Fitted;
  readonly #pathUse: PathUse;
  #sentFrames = 0;
  /** Null: it is new, or has taken over all that is its. */
  #handed: HandedFrom | null;
  #fitting: Fitting;
  /** Null before there is one, and after it was handed on. */
  #tap: TunnelTap | null;
  #wire: TunnelWire | null = null;
  /** What sockets before this one have dropped. */
  #droppedBefore = 0;
  #lanes: readonly LaneSpec[] = [];
  /** Those that it shares with other tunnels; null before `open`. */
  #ports: SharedPorts | null = null;
  readonly #counted: readonly CountedLane[];
  readonly #learned = new LearnedEndpoint();
  readonly #notices: Notice[] = [];
  #totals: { readonly done: number; readonly places: number | null; readonly counters: TunnelTotals } | null =
    null;

  /**
   * `config` is `tunnels[index]`; `isSpokenTo`: it has an Uncontrolled Port; `kept`: a TAP that is there already; `handed`: it
   * ran in another process. Throws L2vpnError where there is no route, or the path carries too little.
   */
  constructor(
    config: TunnelConfig,
    index: number,
    store: NumberStore,
    host: LaneHost,
    isSpokenTo = false,
    kept: TunnelTap | null = null,
    handed: HandedFrom | null = null,
  ) {
    const { name, tap, gre, macsec, mka } = config;
    this.#place = `tunnels[${index}]`;
    this.name = name;
    this.index = index;
    this.keepalive = config.keepalive;
    this.peerTimeoutSeconds = config.peerTimeoutSeconds;
    this.mka = mka;
    this.#fitted = this.#asFitted(macsec);
    this.#handed = handed;
    const goesOn = handed !== null && hasAll(gre, handed.tunnel.filed);
    this.#fitting = newFitting(tap, gre, this.#fitted, goesOn ? handed.tunnel.ends : null);
    this.#pathUse = new PathUse(this.#fitting.path, {
      lead: () => mtuArithmetic(0, this.gre, null).overhead - ETHERNET_LEN,
      isBusy: () => this.#hasSent(),
    });
    this.#tap = kept;
    this.mac = tap.mac ?? kept?.mac ?? randomMac();
    this.macsec = macsec === null ? null : this.#createMacsec(macsec, store, host);
    this.#counted = laneCounterMemory(tap.queues, macsec !== null);
    this.uncontrolled = isSpokenTo ? new TunnelUncontrolledPort() : null;
  }

  /** As it runs: SAs that a rotation has brought are in it. */
  get config(): TunnelConfig {
    const { name, tap, peerTimeoutSeconds, keepalive, mka } = this;
    const { filed: gre } = this.#fitting;
    return { name, tap, gre, peerTimeoutSeconds, keepalive, macsec: this.secy?.config ?? null, mka };
  }

  get tap(): TapConfig {
    return this.#fitting.tap;
  }

  /** With the ends that are in use. */
  get gre(): GreConfig {
    return this.#fitting.gre;
  }

  get arithmetic(): MtuArithmetic {
    return this.#fitting.arithmetic;
  }

  get ends(): EndsView | null {
    const { filed, finder } = this.#fitting;
    return finder === null ? null : { local: filed.local, remote: filed.remote, waitsFor: finder.waitsFor };
  }

  /** It can send. */
  get isWired(): boolean {
    return this.#wire !== null;
  }

  /** Lanes that it has where it is wired. */
  get laneCount(): number {
    return this.#counted.length;
  }

  get agreesKeys(): boolean {
    return this.mka !== null;
  }

  get secy(): SecyControl | null {
    return this.macsec?.secy ?? null;
  }

  /** Of the TAP, as it is called now. */
  get ifname(): string {
    return this.#tap?.ifname ?? this.tap.ifname;
  }

  get ifindex(): number {
    return this.#tap?.ifindex ?? 0;
  }

  get mtu(): number {
    return this.tap.mtu === 'auto'
      ? Math.min(this.#fitting.most, this.path.octets - this.overhead)
      : this.tap.mtu;
  }

  get pathMtu(): number {
    return this.path.octets;
  }

  get path(): TunnelPath {
    return this.#fitting.path;
  }

  get peerAddress(): string | null {
    return this.#wire?.peer?.address ?? null;
  }

  get overhead(): number {
    return this.arithmetic.overhead;
  }

  get endpoint(): string | null {
    const endpoint = this.#wire?.endpoint ?? null;
    return endpoint === null ? null : endpointText(endpoint);
  }

  /** What data leaves by, where `gre.sourcePort` is flow; else none. */
  get sourcePorts(): readonly number[] {
    return this.#wire?.sourcePorts ?? [];
  }

  /** Added up again only where a lane has moved a batch since, or a channel has come. */
  totals(): TunnelTotals {
    const done = batchesDone(this.#counted);
    const places = this.secy?.rxPlaces ?? null;
    if (this.#totals?.done !== done || this.#totals.places !== places) {
      this.#totals = { done, places, counters: totalsOf(this.#counted, places) };
    }
    return this.#totals.counters;
  }

  /**
   * TAP and socket; `peer`: where a dynamic one was when it was last stored; `ports`: those that it shares with other
   * tunnels. Throws L2vpnError; call `close` then too.
   */
  open(peer: LoadedEndpoint | null, ports: SharedPorts): void {
    this.#ports = ports;
    if (peer !== null) this.secy?.learnFrom(peer.sak, peer.lowestPn);
    const { tap, most } = this.#fitting;
    const handed = this.#handed?.tunnel ?? null;
    if (this.#tap === null) this.#tap = TunnelTap.open(tap, this.mac, most, `${this.#place}.tap`);
    else this.#tap.adopt(tap, most, `${this.#place}.tap`, handed !== null);
    const { opened } = this.#tap;
    if (tap.carrier !== 'up')
      this.carrier = new Carrier(tap.carrierDelayMs, (up) => setCarrier(opened.fds[0]!, up));
    if (handed?.carrier != null && handed.tap.config.carrier === tap.carrier)
      this.carrier?.goOn(handed.carrier);
    this.#openWire(peer);
  }

  /**
   * Between `endLanes` and `lanesBack`: what another process goes on from; `locked`: with the locks of packet numbers. It stays as
   * it is here.
   */
  handOn(sink: FdSink, locked: boolean): HandedTunnel | null {
    if (this.#tap === null) return null;
    const { filed, gre, ends, path } = this.#fitting;
    return {
      ...{ name: this.name, filed, gre, ends, path: { octets: path.octets, limit: path.limit } },
      tap: this.#tap.handOn(sink),
      carrier: this.carrier?.handed ?? null,
      wire: this.#wire?.handOn(sink) ?? null,
      secy: this.secy === null ? null : { sci: this.secy.sci, numbers: this.secy.handOn(sink, locked) },
    };
  }

  /** What it would be with these parts of the file. Throws L2vpnError where there is no route, or the path carries too little. */
  plan(tap: TapConfig, gre: GreConfig): Fitting {
    return changedFitting(this.#fitting, tap, gre, this.#fitted);
  }

  /** What it would be between `ends`. Throws as `plan`. */
  planTo(ends: OuterEnds): Fitting {
    return fittingBetween(ends, this.#fitting, this.#fitted);
  }

  get fitting(): Fitting {
    return this.#fitting;
  }

  /** `end` ends its lanes; others, or none, are to come. Call before `refit`. */
  async endLanes(end: () => Promise<readonly LeftReplay[]>): Promise<void> {
    if (this.secy === null) await end();
    else await this.secy.endLanes(end);
  }

  /** Those of `lanes` run. */
  lanesBack(): void {
    this.secy?.lanesBack();
    this.#totals = null;
  }

  /**
   * Makes it what `fitting` says, while it has no lanes: the TAP stays, the socket is another. Throws L2vpnError: what it was
   * before brings it back.
   */
  refit(fitting: Fitting): void {
    // Where a peer that may move is, it is still.
    const peer = fitting.gre.remote === 'dynamic' ? (this.#wire?.peer ?? null) : null;
    this.#fitting = fitting;
    this.#pathUse.moveTo(fitting.path);
    this.#tap?.change(fitting.tap, fitting.most, `${this.#place}.tap`);
    this.#openWire(peer);
  }

  /** Other ends than those in use; null: there are none, or nobody looks for any. `nowMs` is monotonic. */
  findEnds(nowMs: number, silence: Silence): OuterEnds | null {
    return this.#fitting.finder?.look(nowMs, silence) ?? null;
  }

  /** Ends that were found cannot be used, which `error` says. */
  refuseEnds(nowMs: number, error: unknown): void {
    this.#notices.push(...(this.#fitting.finder?.refused(nowMs, messageOf(error)) ?? []));
  }

  /** `listener` is called when it is time to look for ends before the next second. */
  onEndsAnswer(listener: () => void): void {
    const { finder } = this.#fitting;
    if (finder !== null) finder.onAnswer = listener;
  }

  /** What there is to say of its ends. */
  endsNotices(): Notice[] {
    const missing = this.#fitting.finder?.notices() ?? [];
    return [...this.#notices.splice(0), ...missing];
  }

  /** Its TAP can be that of the tunnel `config`. */
  keepsTap({ tap }: TunnelConfig): boolean {
    return this.#tap?.takes(tap) ?? false;
  }

  /** Gives the TAP to a tunnel that takes the place of this one. */
  handOnTap(): TunnelTap | null {
    const tap = this.#tap;
    this.#tap = null;
    return tap;
  }

  /** The receive lane has learned the peer at another place. */
  peerMoved(): void {
    this.#wire?.peerMoved();
  }

  /** Frames that name another tunnel of the port wait in the ring of the receive lane. */
  straysTold(): void {
    this.#wire?.straysTold();
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
    const endpoint = this.#wire?.endpoint ?? null;
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
    return Math.min(mtuArithmetic(this.path.octets, this.gre, null).mtu, this.#fitting.lowerMost);
  }

  /** Looks at the route again; what is new. */
  checkPath(nowMs: number): PathNews[] {
    return this.path.refresh(nowMs);
  }

  /** Its path, whichever it is at the moment, and probes of it. */
  get pathUse(): PathUse {
    return this.#pathUse;
  }

  /** Whether user data has gone out since this was last asked. */
  #hasSent(): boolean {
    const before = this.#sentFrames;
    this.#sentFrames = this.totals().tx[Traffic.outFrames]!;
    return this.#sentFrames !== before;
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
    return [...(this.#tap?.look() ?? []), ...(this.#fitting.localWatch?.look() ?? [])];
  }

  /** Sets its port of the bridge anew. Throws L2vpnError, with everything as it was. */
  changePort(settings: PortSettings): void {
    this.#tap?.changePort(settings);
    this.#fitting = { ...this.#fitting, tap: { ...this.tap, ...settings } };
  }

  /** A TAP that somebody has taken out of its bridge joins it again. */
  joinAgain(): void {
    this.#tap?.joinAgain();
  }

  get bridgePort(): BridgePortView | null {
    return this.#tap?.bridgePort ?? null;
  }

  get queueDrops(): QueueDropsView {
    const { socketDrops: now } = this.#wire ?? { socketDrops: 0 };
    return { socket: now === null ? null : this.#droppedBefore + now, tap: this.#tap?.queueDrops ?? null };
  }

  /**
   * TAP and socket go at once; resolves when the numbers are stored. `clean`: every lane drained, so that what it
   * published is exact. Rejects with L2VPN_STATE; everything is closed all the same.
   */
  async close(clean: boolean): Promise<void> {
    this.#pathUse.close();
    this.carrier?.close();
    this.#closeWire();
    this.#tap?.close();
    this.#tap = null;
    await this.secy?.close(clean);
  }

  #createMacsec(config: MacsecConfig, store: NumberStore, host: LaneHost): TunnelMacsec {
    const sci = sciOf(this.mac, config.port);
    const handed = this.#handed?.tunnel.secy?.sci === sci ? this.#handed.tunnel.secy.numbers : null;
    const lanes = {
      configure: (spec: SecySpec) =>
        host.configure(this.name, spec).finally(() => {
          // New SAs begin to count at 0.
          this.#totals = null;
        }),
      wake: () => host.wake(),
      counters: () => this.totals().secy,
    } satisfies SecyLanes;
    const secy = new SecyControl(config, sci, store, lanes, handed, this.#handed?.fds);
    return { secy, sas: new TunnelSaControl(secy) };
  }

  #secySpec(): SecySpec | null {
    return this.secy?.spec() ?? null;
  }

  #asFitted(macsec: MacsecConfig | null): Fitted {
    return {
      place: this.#place,
      macsec: () => (this.secy === null ? macsec : this.secy.config),
      peer: () => this.#wire?.peer ?? null,
      sourcePorts: () => this.sourcePorts,
      secTags: () => {
        const { secy } = this;
        if (secy === null) return null;
        return { sci: secy.sci, isRecent: (an, pnLow) => this.#recentPns.has(secy.tx, an, pnLow) };
      },
    };
  }

  /** In place of the socket that there is. Throws L2vpnError; there is none then. */
  #openWire(peer: PeerAddress | null): void {
    const { gre, ends } = this.#fitting;
    // It may have to go first, as the port is its.
    this.#closeWire();
    if (ends === null || this.#tap === null) return;
    const sockets = this.#takeSockets();
    const at = sockets === null ? peer : (this.#handed?.tunnel.wire?.peer ?? null);
    const wire = new TunnelWire(this, gre, `${this.#place}.gre`, at, this.#ports!, sockets);
    this.#handed = null;
    this.#wire = wire;
    const { lowerMost, most } = this.#fitting;
    this.#lanes = laneSpecs({
      config: { ...this.config, gre },
      tap: this.#tap.opened,
      wireFd: wire.fd,
      encap: wire.spec,
      secy: this.#secySpec(),
      lowerMtu: lowerMost,
      mtu: most,
      tapMtu: this.#tap.mtu,
      uncontrolled: this.uncontrolled?.spec ?? null,
      strays: wire.strays,
      counted: this.#counted,
    });
    this.#notices.push(...(this.#fitting.finder?.used(ends, performance.now()) ?? []));
  }

  /** Those of the process before, which are what it needs; null: it opens its own. */
  #takeSockets(): HandedSockets | null {
    if (this.#handed === null) return null;
    const { tunnel, fds } = this.#handed;
    const { gre, path } = this.#fitting;
    if (tunnel.wire === null || !hasAll(gre, tunnel.gre)) return null;
    path.goOnFrom(tunnel.path.octets, tunnel.path.limit, performance.now());
    return socketsOf(tunnel.wire, fds);
  }

  #closeWire(): void {
    this.#droppedBefore += this.#wire?.socketDrops ?? 0;
    this.#wire?.close();
    this.#wire = null;
    this.#lanes = [];
  }
}

/** What an earlier release did not know has no part in it. */
function hasAll(gre: GreConfig, handed: GreConfig): boolean {
  return isDeepStrictEqual({ ...gre, ...handed }, gre);
}

/** Locally administered, unicast (IEEE 802 8.2.2), as the kernel's `eth_random_addr` makes them. */
function randomMac(): string {
  const octets = crypto.getRandomValues(new Uint8Array(6));
  octets[0] = (octets[0]! & 0xfc) | 0x02;
  return Array.from(octets, (octet) => octet.toString(16).padStart(2, '0')).join(':');
}
