/**
 * The control plane: what starts and stops in which order. Start: AEAD provider and its self-test, state directory,
 * tunnels, control socket and metrics, workers. Then a tick once a second. Whatever fails at the start undoes what was
 * done, in reverse order; so does the stop.
 */
import type { Server } from 'node:http';
import { resolve } from 'node:path';
import type { Logger } from 'pino';
import { openControl } from '../api/control-socket.ts';
import type { DaemonSnapshot } from '../api/daemon.ts';
import { closeServer, leaveServer } from '../api/router.ts';
import type { HandOverAnswer, HandOverBody, ReloadAnswer } from '../api/routes.ts';
import type { Handlers } from '../api/server.ts';
import type { DownSnapshot, TunnelSnapshot } from '../api/tunnel.ts';
import { withKeyPrints } from '../config/key-prints.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/types.ts';
import { configWarnings } from '../config/warnings.ts';
import { fasterRuntime } from '../crypto/faster-runtime.ts';
import { type AeadChoice, selectProvider } from '../crypto/select.ts';
import type { OverheadPart } from '../encap/encap.ts';
import { EXIT_STATUS, L2vpnError, messageOf } from '../errors.ts';
import { hasServiceManager } from '../host/notify.ts';
import { networkNamespace } from '../host/process.ts';
import type { AgreedLiveness, KeySource } from '../keys/key-source.ts';
import { packageVersion } from '../package-root.ts';
import type { EventRing } from '../page/event-ring.ts';
import { Figures } from '../report/figures.ts';
import { Metrics } from '../report/metrics/registry.ts';
import { PeerWatch } from '../report/peer-watch.ts';
import { snapshotOf } from '../report/snapshot.ts';
import { StatusLine } from '../report/status-line.ts';
import { openStore, type StateStore } from '../state/store.ts';
import { volatileRefusal } from '../state/volatile.ts';
import { allWhileTheyEnd, type InTurn, oneAfterAnother } from '../tunnel/in-turn.ts';
import { mtuArithmetic } from '../tunnel/mtu.ts';
import { carryOut } from './carry-out.ts';
import { downSnapshot } from './down-tunnels.ts';
import { hasStore } from './fd-store.ts';
import { giveTo, leaveInStore, meetTaker } from './hand-over.ts';
import { HAND_OVER_VERSION, otherVersion } from './handed-state.ts';
import type { Log } from './log.ts';
import { metricsEndpoint, openMetrics } from './metrics-server.ts';
import { openPage } from './page.ts';
import { rehearse } from './rehearsal.ts';
import { changedNames, planReload, restartedNames } from './reload.ts';
import { ReloadStatus } from './reload-status.ts';
import { ProgramOnDisk, upgrade } from './successor.ts';
import type { Predecessor } from './take-over.ts';
import { Tunnels } from './tunnels.ts';
import { startWatch } from './watch.ts';

/** What is left to be written when all tunnels are closed is not waited for any longer. */
const CLOSE_MS = 2000;

/** Who asks at the moment when this process leaves gets an answer within. */
const LEAVE_MS = 500;

