/**
 * The set of tunnels, and the workers that run their lanes: what opens, changes and closes one, in the order in which no
 * packet number is lost or used twice. Nothing here decides; `daemon.ts` and a reload do.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { Config, PortSettings, TapConfig, TunnelConfig } from '../config/types.ts';
import type { AeadProvider } from '../crypto/aead.ts';
import { UNCONTROLLED_LOOKS } from '../datapath/uncontrolled.ts';
import type { UncontrolledPort } from '../datapath/uncontrolled-port.ts';
import { type EncapSpec, kindOf } from '../encap/kinds.ts';
import { L2vpnError, messageOf } from '../errors.ts';
import type { FdSink, FdSource } from '../host/descriptors.ts';
import { deleteLinks } from '../host/link.ts';
import { requireBridge } from '../host/tap.ts';
import type { KeySource, RunningSas } from '../keys/key-source.ts';
import { type KeySourceContext, keySourceOf } from '../keys/key-source-of.ts';
import { PeerLink } from '../keys/peer-link.ts';
import { MonotonicClock } from '../keys/wake-clock.ts';
import type { PathReport } from '../link/path-report.ts';
import type { LoadedEndpoint } from '../state/endpoint-record.ts';
import type { StateStore } from '../state/store.ts';
import type { Silence } from '../tunnel/ends-finder.ts';
import type { Fitting } from '../tunnel/fitting.ts';
import { allWhileTheyEnd, someAtOnce } from '../tunnel/in-turn.ts';
import { SharedPorts } from '../tunnel/shared-ports.ts';
import { type LaneHost, Tunnel } from '../tunnel/tunnel.ts';
import { isSameTap, TunnelTap } from '../tunnel/tunnel-tap.ts';
import { ETHERTYPE_LINK_CONTROL } from '../wire/ethernet.ts';
import type { LaneSpec, LeftReplay } from '../worker/messages.ts';
import { type WorkerEvents, Workers, workerCount } from '../worker/workers.ts';
import { type DownTunnel, DownTunnels } from './down-tunnels.ts';
import { HAND_OVER_VERSION, type HandedState, type HandedWhole } from './handed-state.ts';
import { MovingEnds } from './moving-ends.ts';
import { PathFollower } from './path-follower.ts';
import { StateUpkeep } from './state-upkeep.ts';
import { logFresh, logNotices, logRemoved, logUp } from './tunnel-log.ts';

/** What the tunnels need of the daemon. */
export interface TunnelsContext extends KeySourceContext {
  readonly log: Logger;
  readonly store: StateStore;
  /** Something has failed that the daemon cannot go on without. */
  failed(error: unknown): void;
  /** A tunnel whose bridge is not there yet waits for it at the start, instead of ending the daemon. */
  readonly waits: boolean;
  /** How the peer of a tunnel is heard. `nowMs` is monotonic. */
  silenceOf(tunnel: Tunnel, nowMs: number): Silence;
  /** What its path loses on the way to here; null: nothing tells. */
  pathReportOf(tunnel: Tunnel): PathReport | null;
}

/** A tunnel and who decides its SAs; null without MACsec. */
export interface KeyedTunnel {
  readonly tunnel: Tunnel;
  readonly keys: KeySource | null;
  /** Control frames; null where the peer cannot be an l2vpnd that takes them, or the operator has not said so. */
  readonly link: PeerLink | null;
}

/** A tunnel that waits, and for what: `error.waitsFor`. */
interface Awaiting {
  readonly config: TunnelConfig;
  readonly index: number;
  readonly error: L2vpnError;
}

/** Tunnels that are opened at once: their packet numbers wait for one disk. */
const OPENS_AT_ONCE = 16;

/** A stop that waits longer for the next write to end would be killed by the service manager. */
const SILENT_DISK_MS = 8000;

/** Tunnels whose path, TAP and address the kernel is asked for per tick, at most: some 3 ms of 1000. */
const LOOKS_PER_TICK = 64;

/** What reading from a TAP says whose interface is gone. */
const TAP_GONE = 'EBADFD';

