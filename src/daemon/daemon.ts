/**
 * The control plane's state: tunnels and workers. Start: AEAD provider and its self-test, state directory, tunnels,
 * control socket and metrics, workers. Then a tick a second: progress stored, drops logged. Whatever fails at the start
 * undoes what was done, in reverse order; so does the stop.
 */
import type { Logger } from 'pino';
import { type AeadChoice, selectProvider } from '../aead/select.ts';
import { loadConfig } from '../config/load.ts';
import { formatMtu } from '../config/overhead.ts';
import type { Config, MacsecConfig, TunnelConfig } from '../config/types.ts';
import { configWarnings } from '../config/warnings.ts';
import { L2vpnError, messageOf } from '../errors.ts';
import { lockFile } from '../io/process.ts';
import { countersAt, RxSaCounter } from '../macsec/counters.ts';
import { openState, type PnState } from '../state/state.ts';
import { closeServer, openControl } from './control.ts';
import { DropLog } from './drop-log.ts';
import { createMetrics, openMetrics } from './metrics.ts';
import { PnWatch } from './pn-watch.ts';
import { changedMacsec, planReload, type ReloadPlan } from './reload.ts';
import { asksToMoveNow, parseRotation } from './rotate-request.ts';
import { Rotation, type RotationPort } from './rotation.ts';
import { snapshotOf, type TunnelSnapshot, totalsOf } from './snapshot.ts';
import { checkPath, closeTunnel, openTunnel, saveReceived, type Tunnel } from './tunnel.ts';
import { Workers, workerCount } from './workers.ts';

const TICK_MS = 1000;

