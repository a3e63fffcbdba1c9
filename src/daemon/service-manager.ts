/** What the service manager hears of the daemon's life (`man 3 sd_notify`). */
import type { Logger } from 'pino';
import { messageOf } from '../errors.ts';
import { hasServiceManager, notifyServiceManager } from '../host/notify.ts';
import { startWatchdog, watchdogMs } from './watchdog.ts';

/** What there is to tell of a daemon that runs. */
export interface Managed {
  /** How it is, for people: one line. */
  statusLine(): string;
  /** Those of its workers that have not turned since the last call. */
  stuckWorkers(): number[];
}

const STATUS_MS = 5000;

type State =
  | `MAINPID=${number}`
  | 'READY=1'
  | 'RELOADING=1'
  | 'STOPPING=1'
  | 'WATCHDOG=1'
  | `STATUS=${string}`;

export class ServiceManager {
  readonly #log: Logger;
  #isStopping = false;
  #end: () => void = () => {};

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Never throws: a manager that cannot be reached is no reason to stop, nor to stay. */
  notify(text: State): void {
    try {
      notifyServiceManager(text);
    } catch (error) {
      this.#log.warn(`the service manager cannot be told ${text}: ${messageOf(error)}`);
    }
  }

  /** From READY on: its status every few seconds, and its watchdog, if it has one for this process. */
  follow(daemon: Managed): void {
    if (!hasServiceManager()) return;
    const tell = (): void => this.notify(`STATUS=${daemon.statusLine()}`);
    tell();
    const status = setInterval(() => {
      if (!this.#isStopping) tell();
    }, STATUS_MS);
    const periodMs = watchdogMs();
    const endWatchdog = periodMs === null ? () => {} : this.#watch(daemon, periodMs);
    this.#end = () => {
      clearInterval(status);
      endWatchdog();
    };
  }

  /** The stop is under way: workers that have ended are none that hang. */
  stopping(): void {
    this.#isStopping = true;
    this.notify('STOPPING=1');
  }

  /** Nothing more is told. */
  close(): void {
    this.#end();
  }

  #watch(daemon: Managed, periodMs: number): () => void {
    const watched = {
      stuckWorkers: () => (this.#isStopping ? [] : daemon.stuckWorkers()),
      feed: () => this.notify('WATCHDOG=1'),
    };
    return startWatchdog(periodMs, watched, this.#log);
  }
}
