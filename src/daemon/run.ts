/**
 * The control plane. Start: AEAD provider and its self-test, state directory, tunnels, control socket and metrics,
 * workers, ready. Then a tick a second: progress stored, drops logged. Stop, by signal or by a fault: workers drain,
 * numbers are stored, TAPs go. Whatever fails at the start undoes what was done, in reverse order.
 */
import type { Logger } from 'pino';
import { type AeadChoice, selectProvider } from '../aead/select.ts';
import { formatMtu } from '../config/overhead.ts';
import type { Config } from '../config/types.ts';
import { L2vpnError, messageOf } from '../errors.ts';
import { hardenProcess, lockFile, notifyServiceManager } from '../io/process.ts';
import { openState } from '../state/state.ts';
import { closeControl, openControl } from './control.ts';
import { DropLog } from './drop-log.ts';
import { type LogFormat, openLog } from './log.ts';
import { createMetrics, openMetrics } from './metrics.ts';
import { snapshotOf, type TunnelSnapshot } from './snapshot.ts';
import { closeTunnel, openTunnel, saveReceived, type Tunnel } from './tunnel.ts';
import { Workers, workerCount } from './workers.ts';

export interface DaemonOptions {
  readonly configPath: string;
  readonly logFormat: LogFormat;
}

const TICK_MS = 1000;

/** Runs until SIGTERM or SIGINT (0) or a fault (its exit status). Throws L2vpnError when it cannot start. */
export async function runDaemon(config: Config, options: DaemonOptions): Promise<number> {
  hardenProcess();
  const log = openLog(config.log.level, options.logFormat);
  const daemon = new Daemon(config, log);
  const signal = new Promise<number>((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) {
      process.once(name, () => {
        log.info({ signal: name }, 'stopping');
        resolve(0);
      });
    }
  });
  try {
    await daemon.start(options.configPath);
    return await Promise.race([signal, daemon.failed]);
  } finally {
    notifyServiceManager('STOPPING=1');
    await daemon.stop();
    log.info('stopped');
  }
}

class Daemon {
  /** Resolves with the exit status when something has failed that the daemon cannot go on without. */
  readonly failed: Promise<number>;
  readonly #config: Config;
  readonly #log: Logger;
  readonly #undo: (() => void | Promise<void>)[] = [];
  readonly #tunnels: Tunnel[] = [];
  #workers: Workers | null = null;
  /** No worker has failed: what the lanes published is exact. */
  #clean = true;
  #fail!: (status: number) => void;

  constructor(config: Config, log: Logger) {
    this.#config = config;
    this.#log = log;
    this.failed = new Promise((resolve) => {
      this.#fail = resolve;
    });
  }

  async start(configPath: string): Promise<void> {
    const config = this.#config;
    const aead = selectProvider(config.crypto);
    this.#log.info(startFields(configPath, aead), 'starting');
    const state = openState(config.stateDir, lockFile);
    config.tunnels.forEach((tunnel, index) => {
      const open = openTunnel(tunnel, index, state);
      this.#tunnels.push(open);
      this.#undo.push(() => closeTunnel(open, this.#clean));
    });
    await this.#openServers(() => this.#tunnels.map((tunnel) => snapshotOf(tunnel, aead.provider.name)));
    await this.#startWorkers(aead);
    for (const tunnel of this.#tunnels) this.#tellTunnel(tunnel);
    this.#startTick();
    this.#log.info({ tunnels: this.#tunnels.length, workers: this.#workers?.count }, 'ready');
    notifyServiceManager('READY=1');
  }

  /** Undoes the start, last first. A step that fails is told and the others follow. */
  async stop(): Promise<void> {
    for (const step of this.#undo.splice(0).reverse()) {
      try {
        await step();
      } catch (error) {
        this.#log.error(messageOf(error));
      }
    }
  }

  async #openServers(tunnels: () => TunnelSnapshot[]): Promise<void> {
    const control = await openControl(this.#config.controlSocket, { tunnels });
    this.#undo.push(() => closeControl(control));
    if (this.#config.metrics === null) return;
    const metrics = await openMetrics(this.#config.metrics.listen, createMetrics(tunnels));
    this.#undo.push(() => closeControl(metrics));
  }

  async #startWorkers(aead: AeadChoice): Promise<void> {
    const lanes = this.#tunnels.flatMap((tunnel) => tunnel.lanes);
    const count = workerCount(this.#config.workers, lanes.length);
    const workers = await Workers.start(lanes, count, aead.provider.name, {
      pnLow: (tunnel) => this.#grant(tunnel),
      failed: (error) => this.#failWith(error),
    });
    this.#workers = workers;
    this.#undo.push(() => workers.stop());
  }

  /** Grants the next block of packet numbers: durable first, then the lanes may go on. */
  #grant(name: string): void {
    const tunnel = this.#tunnels.find(({ config }) => config.name === name);
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

  #tellTunnel(tunnel: Tunnel): void {
    const { config } = tunnel;
    const fields = {
      tunnel: config.name,
      ifname: config.tap.ifname,
      mac: tunnel.mac,
      local: config.gre.local,
      remote: config.gre.remote,
      encap: config.gre.encap,
      mtu: tunnel.mtu,
      arithmetic: formatMtu(tunnel.arithmetic),
      ...(config.macsec === null
        ? {}
        : {
            sci: tunnel.sci,
            cipher: config.macsec.cipher,
            nextPn: tunnel.numbers?.tx.map((tx) => tx.start),
          }),
    };
    this.#log.info(fields, 'tunnel up');
    if (config.macsec === null) {
      this.#log.warn(
        { tunnel: config.name },
        'macsec is null: frames travel in clear, anybody on the path can read and change them',
      );
    } else if (config.tap.mac === null) {
      this.#log.warn(
        { tunnel: config.name, sci: tunnel.sci },
        'tap.mac is not set: the SCI is new at every start, and the peer must know it',
      );
    }
    for (const tx of tunnel.numbers?.tx ?? []) {
      if (tx.fresh)
        this.#log.info(
          { tunnel: config.name, an: tx.an, pn: tx.start, stateDir: this.#config.stateDir },
          'no stored packet numbers for this key: starting at the configured one',
        );
    }
  }

  #startTick(): void {
    const drops = new DropLog(this.#log, this.#tunnels);
    const timer = setInterval(() => {
      try {
        drops.tick(performance.now());
        for (const tunnel of this.#tunnels) saveReceived(tunnel);
      } catch (error) {
        this.#failWith(error);
      }
    }, TICK_MS);
    this.#undo.push(() => {
      clearInterval(timer);
      drops.tick(Number.POSITIVE_INFINITY);
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
