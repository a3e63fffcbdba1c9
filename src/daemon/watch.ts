/** Once a second: what was dropped is logged, packet numbers that run out or begin again, the tunnels' own upkeep. */
import type { Logger } from 'pino';
import { DropLog } from '../report/drop-log.ts';
import { PnWatch } from '../report/pn-watch.ts';
import { RepeatWatch } from '../report/repeat-watch.ts';
import type { Tunnels } from './tunnels.ts';

const TICK_MS = 1000;

/** Returns what stops it, with the drops that no line has been written about yet. */
export function startWatch(tunnels: Tunnels, log: Logger, failed: (error: unknown) => void): () => void {
  const drops = new DropLog(log);
  const pns = new PnWatch(log);
  const repeats = new RepeatWatch(log);
  const timer = setInterval(() => {
    try {
      // First of all: what is logged of a path is what it carries now.
      tunnels.tick();
      drops.tick(tunnels.all(), performance.now());
      pns.tick(tunnels.all(), performance.now());
      repeats.tick(tunnels.all(), performance.now());
    } catch (error) {
      failed(error);
    }
  }, TICK_MS);
  return () => {
    clearInterval(timer);
    drops.tick(tunnels.all(), Number.POSITIVE_INFINITY);
  };
}
