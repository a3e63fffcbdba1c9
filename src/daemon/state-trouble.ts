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
  /** By tunnel and trouble: what was told last. */
  readonly #told = new Map<string, Map<Trouble, string>>();

  constructor(log: Logger) {
    this.#log = log;
  }

  has(tunnel: string, trouble: Trouble): boolean {
    return this.#told.get(tunnel)?.has(trouble) ?? false;
  }

  /** `tunnel` is empty for what is about all. */
  tell(tunnel: string, trouble: Trouble, error: unknown): void {
    const text = messageOf(error);
    const told = this.#told.get(tunnel) ?? new Map<Trouble, string>();
    if (told.get(trouble) === text) return;
    this.#told.set(tunnel, told.set(trouble, text));
    this.#log.error(fields(tunnel), `${text}: ${CONSEQUENCE[trouble]}`);
  }

  over(tunnel: string, trouble: Trouble): void {
    if (!this.#told.get(tunnel)?.delete(trouble)) return;
    this.#log.warn(fields(tunnel), 'packet numbers are stored again');
  }

  /** The tunnel has gone, and its troubles with it. */
  forget(tunnel: string): void {
    this.#told.delete(tunnel);
  }
}

function fields(tunnel: string): object {
  return tunnel === '' ? {} : { tunnel };
}
