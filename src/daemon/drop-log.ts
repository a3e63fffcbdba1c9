/** Drops in the log: at most one line a reason and tunnel in ten seconds, with the counter's name and the likely cause. */
import type { Logger } from 'pino';
import { DROP_TEXTS, Drop } from '../datapath/drop.ts';
import { totalsOf } from './snapshot.ts';
import type { Tunnel } from './tunnel.ts';

const QUIET_MS = 10_000;

export class DropLog {
  readonly #log: Logger;
  readonly #tunnels: readonly { tunnel: Tunnel; told: Float64Array; toldMs: Float64Array }[];

  constructor(log: Logger, tunnels: readonly Tunnel[]) {
    this.#log = log;
    this.#tunnels = tunnels.map((tunnel) => ({
      tunnel,
      told: new Float64Array(DROP_TEXTS.length),
      toldMs: new Float64Array(DROP_TEXTS.length).fill(-QUIET_MS),
    }));
  }

  /** Tells what has been dropped since the last line of the same reason. `nowMs` is monotonic. */
  tick(nowMs: number): void {
    for (const { tunnel, told, toldMs } of this.#tunnels) {
      const { drops } = totalsOf(tunnel);
      DROP_TEXTS.forEach((text, reason) => {
        const fresh = drops[reason]! - told[reason]!;
        if (fresh === 0 || nowMs - toldMs[reason]! < QUIET_MS) return;
        told[reason] = drops[reason]!;
        toldMs[reason] = nowMs;
        const fields = {
          tunnel: tunnel.config.name,
          counter: text.name,
          direction: text.direction,
          frames: fresh,
        };
        this.#log.warn({ ...fields, ...sizes(tunnel, reason) }, `frames dropped: ${text.cause}`);
      });
    }
  }
}

/** The numbers that explain a frame that does not fit. */
function sizes(tunnel: Tunnel, reason: number): object {
  if (reason !== Drop.OutPktsTooLong && reason !== Drop.WireTooLong) return {};
  return { mtu: tunnel.mtu, pathMtu: tunnel.pathMtu, overhead: tunnel.overhead };
}
