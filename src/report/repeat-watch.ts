/**
 * Peers whose packet numbers begin again at 1: an error once per episode, and a line when it is over. Anybody can forge
 * what it goes by, so that a receive SA gets one such error in ten seconds at most.
 */
import type { Logger } from 'pino';
import type { BeganAgainSnapshot } from '../api/tunnel.ts';
import type { SecyView, TunnelView } from '../tunnel/view.ts';
import { acceptedBySa, beganAgain } from './seen.ts';

const QUIET_MS = 10_000;

/** What was told of an RxSA. */
interface Told {
  readonly sci: string;
  readonly an: number;
  /** Frames that it had accepted then. */
  readonly accepted: number;
  readonly ms: number;
  holds: boolean;
}

export class RepeatWatch {
  readonly #log: Logger;
  /** By SCI and AN. */
  readonly #told = new WeakMap<TunnelView, Map<string, Told>>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** `nowMs` is monotonic. */
  tick(tunnels: Iterable<TunnelView>, nowMs: number): void {
    for (const tunnel of tunnels) {
      if (tunnel.secy !== null) this.#look(tunnel, tunnel.secy, nowMs);
    }
  }

  #look(tunnel: TunnelView, secy: SecyView, nowMs: number): void {
    const counters = tunnel.totals().secy;
    const told = this.#told.get(tunnel) ?? new Map<string, Told>();
    this.#told.set(tunnel, told);
    const now = beganAgain(secy, counters);
    for (const one of now)
      this.#tell(tunnel, told, one, acceptedBySa(secy, counters, one.sci, one.an), nowMs);
    for (const one of told.values()) {
      if (!one.holds || now.some(({ sci, an }) => sci === one.sci && an === one.an)) continue;
      one.holds = false;
      this.#tellEnd(tunnel, one, acceptedBySa(secy, counters, one.sci, one.an));
    }
  }

  #tell(
    { name }: TunnelView,
    told: Map<string, Told>,
    { sci, an, frames, last_pn, text }: BeganAgainSnapshot,
    accepted: number,
    ms: number,
  ): void {
    const key = `${sci} ${an}`;
    const last = told.get(key);
    if (last !== undefined && (last.holds || ms - last.ms < QUIET_MS)) return;
    told.set(key, { sci, an, accepted, ms, holds: true });
    this.#log.error({ tunnel: name, sci, an, frames, pn: last_pn }, text);
  }

  #tellEnd({ name }: TunnelView, { sci, an, accepted }: Told, acceptedNow: number): void {
    const fields = { tunnel: name, sci, an };
    if (acceptedNow > accepted)
      this.#log.warn(
        fields,
        'frames of the peer that began again at packet number 1 are accepted again: unless it has new keys, take new keys (l2vpnd rotate)',
      );
    else this.#log.info(fields, 'the receive SA whose peer began again at packet number 1 is gone or new');
  }
}
