/** The daemon as a process: signals, service manager, faults that nobody caught, exit status. */
import type { Logger } from 'pino';
import { messageOf } from '../errors.ts';
import { exitNow, openFilesLimit } from '../host/process.ts';
import { type HeldSignal, takeSignals } from '../host/signals.ts';
import type { Daemon } from './daemon.ts';
import { installLastResort } from './last-resort.ts';
import type { Log } from './log.ts';
import { ServiceManager } from './service-manager.ts';

export interface DaemonOptions {
  readonly log: Log;
  /** Says what ended the daemon; returns the exit status that it stands for. */
  readonly tellFatal: (error: unknown) => number;
  /** Called when it is ready. */
  readonly started: () => void;
  /** Flushes the log; resolves with `status`, or ends the process where the log cannot be written. */
  readonly end: (status: number) => Promise<number>;
}

/**
 * Runs until SIGTERM or SIGINT (0) or a fault (its exit status, told). A signal that came during the start counts:
 * one to end ends it as soon as it stands, SIGHUP makes it read its file again.
 */
export async function runDaemon(daemon: Daemon, options: DaemonOptions): Promise<number> {
  const log = options.log.logger;
  let stopped: Promise<void> | null = null;
  const stop = (leaves = false): Promise<void> => (stopped ??= daemon.stop(leaves));
  const uninstall = installLastResort(log, stop, (status) => void options.end(status).then(process.exit));
  const manager = new ServiceManager(log);
  const signals = new DaemonSignals(daemon, log, manager);
  daemon.onHandedOver = (pid) => manager.notify(`MAINPID=${pid}`);
  log.debug({ openFiles: openFilesLimit() }, 'limit of open files');
  try {
    if (signals.ending) return 0;
    await daemon.start();
    if (signals.ending) return 0;
    manager.notify('READY=1');
    manager.follow(daemon);
    signals.ready();
    options.started();
    return await Promise.race([signals.end, daemon.failed, daemon.handedOver]);
  } catch (error) {
    return options.tellFatal(error);
  } finally {
    signals.close();
    if (!daemon.isGuest) manager.stopping();
    await stop(signals.ending);
    manager.close();
    log.info(daemon.isGuest ? 'ended; another process runs the tunnels' : 'stopped');
    uninstall();
    // What it shares with the process that runs them is that one's alone now; its workers wait for nothing that comes.
    if (daemon.hasHandedOver) await options.end(0).then(exitNow);
  }
}

class DaemonSignals {
  /** Resolves with 0 at the first signal to end. */
  readonly end: Promise<number>;
  ending = false;
  readonly #daemon: Daemon;
  readonly #log: Logger;
  readonly #manager: ServiceManager;
  #resolve!: (status: number) => void;
  #state: 'starting' | 'ready' | 'closed' = 'starting';
  /** SIGHUP came before the daemon was ready; the file may have changed since it was read. */
  #reloadWanted = false;

  constructor(daemon: Daemon, log: Logger, manager: ServiceManager) {
    this.#daemon = daemon;
    this.#log = log;
    this.#manager = manager;
    this.end = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    takeSignals((signal) => this.#receive(signal));
  }

  ready(): void {
    this.#state = 'ready';
    if (this.#reloadWanted) this.#reload();
  }

  /** From now on a signal changes nothing: the stop is under way. */
  close(): void {
    this.#state = 'closed';
  }

  #receive(signal: HeldSignal): void {
    if (signal === 'SIGHUP') {
      if (this.#state === 'ready') this.#reload();
      else this.#reloadWanted = true;
      return;
    }
    if (!this.ending) this.#log.info({ signal }, 'stopping');
    this.ending = true;
    this.#daemon.cancel();
    this.#resolve(0);
  }

  #reload(): void {
    this.#manager.notify('RELOADING=1');
    this.#daemon
      .reload()
      .catch((error) => this.#log.error(`not reloaded, everything stays as it was: ${messageOf(error)}`))
      .finally(() => {
        if (this.#state === 'ready' && !this.#daemon.isGuest) this.#manager.notify('READY=1');
      });
  }
}