export class Daemon {
  /** Resolves with the exit status when something has failed that the daemon cannot go on without. */
  readonly failed: Promise<number>;
  /** Resolves with the exit status when another process runs the tunnels: nothing may be stopped any more, only ended. */
  readonly handedOver: Promise<number>;
  /** Tells the service manager which process is the daemon from now on. */
  onHandedOver: (pid: number) => void = () => {};
  readonly #configPath: string;
  readonly #log: Logger;
  readonly #events: EventRing;
  readonly #undo: (() => void | Promise<void>)[] = [];
  readonly #servers: Server[] = [];
  readonly #peers: PeerWatch;
  readonly #figures: Figures;
  readonly #version = packageVersion();
  readonly #reloads = new ReloadStatus();
  /** Reloads and rotations, one after the other. */
  readonly #inTurn: InTurn = oneAfterAnother();
  /** As loaded last, from the file, less what could not be applied; once it runs, with prints in place of the keys. */
  #config: Config;
  /** When it was read. */
  #readAt = new Date();
  #aead!: AeadChoice;
  #tunnels!: Tunnels;
  #store!: StateStore;
  /** No worker has failed: what the lanes published is exact. */
  #clean = true;
  readonly #status = new StatusLine({
    all: () => this.#tunnels.all(),
    down: () => this.#downSnapshots(),
    peerOf: (tunnel) => this.#peers.peerOf(tunnel),
  });
  #fail!: (status: number) => void;
  #handedOn!: (status: number) => void;
  /** Null: nobody ran the tunnels before. */
  readonly #predecessor: Predecessor | null;
  /** Another process runs the tunnels, before this one does or after it: what is open is not this one's to close. */
  #isGuest: boolean;
  /** Who has started the process that this one is handed over to hears of it. */
  #upgraded: (pid: number) => void = () => {};
  #isCancelled = false;
  #hasStarted = false;
  /** TAPs and sockets are the service manager's too, for the next start. */
  #isLeft = false;
  readonly #program = new ProgramOnDisk();

  /** The feeds of the page do not end by themselves. */
  #closePage: () => void = () => {};

  constructor(
    config: Config,
    configPath: string,
    { logger: log, events }: Pick<Log, 'logger' | 'events'>,
    predecessor: Predecessor | null = null,
  ) {
    this.#predecessor = predecessor;
    this.#isGuest = predecessor?.waits ?? false;
    this.#events = events;
    this.#config = config;
    this.#configPath = configPath;
    this.#log = log;
    this.#peers = new PeerWatch(log, ({ name }) => this.#livenessOf(name));
    this.#figures = new Figures(log);
    this.failed = new Promise((resolve) => {
      this.#fail = resolve;
    });
    this.handedOver = new Promise((resolve) => {
      this.#handedOn = resolve;
    });
  }

  /** Another process has taken over from this one. */
  get hasHandedOver(): boolean {
    return this.#isGuest && this.#hasStarted;
  }

  /** Before it has taken over, and after it has handed over: the tunnels are another process's, and this one just ends. */
  get isGuest(): boolean {
    return this.#isGuest;
  }

  /** Resolves when every tunnel carries frames. Throws L2vpnError; call `stop` then too. */
  async start(): Promise<void> {
    const config = this.#config;
    this.#aead = selectProvider(config.crypto);
    this.#log.info(startFields(this.#configPath, this.#aead), 'starting');
    const faster = fasterRuntime();
    if (faster !== null) this.#log.info(faster);
    for (const text of configWarnings(config, this.#configPath)) this.#log.warn(text);
    const store = await this.#openStore(config);
    this.#store = store;
    this.#tunnels = new Tunnels({
      log: this.#log,
      store,
      inTurn: this.#inTurn,
      failed: this.#failWith,
      waits: hasServiceManager(),
      silenceOf: (tunnel, nowMs) => this.#peers.silenceOf(tunnel, nowMs),
      pathReportOf: (tunnel) => this.#figures.pathOf(tunnel),
    });
    this.#undo.push(() => this.#tunnels.closeAll(this.#clean, this.#isLeft));
    const workers = await (this.#predecessor === null ? this.#open() : this.#takeOver(this.#predecessor));
    const watched = { peers: this.#peers, figures: this.#figures };
    this.#undo.push(startWatch(this.#tunnels, this.#log, watched, this.#failWith));
    // From now on keys live with the SAs that use them, and go with them.
    this.#config = withKeyPrints(config);
    this.#hasStarted = true;
    this.#log.info({ tunnels: this.#tunnels.size, workers }, 'ready');
  }

  /** Returns how many workers run. */
  async #open(): Promise<number> {
    const { tunnels, workers } = this.#config;
    await this.#tunnels.openAll(tunnels);
    await this.#openServers();
    const count = await this.#tunnels.start(workers, this.#aead.provider.name);
    this.#undo.push(() => this.#tunnels.stop());
    return count;
  }

  /** As `#open`, with what `predecessor` has run until now. */
  async #takeOver(predecessor: Predecessor): Promise<number> {
    const { tunnels: configs, workers } = this.#config;
    const [tunnels, aead] = [this.#tunnels, this.#aead.provider.name];
    try {
      // Where nobody forwards meanwhile every moment counts.
      const starting = tunnels.startIdle(configs, workers, aead, predecessor.waits);
      if (predecessor.waits) {
        await starting;
        await rehearse(configs, this.#store);
      }
      const { state, fds } = await predecessor.take();
      const others = await tunnels.openHanded(configs, state, fds);
      if (this.#isCancelled)
        throw new L2vpnError('L2VPN_UNAVAILABLE', 'stopped before anything was taken over');
      await predecessor.confirm();
      this.#isGuest = false;
      this.#undo.push(() => tunnels.stop());
      await tunnels.run();
      await predecessor.left();
      fds.closeRest();
      await this.#openServers();
      await this.#inTurn(() => tunnels.settle(configs, others));
      return await starting;
    } catch (error) {
      if (this.#isGuest) predecessor.refuse(messageOf(error));
      throw error;
    }
  }

  /** A process that asks for it gets everything; then this one ends. Throws L2vpnError where it is not to have it. */
  async #handOver({ version, meeting, netns }: HandOverBody): Promise<HandOverAnswer> {
    if (version !== HAND_OVER_VERSION) throw otherVersion(version);
    if (netns !== networkNamespace())
      throw new L2vpnError('L2VPN_UNAVAILABLE', 'hand-over: that process is in another network namespace');
    const channel = meetTaker(meeting);
    void this.#inTurn(async () => {
      const leave = (pid: number): Promise<void> => this.#leave(pid);
      if (this.#isGuest) channel.close();
      else if (await giveTo(channel, { log: this.#log, tunnels: this.#tunnels, leave })) this.#handedOn(0);
    });
    return { pid: process.pid };
  }

  async #leave(pid: number): Promise<void> {
    this.#isGuest = true;
    this.#tunnels.stopMoving();
    this.#upgraded(pid);
    this.#closePage();
    await Promise.all(this.#servers.splice(0).map((server) => leaveServer(server, LEAVE_MS)));
    this.onHandedOver(pid);
  }

  /** It is to end: one that has not taken over yet does not. */
  cancel(): void {
    this.#isCancelled = true;
  }

  /**
   * Undoes the start, last first. A step that fails is logged and the others follow. `leaves`: the service manager, which has
   * asked for it, may be about to start it again.
   */
  async stop(leaves = false): Promise<void> {
    if (this.#isGuest) return;
    const isLeft = leaves && this.#clean && this.#hasStarted && hasStore();
    if (isLeft) this.#tunnels.stopMoving();
    else this.#tunnels?.stopKeys();
    await this.#inTurn(async () => {});
    // It may have been handed over in its turn.
    if (this.#isGuest) return;
    this.#isLeft = isLeft && (await leaveInStore(this.#tunnels, this.#log));
    if (isLeft && !this.#isLeft) this.#tunnels.stopKeys();
    for (const step of this.#undo.splice(0).reverse()) {
      try {
        await step();
      } catch (error) {
        this.#log.error(messageOf(error));
      }
    }
  }

  /**
   * Applies the configuration file as it is now (see reload.ts), by the program as it is on disk now: where that is another, it
   * takes over. Throws L2vpnError, with everything as it was.
   */
  reload(): Promise<ReloadAnswer> {
    return this.#program.isAnother ? this.#upgrade() : this.#reloads.note(this.#reload());
  }

  async #upgrade(): Promise<ReloadAnswer> {
    this.#log.info('the program on disk is another one: it is started, and takes over');
    const taken = new Promise<number>((resolve) => {
      this.#upgraded = resolve;
    });
    const process = await upgrade(taken);
    return { added: [], removed: [], changed: [], restarted: [], refused: [], process };
  }

  #reload(): Promise<ReloadAnswer> {
    return this.#inTurn(async () => {
      const before = this.#config;
      const readAt = new Date();
      const after = loadConfig(this.#configPath);
      const plan = planReload(before, after);
      await carryOut(plan, {
        tunnels: this.#tunnels,
        before,
        after,
        clean: () => this.#clean,
        failed: this.#failWith,
      });
      if (plan.logLevel !== null) this.#log.level = plan.logLevel;
      this.#config = withKeyPrints(plan.effective);
      this.#readAt = readAt;
      const names = (list: readonly { name: string }[]): string[] => list.map(({ name }) => name);
      const restarted = restartedNames(plan);
      const done = { added: names(plan.add), removed: plan.remove, changed: changedNames(plan), restarted };
      this.#log.info(done, 'reloaded');
      for (const text of plan.refused) this.#log.warn(text);
      return { ...done, refused: plan.refused };
    });
  }

  /** How it is, for people: one line. Once it has started. */
  statusLine(): string {
    return this.#status.at(performance.now());
  }

  /** Those of its workers that have not turned since the last call, which asked them to. */
  stuckWorkers(): number[] {
    return this.#tunnels.stuckWorkers();
  }

  get #handlers(): Handlers {
    return {
      tunnels: async () => this.#snapshots(),
      tunnel: async ({ name }) => this.#snapshots().find((tunnel) => tunnel.name === name) ?? null,
      down: async () => this.#downSnapshots(),
      daemon: async () => this.#daemonSnapshot(),
      rotate: ({ name }, body) => this.#keysInTurn(name, (keys) => keys.rotate(body)),
      abort: ({ name }) => this.#keysInTurn(name, (keys) => keys.abort()),
      reload: () => this.reload(),
      handOver: (_params, body) => this.#handOver(body),
    };
  }

  #snapshots(): TunnelSnapshot[] {
    const aead = this.#aead.provider.name;
    return [...this.#tunnels.keyed()].map(({ tunnel, keys, link }) =>
      snapshotOf(tunnel, aead, keys, this.#peers.peerOf(tunnel), link, this.#figures.of(tunnel)),
    );
  }

  #daemonSnapshot(): DaemonSnapshot {
    const { provider, reason } = this.#aead;
    return {
      pid: process.pid,
      version: this.#version,
      config: resolve(this.#configPath),
      config_read: this.#readAt.toISOString(),
      aead: provider.name,
      aead_reason: reason,
      engine: provider.engine,
      node: process.versions.node,
      openssl: process.versions.openssl,
      started: this.#reloads.started.toISOString(),
      reload: this.#reloads.snapshot,
    };
  }

  #frameOf(name: string): readonly OverheadPart[] {
    const tunnel = this.#tunnels.find(name)?.tunnel;
    if (tunnel === undefined) return [];
    return mtuArithmetic(tunnel.pathMtu, tunnel.gre, tunnel.secy?.config ?? null).parts;
  }

  #livenessOf(name: string): AgreedLiveness {
    const { keys = null, link = null } = this.#tunnels.find(name) ?? {};
    return link?.isKeepalive ? { heardAgoMs: link.heardAgoMs } : (keys?.liveness ?? null);
  }

  #downSnapshots(): DownSnapshot[] {
    return [...this.#tunnels.down.all()].map(downSnapshot);
  }

  /** Null: there is no such tunnel. */
  #keysInTurn<T>(name: string, step: (keys: KeySource) => Promise<T>): Promise<T | null> {
    return this.#inTurn(async () => {
      const down = this.#tunnels.down.get(name);
      if (down !== null)
        throw new L2vpnError('L2VPN_UNAVAILABLE', `tunnel "${name}" is down: ${down.reason}`);
      const keyed = this.#tunnels.find(name);
      if (keyed === null) return null;
      if (keyed.keys === null) throw new L2vpnError('L2VPN_USAGE', `tunnel "${name}" has no MACsec`);
      return step(keyed.keys);
    });
  }

  async #openStore(config: Config): Promise<StateStore> {
    const store = await openStore(config.stateDir, {
      onEvent: ({ level, message }) => this.#log[level](message),
    });
    this.#undo.push(() => allWhileTheyEnd(CLOSE_MS, [store.close()]).then(() => {}));
    refuseForgetfulState(config, store);
    return store;
  }

  async #openServers(): Promise<void> {
    const metrics = new Metrics({
      daemon: () => this.#daemonSnapshot(),
      tunnels: () => this.#snapshots(),
      down: () => this.#downSnapshots(),
    });
    const endpoints = [metricsEndpoint(metrics)];
    const control = await openControl(this.#config.controlSocket, this.#handlers, endpoints);
    this.#servers.push(control);
    this.#undo.push(() => closeServer(control));
    if (this.#config.metrics === null) return;
    const page = openPage({
      version: this.#version,
      events: this.#events,
      sampled: () => this.#tunnels.all(),
      tunnels: () => this.#snapshots(),
      down: () => this.#downSnapshots(),
      frameOf: (name) => this.#frameOf(name),
      failed: this.#failWith,
    });
    this.#closePage = () => page.close();
    this.#undo.push(this.#closePage);
    const listener = await openMetrics(this.#config.metrics, [...endpoints, ...page.endpoints], page.open);
    this.#servers.push(listener);
    this.#undo.push(() => closeServer(listener));
  }

  readonly #failWith = (error: unknown): void => {
    this.#clean = false;
    this.#log.fatal(messageOf(error));
    this.#fail(error instanceof L2vpnError ? error.exitStatus : EXIT_STATUS.L2VPN_INTERNAL);
  };
}

/** Static keys need numbers that outlive the process. Throws L2VPN_CONFIG where the state directory does not. */
function refuseForgetfulState({ stateMayBeLost, tunnels }: Config, { dir, volatile }: StateStore): void {
  if (stateMayBeLost || tunnels.every(({ macsec, mka }) => macsec === null || mka !== null)) return;
  if (volatile !== null) throw volatileRefusal(dir, volatile);
}

function startFields(configPath: string, aead: AeadChoice): object {
  return {
    config: configPath,
    aead: aead.provider.name,
    engine: aead.provider.engine,
    reason: aead.reason,
    openssl: process.versions.openssl,
    node: process.versions.node,
  };
}
