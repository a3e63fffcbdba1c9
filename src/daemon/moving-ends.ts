/** Tunnels whose peer has a name, or whose local address is any: they go over to other ends as those are found. */
import type { Logger } from 'pino';
import type { Silence } from '../tunnel/ends-finder.ts';
import type { Fitting } from '../tunnel/fitting.ts';
import type { InTurn } from '../tunnel/in-turn.ts';
import type { OuterEnds } from '../tunnel/outer-ends.ts';
import type { Tunnel } from '../tunnel/tunnel.ts';
import { logNotices } from './tunnel-log.ts';

export interface MovingEndsContext {
  readonly log: Logger;
  readonly inTurn: InTurn;
  /** How the peer of a tunnel is heard. `nowMs` is monotonic. */
  silenceOf(tunnel: Tunnel, nowMs: number): Silence;
  /** The tunnel runs, and its lanes may be exchanged. */
  runs(tunnel: Tunnel): boolean;
  /** Rejects with an L2vpnError. */
  refit(tunnel: Tunnel, fitting: Fitting): Promise<void>;
  /** Something has failed that the daemon cannot go on without. */
  failed(error: unknown): void;
}

export class MovingEnds {
  readonly #context: MovingEndsContext;
  /** Those that are about to go over to other ends. */
  readonly #moving = new WeakSet<Tunnel>();

  constructor(context: MovingEndsContext) {
    this.#context = context;
  }

  /** Other ends than those in use are gone over to, in their turn. */
  look(tunnel: Tunnel): void {
    const { log, inTurn, failed } = this.#context;
    if (tunnel.ends === null || !this.#context.runs(tunnel)) return;
    const isFound = this.#find(tunnel) !== null;
    logNotices(log, tunnel.name, tunnel.endsNotices());
    if (!isFound || this.#moving.has(tunnel)) return;
    this.#moving.add(tunnel);
    inTurn(() => this.#move(tunnel))
      .catch((error: unknown) => failed(error))
      .finally(() => this.#moving.delete(tunnel));
  }

  /** What was found may be another when its turn has come. */
  async #move(tunnel: Tunnel): Promise<void> {
    const ends = this.#find(tunnel);
    if (ends === null) return;
    try {
      await this.#context.refit(tunnel, tunnel.planTo(ends));
    } catch (error) {
      tunnel.refuseEnds(performance.now(), error);
    }
    logNotices(this.#context.log, tunnel.name, tunnel.endsNotices());
  }

  #find(tunnel: Tunnel): OuterEnds | null {
    if (!this.#context.runs(tunnel)) return null;
    const nowMs = performance.now();
    return tunnel.findEnds(nowMs, this.#context.silenceOf(tunnel, nowMs));
  }
}
