/**
 * Where a peer that may move is (`gre.remote: "dynamic"`): the first place and each other one, looked at
 * once a second; at most one line per tunnel in ten seconds.
 */
import type { Logger } from 'pino';
import type { TunnelView } from '../tunnel/view.ts';

const QUIET_MS = 10_000;

/** The endpoint that the log knows; null: none yet. */
interface Told {
  endpoint: string | null;
  ms: number;
  /** What the last look saw, and how often it was another than before since the last line. */
  seen: string | null;
  moves: number;
}

export class EndpointWatch {
  readonly #log: Logger;
  readonly #told = new WeakMap<TunnelView, Told>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Once a second. `nowMs` is monotonic. */
  tick(tunnels: Iterable<TunnelView>, nowMs: number): void {
    for (const tunnel of tunnels) if (tunnel.gre.remote === 'dynamic') this.#look(tunnel, nowMs);
  }

  #look(tunnel: TunnelView, nowMs: number): void {
    const told = this.#toldOf(tunnel);
    const { endpoint } = tunnel;
    if (endpoint !== told.seen) told.moves++;
    told.seen = endpoint;
    if (endpoint === null || told.moves === 0 || nowMs - told.ms < QUIET_MS) return;
    this.#tell(tunnel.name, told, endpoint);
    // The first place is no move: the next line need not wait for it.
    if (told.endpoint !== null) told.ms = nowMs;
    told.endpoint = endpoint;
    told.moves = 0;
  }

  #tell(tunnel: string, { endpoint: before, moves }: Told, endpoint: string): void {
    if (before === null) this.#log.info({ tunnel, endpoint }, `peer learned: packets go to ${endpoint}`);
    else if (before === endpoint) {
      this.#log.warn({ tunnel, endpoint, moves }, `peer moved ${moves} times, and is at ${endpoint} again`);
    } else {
      this.#log.info({ tunnel, before, endpoint, moves }, `peer moved: from ${before} to ${endpoint}`);
    }
  }

  #toldOf(tunnel: TunnelView): Told {
    const known = this.#told.get(tunnel);
    if (known !== undefined) return known;
    const told: Told = { endpoint: null, ms: Number.NEGATIVE_INFINITY, seen: null, moves: 0 };
    this.#told.set(tunnel, told);
    return told;
  }
}
