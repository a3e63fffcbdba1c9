/** What is done with the path of a tunnel, whichever it is at the moment: probes of a peer that answers them, and their news. */
import type { SearchClock } from '../path/search.ts';
import type { PathNews, TunnelPath } from './path.ts';

export interface PathUseContext {
  /** Octets of an outer packet before the frame in it. */
  lead(): number;
  /** Whether user data has gone out since this was last asked. */
  isBusy(): boolean;
}

/** What sends probes of the path: frames of so many octets. */
interface FrameProber {
  probe(frameLen: number): void;
  readonly clock: SearchClock;
}

export class PathUse {
  readonly #context: PathUseContext;
  #path: TunnelPath;
  /** Null: the peer does not answer. */
  #prober: FrameProber | null = null;
  #told: (news: PathNews[]) => void = () => {};

  constructor(path: TunnelPath, context: PathUseContext) {
    this.#path = path;
    this.#context = context;
  }

  /** The tunnel goes another way, of which nothing is known yet. */
  moveTo(path: TunnelPath): void {
    this.#path.stopProbing(performance.now());
    this.#path = path;
    path.onNews(this.#told);
    this.#probe();
  }

  /** `listener` hears what probes find. */
  onNews(listener: (news: PathNews[]) => void): void {
    this.#told = listener;
    this.#path.onNews(listener);
  }

  /** The peer answers probes, which `probe` sends as frames of so many octets; null: it does not, or not any more. */
  probeBy(probe: ((frameLen: number) => void) | null, clock: SearchClock): void {
    this.#prober = probe === null ? null : { probe, clock };
    if (probe === null) this.#path.stopProbing(performance.now());
    else this.#probe();
  }

  /** A probe that was a frame of `frameLen` octets has come to the peer. */
  answered(frameLen: number): void {
    this.#path.probeAnswered(frameLen + this.#context.lead());
  }

  close(): void {
    this.#prober = null;
    this.#path.stopProbing(performance.now());
  }

  #probe(): void {
    const prober = this.#prober;
    if (prober === null) return;
    this.#path.probeBy({
      clock: prober.clock,
      probe: (octets) => prober.probe(octets - this.#context.lead()),
      isBusy: () => this.#context.isBusy(),
    });
  }
}
