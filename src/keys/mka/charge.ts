/**
 * Which of a port's CAKs is in charge, the first one or the fallback: the first whenever it has a live peer. While
 * neither has one it stays as it is. At the start the fallback stands back a moment, so that it makes no SAK that the
 * first one replaces at once.
 */
import type { Participant } from './participant.ts';
import { FALLBACK_DELAY_MS } from './settings.ts';

/** For another process. */
export interface HandedCharge {
  readonly sinceMs: number;
  readonly hasLived: boolean;
}

export class Charge {
  #primary: Participant;
  /** When the first participant began, and whether it has had a live peer since. */
  #sinceMs: number;
  #hasLived = false;

  constructor(primary: Participant, nowMs: number) {
    this.#primary = primary;
    this.#sinceMs = nowMs;
  }

  get handed(): HandedCharge {
    return { sinceMs: this.#sinceMs, hasLived: this.#hasLived };
  }

  goOn({ sinceMs, hasLived }: HandedCharge, shiftMs: number): void {
    this.#sinceMs = sinceMs + shiftMs;
    this.#hasLived = hasLived;
  }

  /** Who should be in charge now, where `present` is. `fallback`: null where there is none. */
  choose(
    primary: Participant,
    fallback: Participant | null,
    present: Participant,
    nowMs: number,
  ): Participant {
    if (primary !== this.#primary) this.#restart(primary, nowMs);
    const isLive = primary.peers.live.length > 0;
    this.#hasLived ||= isLive;
    if (isLive) return primary;
    const mayFallBack = this.#hasLived || nowMs - this.#sinceMs >= FALLBACK_DELAY_MS;
    if (mayFallBack && fallback !== null && fallback.peers.live.length > 0) return fallback;
    return present === fallback ? fallback : primary;
  }

  #restart(primary: Participant, nowMs: number): void {
    this.#primary = primary;
    this.#sinceMs = nowMs;
    this.#hasLived = false;
  }
}
