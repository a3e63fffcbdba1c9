/** What the service manager hears of the daemon's life (`man 3 sd_notify`). */
import type { Logger } from 'pino';
import { messageOf } from '../errors.ts';
import { notifyServiceManager } from '../host/notify.ts';

export class ServiceManager {
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Never throws: a manager that cannot be reached is no reason to stop, nor to stay. */
  notify(text: 'READY=1' | 'RELOADING=1' | 'STOPPING=1' | `MAINPID=${number}`): void {
    try {
      notifyServiceManager(text);
    } catch (error) {
      this.#log.warn(`the service manager cannot be told ${text}: ${messageOf(error)}`);
    }
  }
}