export class Tunnels {
  #lookAt = 0;
  #isStopping = false;
  /** Workers are there, and no lanes yet. */
  #isOpening = false;
  /** Nothing is stored, and soon nothing forwarded: another process is about to go on. */
  #isResting = false;
  readonly #context: TunnelsContext;
  readonly #byName = new Map<string, KeyedTunnel>();
  /** Null until they have been given the lanes. */
  #workers: Promise<Workers> | null = null;
  /** Null before they run, and when they are to end. */
  #running: Workers | null = null;
  /** What is ordered while the workers start reaches them then. */
  readonly #lanes: LaneHost = {
    configure: async (tunnel, spec) => {
      if (!this.#isOpening) await (await this.#workers)?.configure(tunnel, spec);
    },
    wake: () => void this.#workers?.then((workers) => workers.wake(), this.#context.failed),
  };

  /** Those that cannot be opened before something else is there; they are down from the moment that the workers run. */
  #awaiting: Awaiting[] = [];
  readonly #ports: SharedPorts;
  /** Those whose key sources know that they run. */
  readonly #linked = new WeakSet<Tunnel>();
  readonly #down: DownTunnels;
  readonly #upkeep: StateUpkeep;
  readonly #paths: PathFollower;
  readonly #ends: MovingEnds;

