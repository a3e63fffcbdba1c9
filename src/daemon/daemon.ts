/**
 * The control plane: what starts and stops in which order, and what a reload does. Start: AEAD provider and its
 * self-test, state directory, tunnels, control socket and metrics, workers. Then a tick a second: progress stored,
 * drops logged. Whatever fails at the start undoes what was done, in reverse order; so does the stop.
 */
import type { Logger } from 'pino';
import { closeServer, openControl } from '../api/server.ts';
import type { TunnelSnapshot } from '../api/tunnel.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/types.ts';
import { configWarnings } from '../config/warnings.ts';
import { type AeadChoice, selectProvider } from '../crypto/select.ts';
import { L2vpnError, messageOf } from '../errors.ts';
import { lockFile } from '../host/process.ts';
import { type InTurn, Rotations } from '../keys/rotations.ts';
import { DropLog } from '../report/drop-log.ts';
import { createMetrics, openMetrics } from '../report/metrics.ts';
import { PnWatch } from '../report/pn-watch.ts';
import { snapshotOf } from '../report/snapshot.ts';
import { openState } from '../state/state.ts';
import { changedMacsec, planReload, type ReloadPlan } from './reload.ts';
import { Tunnels } from './tunnels.ts';

const TICK_MS = 1000;

export class Daemon {
  /** Resolves with the exit status when something has failed that the daemon cannot go on without. */
  readonly failed: Promise<number>;
  readonly #configPath: string;
  readonly #log: Logger;
  readonly #undo: (() => void | Promise<void>)[] = [];
  /** As loaded last, from the file, less what could not be applied. */
  #config: Config;
  #aead!: AeadChoice;
  #tunnels!: Tunnels;
  #rotations!: Rotations;
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
    const state = openState(config.stateDir, lockFile);
    this.#tunnels = new Tunnels(this.#log, state, config.stateDir, this.#failWith);
    this.#rotations = new Rotations(this.#log, this.#tunnels, this.#inTurn, this.#failWith);
    this.#undo.push(() => this.#tunnels.closeAll(this.#clean));
    this.#tunnels.openAll(config.tunnels);
    await this.#openServers();
    const workers = await this.#tunnels.start(config.workers, this.#aead.provider.name);
    this.#undo.push(() => this.#tunnels.stop());
    this.#startTick();
    this.#log.info({ tunnels: this.#tunnels.size, workers }, 'ready');
  }

  /** Undoes the start, last first. A step that fails is told and the others follow. */
  async stop(): Promise<void> {
    this.#rotations?.stop();
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
    return [...this.#tunnels.all()].map((tunnel) => ({
      ...snapshotOf(tunnel, this.#aead.provider.name),
      rotation: this.#rotations.of(tunnel.config.name),
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
        const { config: was } = this.#tunnels.get(name);
        const index = this.#config.tunnels.findIndex((one) => one.name === name);
        await this.#removeTunnel(name);
        undo.push(() => this.#tunnels.add(was, index));
      }
      for (const change of plan.macsec) {
        const tunnel = this.#tunnels.get(change.name);
        const was = tunnel.config.macsec!;
        await this.#tunnels.configure(tunnel, changedMacsec(was, change));
        undo.push(() => this.#tunnels.configure(tunnel, was));
      }
      for (const tunnel of plan.add) {
        await this.#tunnels.add(tunnel, config.tunnels.indexOf(tunnel));
        undo.push(() => this.#removeTunnel(tunnel.name));
      }
    } catch (error) {
      for (const step of undo.reverse()) await step().catch(this.#failWith);
      throw error;
    }
    for (const { name, keys } of plan.macsec) if (keys) this.#rotations.end(name);
  }

  async #removeTunnel(name: string): Promise<void> {
    this.#rotations.end(name);
    await this.#tunnels.remove(name, this.#clean);
  }

  readonly #inTurn: InTurn = (step) => {
    const turn = this.#queue.then(step, step);
    this.#queue = turn.catch(() => {});
    return turn;
  };

  async #openServers(): Promise<void> {
    const control = await openControl(this.#config.controlSocket, {
      tunnels: () => this.snapshots(),
      reload: () => this.reload(),
      rotate: (name, body) => this.#rotations.rotate(name, body),
    });
    this.#undo.push(() => closeServer(control));
    if (this.#config.metrics === null) return;
    const metrics = await openMetrics(
      this.#config.metrics.listen,
      createMetrics(() => this.snapshots()),
    );
    this.#undo.push(() => closeServer(metrics));
  }

  readonly #failWith = (error: unknown): void => {
    this.#clean = false;
    this.#log.fatal(messageOf(error));
    this.#fail(error instanceof L2vpnError ? error.exitStatus : 70);
  };

  #startTick(): void {
    const drops = new DropLog(this.#log);
    const pns = new PnWatch(this.#log);
    const timer = setInterval(() => {
      try {
        drops.tick(this.#tunnels.all(), performance.now());
        pns.tick(this.#tunnels.all(), performance.now());
        this.#tunnels.tick();
      } catch (error) {
        this.#failWith(error);
      }
    }, TICK_MS);
    this.#undo.push(() => {
      clearInterval(timer);
      drops.tick(this.#tunnels.all(), Number.POSITIVE_INFINITY);
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