export class Daemon {
  /** Resolves with the exit status when something has failed that the daemon cannot go on without. */
  readonly failed: Promise<number>;
  readonly #configPath: string;
  readonly #log: Logger;
  readonly #undo: (() => void | Promise<void>)[] = [];
  readonly #tunnels = new Map<string, Tunnel>();
  readonly #rotations = new Map<string, Rotation>();
  /** As loaded last, from the file, less what could not be applied. */
  #config: Config;
  #aead!: AeadChoice;
  #state!: PnState;
  #workers: Workers | null = null;
  /** No worker has failed: what the lanes published is exact. */
  #clean = true;
  #fail!: (status: number) => void;
  /** Reloads and rotations, one after the other. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(config: Config, configPath: string, log: Logger) {
    this.#config = config;
    this.#configPath = configPath;
    this.#log = log;
    this.failed = new Promise((resolve) => {
      this.#fail = resolve;
    });
  }

  /** Resolves when every tunnel carries frames. Throws L2vpnError; call `stop` then too. */
  async start(): Promise<void> {
    const config = this.#config;
    this.#aead = selectProvider(config.crypto);
    this.#log.info(startFields(this.#configPath, this.#aead), 'starting');
    for (const text of configWarnings(config, this.#configPath)) this.#log.warn(text);
    this.#state = openState(config.stateDir, lockFile);
    this.#undo.push(() => {
      for (const tunnel of this.#tunnels.values()) closeTunnel(tunnel, this.#clean);
    });
    config.tunnels.forEach((tunnel, index) => {
      this.#tunnels.set(tunnel.name, openTunnel(tunnel, index, this.#state));
    });
    await this.#openServers();
    await this.#startWorkers();
    for (const tunnel of this.#tunnels.values()) this.#tellTunnel(tunnel);
    this.#startTick();
    this.#log.info({ tunnels: this.#tunnels.size, workers: this.#workers?.count }, 'ready');
  }

  /** Undoes the start, last first. A step that fails is told and the others follow. */
  async stop(): Promise<void> {
    for (const rotation of this.#rotations.values()) rotation.stop();
    await this.#queue.catch(() => {});
    for (const step of this.#undo.splice(0).reverse()) {
      try {
        await step();
      } catch (error) {
        this.#log.error(messageOf(error));
      }
    }
  }

  snapshots(): TunnelSnapshot[] {
    return [...this.#tunnels.values()].map((tunnel) => ({
      ...snapshotOf(tunnel, this.#aead.provider.name),
      rotation: this.#rotationOf(tunnel.config.name),
    }));
  }

  /** Applies the configuration file as it is now; see reload.ts. Throws L2vpnError, with everything as it was. */
  reload(): Promise<ReloadPlan> {
    return this.#inTurn(async () => {
      const config = loadConfig(this.#configPath);
      const plan = planReload(this.#config, config);
      await this.#carryOut(plan, config);
      if (plan.logLevel !== null) this.#log.level = plan.logLevel;
      this.#config = plan.effective;
      this.#log.info(
        {
          added: plan.add.map(({ name }) => name),
          removed: plan.remove,
          changed: plan.macsec.map(({ name }) => name),
        },
        'reloaded',
      );
      for (const text of plan.refused) this.#log.warn(text);
      return plan;
    });
  }

  /** Tunnels that go, that change, that come. What was done is undone where a step fails. */
  async #carryOut(plan: ReloadPlan, config: Config): Promise<void> {
    const undo: (() => Promise<void>)[] = [];
    try {
      for (const name of plan.remove) {
        const { config: was } = this.#tunnel(name);
        await this.#removeTunnel(name);
        undo.push(() =>
          this.#addTunnel(
            was,
            this.#config.tunnels.findIndex((one) => one.name === name),
          ),
        );
      }
      for (const change of plan.macsec) {
        const tunnel = this.#tunnel(change.name);
        const was = tunnel.config.macsec!;
        await this.#applyMacsec(tunnel, changedMacsec(was, change));
        undo.push(() => this.#applyMacsec(tunnel, was));
      }
      for (const tunnel of plan.add) {
        await this.#addTunnel(tunnel, config.tunnels.indexOf(tunnel));
        undo.push(() => this.#removeTunnel(tunnel.name));
      }
    } catch (error) {
      for (const step of undo.reverse()) await step().catch((reason) => this.#failWith(reason));
      throw error;
    }
    for (const { name, keys } of plan.macsec) if (keys) this.#endRotation(name);
  }

  /** Starts a key change; `body` is the request as it came. Throws L2vpnError. */
  rotate(name: string, body: unknown): Promise<object> {
    return this.#inTurn(async () => {
      const tunnel = this.#tunnel(name);
      if (tunnel.config.macsec === null)
        throw new L2vpnError('L2VPN_USAGE', `tunnel "${name}" has no MACsec`);
      const running = this.#rotations.get(name);
      if (running !== undefined && running.state !== 'done') {
        if (running.state !== 'waiting for the peer' || !asksToMoveNow(body, running.request))
          throw new L2vpnError('L2VPN_USAGE', `tunnel "${name}" is in a rotation: ${running.state}`);
        await running.moveNow();
        return { an: running.an, state: running.state };
      }
      const request = parseRotation(name, tunnel, body);
      const rotation = new Rotation(request, this.#rotationPort(tunnel), (error) => this.#failWith(error));
      await rotation.start();
      this.#rotations.set(name, rotation);
      this.#log.info({ tunnel: name, an: rotation.an, state: rotation.state }, 'rotation started');
      return { an: rotation.an, state: rotation.state };
    });
  }

  #rotationPort(tunnel: Tunnel): RotationPort {
    return {
      config: () => tunnel.config.macsec!,
      apply: (config) => this.#applyMacsec(tunnel, config),
      accepted: (sci, an) =>
        totalsOf(tunnel).secy[countersAt.rxSa(tunnel.numbers!.indexOf(sci), an) + RxSaCounter.inPktsOk]!,
      inTurn: (step) => this.#inTurn(step),
    };
  }