  constructor(context: TunnelsContext) {
    this.#context = context;
    this.#upkeep = new StateUpkeep(context.store, context.log);
    this.#ports = new SharedPorts({
      log: context.log,
      admit: (packets) => void this.#workers?.then((workers) => workers.admit(packets), context.failed),
    });
    this.#paths = new PathFollower({
      log: context.log,
      all: () => this.all(),
      setMtu: (tunnel, lowerMtu) => this.#setMtu(tunnel, lowerMtu),
    });
    this.#ends = new MovingEnds({
      log: context.log,
      inTurn: context.inTurn,
      silenceOf: (tunnel, nowMs) => context.silenceOf(tunnel, nowMs),
      // Before there are lanes there is nothing to exchange.
      runs: (tunnel) =>
        this.#workers !== null &&
        !this.#isStopping &&
        !this.#isResting &&
        this.find(tunnel.name)?.tunnel === tunnel,
      refit: (tunnel, fitting) => this.refit(tunnel, fitting),
      failed: (error) => context.failed(error),
    });
    this.#down = new DownTunnels(context.log, (down) => context.inTurn(() => this.#bringUp(down)));
  }

  /** Tunnels that are to run and do not. */
  get down(): DownTunnels {
    return this.#down;
  }

  get size(): number {
    return this.#byName.size;
  }

  keyed(): IterableIterator<KeyedTunnel> {
    return this.#byName.values();
  }

  *all(): Generator<Tunnel> {
    for (const { tunnel } of this.keyed()) yield tunnel;
  }

  find(name: string): KeyedTunnel | null {
    return this.#byName.get(name) ?? null;
  }

  /** Throws L2VPN_INTERNAL where there is none. */
  get(name: string): KeyedTunnel {
    const keyed = this.find(name);
    if (keyed === null) throw new L2vpnError('L2VPN_INTERNAL', `there is no tunnel "${name}"`);
    return keyed;
  }

  /** Opens what `configs` name, before there are workers. Throws L2vpnError; `closeAll` closes what was opened. */
  async openAll(configs: readonly TunnelConfig[]): Promise<void> {
    await someAtOnce(OPENS_AT_ONCE, [...configs.entries()], ([index, config]) =>
      this.#openOrWait(config, index),
    );
    // They came as the disk answered; they are told of in the order of the file.
    this.#sortAs(configs);
  }

  /** Starts the lanes. Resolves with the number of workers when all lanes carry frames. */
  async start(workers: Config['workers'], provider: AeadProvider['name']): Promise<number> {
    const lanes = [...this.all()].flatMap((tunnel) => tunnel.lanes());
    // A tunnel whose peer or bridge is not found yet has its lanes later.
    const awaited = this.#awaiting.reduce((sum, { config }) => sum + laneCountOf(config), 0);
    const laneCount = [...this.all()].reduce((sum, tunnel) => sum + tunnel.laneCount, awaited);
    this.#startWorkers(lanes, workerCount(workers, laneCount), provider);
    this.#running = await this.#workers!;
    this.#allUp();
    for (const { config, index, error } of this.#awaiting.splice(0)) this.#down.await(config, index, error);
    return this.#running.count;
  }

  /**
   * Starts workers for the lanes that `configs` will have, which `run` brings; `isWarm`: they are compiled then. Resolves with
   * their number.
   */
  async startIdle(
    configs: readonly TunnelConfig[],
    workers: Config['workers'],
    provider: AeadProvider['name'],
    isWarm: boolean,
  ): Promise<number> {
    const laneCount = configs.reduce((sum, config) => sum + laneCountOf(config), 0);
    const kinds = new Set(configs.map(({ gre }) => kindOf(gre)));
    this.#startWorkers([], workerCount(workers, laneCount), provider, isWarm ? [...kinds] : []);
    this.#running = await this.#workers!;
    return this.#running.count;
  }

  /**
   * Opens those of `configs` that another process has run until now, as they ran there; those that it cannot go on with it
   * returns. Throws L2vpnError: nothing of theirs has changed then, and the process has to end without closing anything.
   */
  async openHanded(
    configs: readonly TunnelConfig[],
    state: HandedState,
    fds: FdSource,
  ): Promise<TunnelConfig[]> {
    this.#isOpening = true;
    this.#ports.goOn(state.doors, fds);
    const handed = new Map(state.tunnels.map((one) => [one.tunnel.name, one]));
    const others: TunnelConfig[] = [];
    await someAtOnce(OPENS_AT_ONCE, [...configs.entries()], async ([index, config]) => {
      const whole = handed.get(config.name);
      if (whole === undefined || !canBe(whole.tunnel.tap.config, config.tap)) others.push(config);
      else await this.#openWhole(config, index, whole, fds);
    });
    return others;
  }

  /** What was opened carries frames when this resolves. */
  async run(): Promise<void> {
    const workers = await this.#workers!;
    const wired = [...this.all()].filter((tunnel) => tunnel.isWired);
    this.#isOpening = false;
    await workers.add(wired.flatMap((tunnel) => tunnel.lanes()));
    this.#allUp();
    for (const tunnel of wired) if (tunnel.lowerMtu !== null) this.#setMtu(tunnel, tunnel.lowerMtu);
  }

  /** After `run` and the end of the process before: tunnels become what `configs` say, each by itself; what cannot goes down. */
  async settle(configs: readonly TunnelConfig[], others: readonly TunnelConfig[]): Promise<void> {
    this.#ports.closeUnclaimedDoors();
    for (const [index, config] of configs.entries()) {
      if (others.includes(config)) {
        await this.add(config, index).catch((error) => this.#down.add(config, index, null, messageOf(error)));
        continue;
      }
      const { tunnel } = this.get(config.name);
      const [tap, gre] = [{ ...tunnel.tap, ...config.tap }, config.gre];
      const now = tunnel.fitting;
      if (isDeepStrictEqual([now.tap, now.filed], [tap, gre])) continue;
      await this.refit(tunnel, tunnel.plan(tap, gre)).catch((error) =>
        this.#context.log.error({ tunnel: config.name }, messageOf(error)),
      );
    }
    this.#sortAs(configs);
  }

  /** Key sources, control frames and the disk rest, and lanes have ended, when this resolves; TAPs and sockets stay open. */
  async rest(): Promise<void> {
    this.#isResting = true;
    for (const { keys, link } of this.keyed()) {
      link?.rest();
      keys?.stop();
    }
    const workers = await this.#workers!;
    const ends = [...this.all()].map((tunnel) => tunnel.endLanes(() => workers.remove(tunnel.name, true)));
    await Promise.all(ends);
  }

  /** Nothing more is begun to be stored; resolves when nothing is being stored any more. */
  async quiet(): Promise<void> {
    this.#isResting = true;
    await this.#upkeep.idle();
    await Promise.all([...this.all()].map(({ secy }) => secy?.idle()));
  }

  /**
   * At rest: what another process goes on from. All stays as it is here. `locked`: the locks of packet numbers go along, as they
   * must while this process has them.
   */
  handOn(sink: FdSink, locked: boolean): HandedState {
    const tunnels = [...this.keyed()].flatMap(({ tunnel, keys, link }): HandedWhole[] => {
      const handed = tunnel.handOn(sink, locked);
      if (handed === null) return [];
      return [{ tunnel: handed, keys: keys?.handed ?? null, link: link?.handed ?? null }];
    });
    return { version: HAND_OVER_VERSION, tunnels, doors: this.#ports.handOn(sink) };
  }

  /** The other process has not gone on: this one does. `rested`: `rest` was called, to whatever end. */
  async goOn(rested: boolean): Promise<void> {
    this.#isResting = false;
    if (!rested) return;
    const workers = await this.#workers!;
    const wired = [...this.keyed()].filter(({ tunnel }) => tunnel.isWired);
    await workers.add(wired.flatMap(({ tunnel }) => tunnel.lanes()));
    for (const { tunnel, keys, link } of wired) {
      tunnel.lanesBack();
      keys?.linkUp();
      link?.linkUp();
      if (tunnel.lowerMtu !== null) this.#setMtu(tunnel, tunnel.lowerMtu);
    }
  }

  #startWorkers(
    lanes: readonly LaneSpec[],
    count: number,
    provider: AeadProvider['name'],
    kinds?: readonly EncapSpec['kind'][],
  ): void {
    const events: WorkerEvents = {
      pnLow: (tunnel) => this.#grant(tunnel),
      uncontrolled: () => UNCONTROLLED_LOOKS.rung(),
      moved: (tunnel) => this.find(tunnel)?.tunnel.peerMoved(),
      strays: (tunnel) => this.find(tunnel)?.tunnel.straysTold(),
      laneFailed: (tunnel, reason, errno) => this.#laneFailed(tunnel, reason, errno),
      failed: this.#context.failed,
    };
    this.#workers = Workers.start(lanes, count, provider, events, kinds);
  }

  #allUp(): void {
    for (const keyed of this.keyed()) {
      this.#linkUp(keyed);
      this.#ends.look(keyed.tunnel);
    }
  }

  /** As it ran: what the file says otherwise comes later. */
  async #openWhole(config: TunnelConfig, index: number, whole: HandedWhole, fds: FdSource): Promise<void> {
    const { tap, filed } = whole.tunnel;
    const ran = { ...config, tap: { ...config.tap, ...tap.config }, gre: { ...config.gre, ...filed } };
    await this.#open(ran, index, null, TunnelTap.goOn(tap, fds), { whole, fds });
  }

  #sortAs(configs: readonly TunnelConfig[]): void {
    const places = new Map(configs.map(({ name }, place) => [name, place]));
    const inOrder = [...this.#byName].sort(([a], [b]) => (places.get(a) ?? 0) - (places.get(b) ?? 0));
    this.#byName.clear();
    for (const [name, keyed] of inOrder) this.#byName.set(name, keyed);
  }

  /** Lanes drain and end; the tunnels stay open. */
  async stop(): Promise<void> {
    this.#running = null;
    await (await this.#workers)?.stop();
  }

  /** Those of the workers that have not turned since the last call, which asked them to; by number, from 1. */
  stuckWorkers(): number[] {
    return this.#running?.stuck() ?? [];
  }

  /** No tunnel comes up or moves any more. */
  stopMoving(): void {
    this.#down.stop();
    this.#isStopping = true;
  }

  /** Key sources order nothing more. */
  stopKeys(): void {
    this.stopMoving();
    for (const { keys, link } of this.keyed()) {
      link?.stop();
      keys?.stop();
    }
  }

  /**
   * `clean`: no worker has failed, so what the lanes published is exact. `kept`: somebody else has the TAPs too, and they stay.
   * What cannot be stored is logged.
   */
  async closeAll(clean: boolean, kept = false): Promise<void> {
    this.#paths.close();
    if (!kept) deleteLinks([...this.all()].map(({ ifindex }) => ifindex).filter((ifindex) => ifindex > 0));
    const closing = [...this.all()].map((tunnel) => this.#closeTunnel(tunnel, clean));
    if (await allWhileTheyEnd(SILENT_DISK_MS, closing)) return;
    const { store, log } = this.#context;
    log.error(
      `stateDir ${store.dir} does not answer: not all packet numbers are stored; the next start goes on above them. Until it answers the kernel may keep this process`,
    );
  }

  /**
   * A further tunnel, `tunnels[index]` of the configuration; `sas`: as it ran before, null: those of `config`. Throws
   * L2vpnError with nothing left open.
   */
  async add(
    config: TunnelConfig,
    index: number,
    sas: RunningSas | null = null,
    tap: TunnelTap | null = null,
  ): Promise<void> {
    const tunnel = await this.#open(config, index, sas, tap);
    try {
      await (await this.#workers)?.add(tunnel.lanes());
    } catch (error) {
      this.#byName.delete(config.name);
      if (tap !== null) tunnel.handOnTap();
      await this.#closeTunnel(tunnel, true);
      throw error;
    }
    this.#linkUp(this.get(config.name));
  }

  /**
   * Another tunnel takes the place of the one that has the name of `config`: keys, packet numbers and agreement begin anew,
   * and the TAP stays where it can. Throws L2vpnError, with the one before as it was or, where that fails too, down.
   */
  async replace(config: TunnelConfig, index: number, sas: RunningSas | null, clean: boolean): Promise<void> {
    const { name } = config;
    const { tunnel } = this.get(name);
    const before = this.runningOf(name);
    const tap = tunnel.keepsTap(config) ? tunnel.handOnTap() : null;
    await this.#close(name, clean);
    try {
      await this.add(config, index, sas, tap);
    } catch (error) {
      await this.#addAgain(before.config, tunnel.index, before.sas, tap);
      throw error;
    }
  }

  async #addAgain(
    config: TunnelConfig,
    index: number,
    sas: RunningSas | null,
    tap: TunnelTap | null,
  ): Promise<void> {
    try {
      await this.add(config, index, sas, tap);
    } catch (error) {
      tap?.close();
      this.#down.add(config, index, sas, messageOf(error));
    }
  }

  /**
   * Socket, ends and MTU of a tunnel become others; TAP and SecY stay, and the other tunnels do not notice. Throws L2vpnError,
   * with all as it was or, where that cannot be brought back, the tunnel down.
   */
  async refit(tunnel: Tunnel, fitting: Fitting): Promise<void> {
    const { name, fitting: before } = tunnel;
    const end = async (): Promise<readonly LeftReplay[]> => (await (await this.#workers)?.remove(name)) ?? [];
    await tunnel.endLanes(end);
    try {
      await this.#fit(tunnel, fitting);
    } catch (error) {
      await tunnel.endLanes(end);
      await this.#fit(tunnel, before).catch((fault: unknown) => this.#goDown(name, messageOf(fault)));
      throw error;
    }
  }

  async #fit(tunnel: Tunnel, fitting: Fitting): Promise<void> {
    tunnel.refit(fitting);
    tunnel.onEndsAnswer(() => this.#ends.look(tunnel));
    if (!tunnel.isWired) return;
    await (await this.#workers)?.add(tunnel.lanes());
    tunnel.lanesBack();
    this.#linkUp(this.get(tunnel.name));
  }

  async remove(name: string, clean: boolean): Promise<void> {
    if (this.#down.forget(name) === null) await this.#close(name, clean);
    logRemoved(this.#context.log, name);
  }

  /** What it runs by, or will when it is up again. Throws L2VPN_INTERNAL where there is no such tunnel. */
  runningOf(name: string): { config: TunnelConfig; sas: RunningSas | null } {
    const down = this.#down.get(name);
    if (down !== null) return { config: down.config, sas: down.sas };
    const { tunnel, keys } = this.get(name);
    return { config: tunnel.config, sas: keys?.running ?? null };
  }

  /** For a tunnel that runs, or will when it is up again. */
  setPeerTimeout(name: string, seconds: number): void {
    const down = this.#down.get(name);
    if (down !== null) down.config = { ...down.config, peerTimeoutSeconds: seconds };
    else this.get(name).tunnel.peerTimeoutSeconds = seconds;
  }

  /** For a tunnel that runs, or will when it is up again. Throws L2vpnError where the kernel refuses. */
  setPort(name: string, settings: PortSettings): void {
    const down = this.#down.get(name);
    if (down === null) this.get(name).tunnel.changePort(settings);
    else down.config = { ...down.config, tap: { ...down.config.tap, ...settings } };
  }

  /** TAPs that somebody has taken out of their bridges join them again. */
  joinAgain(): void {
    for (const tunnel of this.all()) tunnel.joinAgain();
  }

  /** In its turn: a reload before it may have changed the tunnel, or removed it. */
  async #bringUp(down: DownTunnel): Promise<boolean> {
    if (!this.#down.isDown(down)) return false;
    await this.add(down.config, down.index, down.sas);
    return true;
  }

  async #close(name: string, clean: boolean): Promise<void> {
    const { tunnel, keys, link } = this.get(name);
    link?.stop();
    keys?.stop();
    await (await this.#workers)?.remove(name);
    this.#byName.delete(name);
    await this.#closeTunnel(tunnel, clean);
  }

  /** What cannot be stored ends nothing: a restart goes on above what was granted. */
  async #closeTunnel(tunnel: Tunnel, clean: boolean): Promise<void> {
    try {
      await this.#upkeep.saveLast(tunnel);
      await tunnel.close(clean);
    } catch (error) {
      this.#context.log.error({ tunnel: tunnel.name }, messageOf(error));
    }
    this.#upkeep.forget(tunnel.name);
  }

  /** Something of the tunnel is gone: it goes down by itself, and is tried again; the others do not notice. */
  #laneFailed(name: string, reason: string, errno: string): void {
    const failed = async (): Promise<void> => {
      const ifname = this.find(name)?.tunnel.ifname;
      await this.#goDown(name, errno === TAP_GONE ? `interface ${ifname} was deleted` : reason);
    };
    this.#context.inTurn(failed).catch((error: unknown) => this.#context.failed(error));
  }

  async #goDown(name: string, reason: string): Promise<void> {
    const keyed = this.find(name);
    if (keyed === null) return;
    const { config, index } = keyed.tunnel;
    const sas = keyed.keys?.running ?? null;
    // What its lanes had taken counts as used.
    await this.#close(name, false);
    this.#down.add(config, index, sas, reason);
  }

  /** Once a second: what was received is stored, what tunnels stand on is looked at. */
  tick(): void {
    if (this.#isResting) return;
    this.#upkeep.tick(this.all());
    for (const tunnel of this.all()) tunnel.noteSentPns();
    const nowMs = performance.now();
    for (const tunnel of this.#nextLooks()) {
      this.#paths.follow(tunnel, tunnel.checkPath(nowMs));
      this.#ends.look(tunnel);
      this.#lookAround(tunnel);
    }
  }

  /** Several times per second: what ICMP says of paths. */
  lookForPathErrors(): void {
    this.#paths.lookForErrors();
  }

  /** What is looked at in this tick: all in turn, so that a hub with many does not ask for all at once. */
  #nextLooks(): Tunnel[] {
    const tunnels = [...this.all()];
    const from = tunnels.length <= LOOKS_PER_TICK ? 0 : this.#lookAt % tunnels.length;
    this.#lookAt = from + LOOKS_PER_TICK;
    return tunnels.slice(from, from + LOOKS_PER_TICK);
  }

  #lookAround(tunnel: Tunnel): void {
    const { log } = this.#context;
    try {
      logNotices(log, tunnel.name, tunnel.lookAround());
    } catch (error) {
      // No descriptor for the question, say: it is asked again.
      log.debug({ tunnel: tunnel.name }, messageOf(error));
    }
  }

  /** Throws L2vpnError, but for what the tunnel may wait for. */
  async #openOrWait(config: TunnelConfig, index: number): Promise<void> {
    try {
      await this.#open(config, index);
    } catch (error) {
      if (!this.#context.waits || !(error instanceof L2vpnError) || error.waitsFor === null) throw error;
      this.#awaiting.push({ config, index, error });
    }
  }

  /** Its key source first, and with it the packet numbers. Throws L2vpnError; nothing is left open then. */
  async #open(
    config: TunnelConfig,
    index: number,
    sas: RunningSas | null = null,
    tap: TunnelTap | null = null,
    from: { readonly whole: HandedWhole; readonly fds: FdSource } | null = null,
  ): Promise<Tunnel> {
    // First of all: what waits for it holds no key meanwhile.
    if (config.tap.bridge !== null && tap === null) requireBridge(config.tap.bridge, `tunnels[${index}].tap`);
    const { whole = null, fds = null } = from ?? {};
    const keys = keySourceOf(config, sas, this.#context, whole?.keys);
    const isSpokenTo = keys !== null && (keys.etherTypes.length > 0 || config.keepalive !== null);
    const handed = whole === null || fds === null ? null : { tunnel: whole.tunnel, fds };
    const tunnel = new Tunnel(config, index, this.#context.store, this.#lanes, isSpokenTo, tap, handed);
    tunnel.secy?.onStoreFailed((error) => this.#upkeep.tell(config.name, 'store', error));
    let link: PeerLink | null = null;
    try {
      if (tunnel.macsec !== null && keys !== null) {
        await keys.start(tunnel.macsec.sas, portOf(tunnel, keys.etherTypes));
        link = this.#linkOf(tunnel, keys);
        if (whole?.link != null) link?.goOn(whole.link);
      }
      tunnel.open(whole === null ? await this.#storedPeer(tunnel) : null, this.#ports);
    } catch (error) {
      // Its giver takes it back.
      if (tap !== null) tunnel.handOnTap();
      await this.#closeTunnel(tunnel, true);
      throw error;
    }
    this.#byName.set(config.name, { tunnel, keys, link });
    if (link !== null) this.#followPeer(tunnel, link);
    tunnel.onEndsAnswer(() => this.#ends.look(tunnel));
    return tunnel;
  }

  /** The carrier of the TAP is that of the peer, where that is configured; and a peer that answers probes gets some. */
  #followPeer(tunnel: Tunnel, link: PeerLink): void {
    const { name, carrier, pathUse } = tunnel;
    const clock = new MonotonicClock();
    if (carrier !== null) carrier.changed = (notice) => logNotices(this.#context.log, name, [notice]);
    pathUse.onNews((news) => this.#paths.follow(tunnel, news));
    link.onAnswered((frameLen) => pathUse.answered(frameLen));
    link.onChanged(() => {
      carrier?.peerIs(link.isPeerThere, link.absence);
      pathUse.probeBy(link.isLive ? (frameLen) => void link.probe(frameLen) : null, clock);
    });
  }

  #linkOf(tunnel: Tunnel, keys: KeySource): PeerLink | null {
    const { name, secy, keepalive } = tunnel;
    const port = portOf(tunnel, [ETHERTYPE_LINK_CONTROL]);
    if (secy === null || port === null) return null;
    const { log } = this.#context;
    const pathReport = (): PathReport | null => this.#context.pathReportOf(tunnel);
    return new PeerLink({ tunnel: name, sci: secy.sci, keepalive, keys, port, log, pathReport });
  }

  /** Where a dynamic peer was last: it is spoken to before it speaks. */
  async #storedPeer(tunnel: Tunnel): Promise<LoadedEndpoint | null> {
    const { store, log } = this.#context;
    const keys = tunnel.endpointKeys;
    const peer = keys.length === 0 ? null : await store.loadEndpoint(tunnel.name, keys);
    if (peer !== null)
      log.info({ tunnel: tunnel.name }, `peer last seen at ${peer.address} port ${peer.port}`);
    return peer;
  }

  #grant(name: string): void {
    const tunnel = this.find(name)?.tunnel;
    if (tunnel !== undefined && !this.#isResting) this.#upkeep.grant(tunnel);
  }

  #setMtu({ name }: Tunnel, lowerMtu: number): void {
    this.#workers
      ?.then((workers) => workers.setMtu(name, lowerMtu))
      .catch((error: unknown) => this.#context.failed(error));
  }

  /** Its lanes run. */
  #linkUp({ tunnel, keys, link }: KeyedTunnel): void {
    logNotices(this.#context.log, tunnel.name, tunnel.endsNotices());
    if (!tunnel.isWired) return;
    this.#paths.listen(tunnel);
    const { log, store } = this.#context;
    logUp(log, tunnel);
    if (this.#linked.has(tunnel)) return;
    this.#linked.add(tunnel);
    logFresh(log, tunnel, store.dir);
    keys?.linkUp();
    link?.linkUp();
  }
}

/** The tunnel's Uncontrolled Port for those who take frames of `etherTypes`; null: there is none, or they take none. */
function portOf({ uncontrolled }: Tunnel, etherTypes: readonly number[]): UncontrolledPort | null {
  return etherTypes.length === 0 ? null : (uncontrolled?.use(etherTypes) ?? null);
}

/** As for a reload: a TAP whose carrier is set otherwise is another one. */
function canBe(was: TapConfig, now: TapConfig): boolean {
  return isSameTap(was, now) && was.carrier === now.carrier && was.carrierDelayMs === now.carrierDelayMs;
}

/** Lanes of a tunnel that is not open: one out per queue, and one in. */
function laneCountOf({ tap }: TunnelConfig): number {
  return tap.queues + 1;
}
