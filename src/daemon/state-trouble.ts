/**
 * Packet numbers that cannot be stored for now: told when it begins, when the cause changes and when it is over, not at
 * each try in between.
 */
import type { Logger } from 'pino';
import { messageOf } from '../errors.ts';

/** `grant`: the lanes get no further numbers; `store`: a restart would not know how far things have come. */
export type Trouble = 'grant' | 'store';

const CONSEQUENCE: Readonly<Record<Trouble, string>> = {
  grant: 'nothing is sent once the numbers at hand are used; trying again each second',
  store: 'trying again each second',
};

export class StateTrouble {
  readonly #log: Logger;
  readonly #told = new Map<string, string>();

  constructor(log: Logger) {
    this.#log = log;
  }

  has(tunnel: string, trouble: Trouble): boolean {
    return this.#told.has(`${tunnel} ${trouble}`);
  }

  tell(tunnel: string, trouble: Trouble, error: unknown): void {
    const text = messageOf(error);
    const key = `${tunnel} ${trouble}`;
    if (this.#told.get(key) === text) return;
    this.#told.set(key, text);
    this.#log.error({ tunnel }, `${text}: ${CONSEQUENCE[trouble]}`);
  }

  over(tunnel: string, trouble: Trouble): void {
    if (!this.#told.delete(`${tunnel} ${trouble}`)) return;
    this.#log.warn({ tunnel }, 'packet numbers are stored again');
  }
}
