/** Drops in the log: at most one line a reason and tunnel in ten seconds, with the counter's name and the likely cause. */
import type { Logger } from 'pino';
import { DROP_TEXTS, Drop } from '../frame/drop.ts';
import { totalsOf } from '../tunnel/totals.ts';
import type { Tunnel } from '../tunnel/tunnel.ts';

const QUIET_MS = 10_000;

interface Told {
  readonly frames: Float64Array;
  readonly ms: Float64Array;
}

export class DropLog {
  readonly #log: Logger;
  readonly #told = new WeakMap<Tunnel, Told>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Tells what has been dropped since the last line of the same reason. `nowMs` is monotonic. */
  tick(tunnels: Iterable<Tunnel>, nowMs: number): void {
    for (const tunnel of tunnels) this.#tell(tunnel, nowMs);
  }

  #tell(tunnel: Tunnel, nowMs: number): void {
    const told = this.#toldOf(tunnel);
    const { drops } = totalsOf(tunnel);
    DROP_TEXTS.forEach((text, reason) => {
      const fresh = drops[reason]! - told.frames[reason]!;
      if (fresh === 0 || nowMs - told.ms[reason]! < QUIET_MS) return;
      told.frames[reason] = drops[reason]!;
      told.ms[reason] = nowMs;
      const fields = {
        tunnel: tunnel.config.name,
        counter: text.name,
        direction: text.direction,
        frames: fresh,
      };
      this.#log.warn({ ...fields, ...sizes(tunnel, reason) }, `frames dropped: ${text.cause}`);
    });
  }

  #toldOf(tunnel: Tunnel): Told {
    const known = this.#told.get(tunnel);
    if (known !== undefined) return known;
    const { length } = DROP_TEXTS;
    const told = { frames: new Float64Array(length), ms: new Float64Array(length).fill(-QUIET_MS) };
    this.#told.set(tunnel, told);
    return told;
  }
}

/** The numbers that explain a frame that does not fit. */
function sizes(tunnel: Tunnel, reason: number): object {
  if (reason !== Drop.OutPktsTooLong && reason !== Drop.WireTooLong) return {};
  return { mtu: tunnel.mtu, pathMtu: tunnel.pathMtu, overhead: tunnel.overhead };
}
