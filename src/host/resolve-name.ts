/**
 * Host names to addresses, as every other program of this host has them: getaddrinfo(3), by /etc/hosts, nsswitch.conf,
 * search domains and all. c-ares, which Node has beside it, knows DNS alone. The price is a thread of libuv's pool per
 * question, for as long as a dead name server lets it wait; the state directory is written by the same four threads. So
 * only so many questions are asked at once, and the others wait here.
 */
import { lookup } from 'node:dns/promises';
import { L2vpnError } from '../errors.ts';

/** Half of libuv's pool. */
export const ASKED_AT_ONCE = 2;

/** Asks the system. Rejects with what getaddrinfo says. */
export type Lookup = (name: string, family: 0 | 4 | 6) => Promise<readonly string[]>;

export class NameResolver {
  readonly #lookup: Lookup;
  readonly #waiting: (() => void)[] = [];
  #asked = 0;

  constructor(lookUp: Lookup = systemLookup) {
    this.#lookup = lookUp;
  }

  /** The addresses of `name`, best first (RFC 6724); `family` 0: of both. Rejects with L2VPN_UNAVAILABLE, which says why. */
  async resolve(name: string, family: 0 | 4 | 6): Promise<readonly string[]> {
    if (this.#asked === ASKED_AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#asked++;
    try {
      return await this.#lookup(name, family);
    } catch (cause) {
      throw new L2vpnError('L2VPN_UNAVAILABLE', reasonOf(cause, family), { cause });
    } finally {
      // Who waits takes this place.
      const next = this.#waiting.shift();
      if (next === undefined) this.#asked--;
      else next();
    }
  }
}

async function systemLookup(name: string, family: 0 | 4 | 6): Promise<readonly string[]> {
  const found = await lookup(name, { all: true, family, order: 'verbatim' });
  return [...new Set(found.map(({ address }) => address))];
}

function reasonOf(cause: unknown, family: 0 | 4 | 6): string {
  // Those of getaddrinfo (EAI_AGAIN) are no errno.
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (code === 'ENOTFOUND')
    return `no such name, or it has no ${family === 0 ? 'IP' : `IPv${family}`} address`;
  return code === 'EAI_AGAIN' ? 'no name server answers' : `the system says ${code || 'no more than that'}`;
}
