/** Once a second: the tunnels' own upkeep, and in the log what was dropped, peers that are lost, packet numbers that run out. */
import type { Logger } from 'pino';
import { DropLog } from '../report/drop-log.ts';
import type { PeerWatch } from '../report/peer-watch.ts';
import { PnWatch } from '../report/pn-watch.ts';
import type { Tunnels } from './tunnels.ts';

const TICK_MS = 1000;

/** Returns what stops it, with the drops that no line has been written about yet. */
export function startWatch(
  tunnels: Tunnels,
  log: Logger,
  peers: PeerWatch,
  failed: (error: unknown) => void,
): () => void {
  const drops = new DropLog(log);
  const pns = new PnWatch(log);
  const timer = setInterval(() => {
    try {
      // First of all: what is logged of a path is what it carries now.
      tunnels.tick();
      const nowMs = performance.now();
      for (const report of [drops, peers, pns]) report.tick(tunnels.all(), nowMs);
    } catch (error) {
      failed(error);
    }
  }, TICK_MS);
  return () => {
    clearInterval(timer);
    drops.tick(tunnels.all(), Number.POSITIVE_INFINITY);
  };
}