  #endRotation(name: string): void {
    this.#rotations.get(name)?.stop();
    this.#rotations.delete(name);
  }

  #rotationOf(name: string): { an: number; state: string } | null {
    const rotation = this.#rotations.get(name);
    return rotation === undefined ? null : { an: rotation.an, state: rotation.state };
  }

  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(step, step);
    this.#queue = turn.catch(() => {});
    return turn;
  }

  #tunnel(name: string): Tunnel {
    const tunnel = this.#tunnels.get(name);
    if (tunnel !== undefined) return tunnel;
    throw new L2vpnError(
      'L2VPN_USAGE',
      `there is no tunnel "${name}"; tunnels are ${[...this.#tunnels.keys()].join(', ')}`,
    );
  }

  /** New numbers first, then the lanes, then the numbers that nobody uses any more. */
  async #applyMacsec(tunnel: Tunnel, macsec: MacsecConfig): Promise<void> {
    saveReceived(tunnel);
    const spec = tunnel.numbers!.configure(macsec);
    tunnel.config = { ...tunnel.config, macsec };
    tunnel.settling = true;
    await this.#workers?.configure(tunnel.config.name, spec);
    tunnel.settling = false;
    tunnel.numbers!.retire();
  }

  async #addTunnel(config: TunnelConfig, index: number): Promise<void> {
    const tunnel = openTunnel(config, index, this.#state);
    this.#tunnels.set(config.name, tunnel);
    await this.#workers?.add(tunnel.lanes);
    this.#tellTunnel(tunnel);
  }

  async #removeTunnel(name: string): Promise<void> {
    const tunnel = this.#tunnel(name);
    this.#endRotation(name);
    await this.#workers?.remove(name);
    this.#tunnels.delete(name);
    closeTunnel(tunnel, this.#clean);
    this.#log.info({ tunnel: name }, 'tunnel removed');
  }

  async #openServers(): Promise<void> {
    const control = await openControl(this.#config.controlSocket, {
      tunnels: () => this.snapshots(),
      reload: () => this.reload(),
      rotate: (name, body) => this.rotate(name, body),
    });
    this.#undo.push(() => closeServer(control));
    if (this.#config.metrics === null) return;
    const metrics = await openMetrics(
      this.#config.metrics.listen,
      createMetrics(() => this.snapshots()),
    );
    this.#undo.push(() => closeServer(metrics));
  }

  async #startWorkers(): Promise<void> {
    const lanes = [...this.#tunnels.values()].flatMap((tunnel) => tunnel.lanes);
    const count = workerCount(this.#config.workers, lanes.length);
    const workers = await Workers.start(lanes, count, this.#aead.provider.name, {
      pnLow: (tunnel) => this.#grant(tunnel),
      failed: (error) => this.#failWith(error),
    });
    this.#workers = workers;
    this.#undo.push(() => workers.stop());
  }

  /** Grants the next block of packet numbers: durable first, then the lanes may go on. */
  #grant(name: string): void {
    const tunnel = this.#tunnels.get(name);
    try {
      const tx = tunnel?.numbers?.txOf(tunnel.config.macsec?.encodingSa ?? 0);
      if (tx?.extend()) this.#workers?.wake();
    } catch (error) {
      this.#failWith(error);
    }
  }

  #failWith(error: unknown): void {
    this.#clean = false;
    this.#log.fatal(messageOf(error));
    this.#fail(error instanceof L2vpnError ? error.exitStatus : 70);
  }

  #followPath(tunnel: Tunnel): void {
    const lowerMtu = checkPath(tunnel);
    if (lowerMtu === null) return;
    const { name } = tunnel.config;
    const fits = tunnel.pathMtu - tunnel.overhead;
    const text =
      fits < tunnel.mtu
        ? `frames above ${fits} octets are dropped: lower the MTU of the hosts`
        : 'every frame fits';
    this.#log.warn(
      { tunnel: name, pathMtu: tunnel.pathMtu, mtu: tunnel.mtu },
      `the path MTU has changed; ${text}`,
    );
    this.#workers?.setMtu(name, lowerMtu).catch((error) => this.#failWith(error));
  }

  #tellTunnel(tunnel: Tunnel): void {
    const { config, numbers } = tunnel;
    const { tap, gre, macsec } = config;
    const fields = {
      tunnel: config.name,
      ifname: tap.ifname,
      mac: tunnel.mac,
      local: gre.local,
      remote: gre.remote,
      encap: gre.encap,
      mtu: tunnel.mtu,
      arithmetic: formatMtu(tunnel.arithmetic),
      ...(macsec === null
        ? {}
        : { sci: tunnel.sci, cipher: macsec.cipher, nextPn: numbers?.tx.map((tx) => tx.start) }),
    };
    this.#log.info(fields, 'tunnel up');
    for (const tx of numbers?.tx ?? []) {
      if (!tx.fresh) continue;
      const fresh = { tunnel: config.name, an: tx.an, pn: tx.start, stateDir: this.#config.stateDir };
      this.#log.info(fresh, 'no stored packet numbers for this key: starting at the configured one');
    }
  }

  #startTick(): void {
    const drops = new DropLog(this.#log);
    const pns = new PnWatch(this.#log);
    const timer = setInterval(() => {
      try {
        drops.tick(this.#tunnels.values(), performance.now());
        pns.tick(this.#tunnels.values(), performance.now());
        for (const tunnel of this.#tunnels.values()) {
          saveReceived(tunnel);
          this.#followPath(tunnel);
        }
      } catch (error) {
        this.#failWith(error);
      }
    }, TICK_MS);
    this.#undo.push(() => {
      clearInterval(timer);
      drops.tick(this.#tunnels.values(), Number.POSITIVE_INFINITY);
    });
  }
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
