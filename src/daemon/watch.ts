/**
 * Once a second: the tunnels' own upkeep, and in the log what was dropped, peers that are lost, packet numbers that run out
 * or begin again.
 */
import type { Logger } from 'pino';
import { DropLog } from '../report/drop-log.ts';
import { EndpointWatch } from '../report/endpoint-watch.ts';
import type { Figures } from '../report/figures.ts';
import type { PeerWatch } from '../report/peer-watch.ts';
import { RepeatWatch } from '../report/repeat-watch.ts';
import { type RotationView, RotationWatch } from '../report/rotation-watch.ts';
import type { Tunnels } from './tunnels.ts';

const TICK_MS = 1000;
/** As long as a path that has shrunk may swallow packets before it is noticed. */
const PATH_TICK_MS = 200;

/** Returns what stops it, with the drops that no line has been written about yet. */
export function startWatch(
  tunnels: Tunnels,
  log: Logger,
  { peers, figures }: { readonly peers: PeerWatch; readonly figures: Figures },
  failed: (error: unknown) => void,
): () => void {
  const drops = new DropLog(log);
  const repeats = new RepeatWatch(log);
  const endpoints = new EndpointWatch(log);
  const rotations = new RotationWatch(log);
  const pathTimer = setInterval(() => {
    try {
      tunnels.lookForPathErrors();
    } catch (error) {
      failed(error);
    }
  }, PATH_TICK_MS);
  const timer = setInterval(() => {
    try {
      // First of all: what is logged of a path is what it carries now.
      tunnels.tick();
      const nowMs = performance.now();
      const all = [...tunnels.all()];
      for (const report of [drops, peers, endpoints, figures, repeats]) report.tick(all, nowMs);
      rotations.tick(rotationsOf(tunnels));
    } catch (error) {
      failed(error);
    }
  }, TICK_MS);
  return () => {
    clearInterval(pathTimer);
    clearInterval(timer);
    drops.tick(tunnels.all(), Number.POSITIVE_INFINITY);
  };
}

function* rotationsOf(tunnels: Tunnels): Generator<RotationView> {
  for (const { tunnel, keys } of tunnels.keyed())
    yield { name: tunnel.name, rotation: keys?.rotation ?? null };
}
