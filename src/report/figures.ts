/** What is made of the counters once a second and kept in bounded memory, for whoever asks in between. */
import type { Logger } from 'pino';
import type { PathReport } from '../link/path-report.ts';
import type { TunnelView } from '../tunnel/view.ts';
import { type LaneSpeeds, LaneWatch } from './lane-watch.ts';
import { PathWatch } from './path-watch.ts';
import { type PnUsage, PnWatch } from './pn-watch.ts';

export interface TunnelFigures {
  /** What the path to here loses; null: nothing tells. */
  readonly path: PathReport | null;
  readonly speeds: LaneSpeeds | null;
  /** Null: nothing is transmitted with packet numbers. */
  readonly pn: PnUsage | null;
}

export const NO_FIGURES: TunnelFigures = { path: null, speeds: null, pn: null };

export class Figures {
  readonly #paths = new PathWatch();
  readonly #lanes = new LaneWatch();
  readonly #pns: PnWatch;

  constructor(log: Logger) {
    this.#pns = new PnWatch(log);
  }

  /** Once a second. `nowMs` is monotonic. */
  tick(tunnels: readonly TunnelView[], nowMs: number): void {
    for (const watch of [this.#paths, this.#lanes, this.#pns]) watch.tick(tunnels, nowMs);
  }

  of(tunnel: TunnelView): TunnelFigures {
    return {
      path: this.pathOf(tunnel),
      speeds: this.#lanes.speedsOf(tunnel),
      pn: this.#pns.usageOf(tunnel),
    };
  }

  pathOf(tunnel: TunnelView): PathReport | null {
    return this.#paths.reportOf(tunnel);
  }
}
