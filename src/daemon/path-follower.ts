/** What is learned of the paths of all tunnels: it is told, and their lanes go by it. */
import type { Logger } from 'pino';
import { messageOf } from '../errors.ts';
import type { PathNews } from '../tunnel/path.ts';
import { PathErrors } from '../tunnel/path-errors.ts';
import type { Tunnel } from '../tunnel/tunnel.ts';
import { logPath } from './tunnel-log.ts';

export interface PathFollowerContext {
  readonly log: Logger;
  all(): Iterable<Tunnel>;
  /** The limit of its lanes below the SecY, in octets. */
  setMtu(tunnel: Tunnel, lowerMtu: number): void;
}

export class PathFollower {
  readonly #context: PathFollowerContext;
  readonly #errors = new PathErrors<Tunnel>();
  /** ICMP cannot be heard; it is said once. */
  #isDeaf = false;

  constructor(context: PathFollowerContext) {
    this.#context = context;
  }

  /** ICMP is heard for the tunnel's path from now on, if it is followed. */
  listen({ gre }: Tunnel): void {
    if (!gre.df || this.#isDeaf) return;
    try {
      this.#errors.listen(gre.family);
    } catch (error) {
      this.#isDeaf = true;
      const text = `the path's MTU is not followed, as ICMP cannot be heard (needs CAP_NET_RAW): ${messageOf(error)}`;
      this.#context.log.warn(text);
    }
  }

  /** Several times per second: what ICMP says of paths. */
  lookForErrors(): void {
    const followed = (tunnel: Tunnel, news: readonly PathNews[]): void => this.follow(tunnel, news);
    this.#errors.look(() => this.#context.all(), performance.now(), followed);
  }

  follow(tunnel: Tunnel, news: readonly PathNews[]): void {
    logPath(this.#context.log, tunnel, news);
    const { lowerMtu } = tunnel;
    if (lowerMtu === null || news.every(({ kind }) => kind === 'ignored')) return;
    this.#context.setMtu(tunnel, lowerMtu);
  }

  close(): void {
    this.#errors.close();
  }
}
