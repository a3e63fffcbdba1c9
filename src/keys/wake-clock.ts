/**
 * The clock of a KaY over that of the process: monotonic, so that nobody who sets the time moves a key. What is due a
 * while hence, as hellos are, comes on a beat that all tunnels share: the process wakes once for many of them.
 */
import type { Clock } from './mka/seams.ts';

/**
 * By how much times are later on the clock of this process than on one of this host whose `performance.now()` was 0 at
 * `zeroMs` (`clockZeroMs`).
 */
export function shiftFrom(zeroMs: number): number {
  return zeroMs - clockZeroMs();
}

/** Where `performance.now()` was 0 on the monotonic clock that all processes of the host share. */
export function clockZeroMs(): number {
  return Number(process.hrtime.bigint()) / 1e6 - performance.now();
}

/** What is due sooner than that is done on time; what is due later may come a beat late, a longer one from CALM_MS on. */
const EXACT_MS = 100;
const BEAT_MS = 20;
const CALM_MS = 1000;
const CALM_BEAT_MS = 100;
/** The longest that a timer takes (`setTimeout`). */
const MAX_MS = 0x7fffffff;

export class MonotonicClock implements Clock {
  readonly #beats: Beats;
  #timer: NodeJS.Timeout | null = null;
  /** The beat that it waits for; 0: none. */
  #beatMs = 0;
  #wake: () => void = () => {};

  constructor(beats: Beats = BEATS) {
    this.#beats = beats;
  }

  nowMs(): number {
    return performance.now();
  }

  wakeAt(atMs: number, wake: () => void): void {
    this.#wake = wake;
    const waitMs = atMs - performance.now();
    const stepMs = waitMs < EXACT_MS ? 0 : waitMs < CALM_MS ? BEAT_MS : CALM_BEAT_MS;
    const beatMs = stepMs === 0 || waitMs > MAX_MS ? 0 : Math.ceil(atMs / stepMs) * stepMs;
    if (beatMs !== 0 && beatMs === this.#beatMs) return;
    this.cancel();
    this.#beatMs = beatMs;
    if (beatMs !== 0) this.#beats.join(beatMs, this);
    else this.#timer = setTimeout(() => this.fire(), Math.min(Math.max(1, Math.ceil(waitMs)), MAX_MS));
  }

  cancel(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#beatMs !== 0) this.#beats.leave(this.#beatMs, this);
    this.#beatMs = 0;
  }

  /** It is time. */
  fire(): void {
    this.#timer = null;
    this.#beatMs = 0;
    this.#wake();
  }
}

/** Who waits for which beat: one timer per beat, however many wait. */
export class Beats {
  readonly #waiting = new Map<
    number,
    { readonly clocks: Set<MonotonicClock>; readonly timer: NodeJS.Timeout }
  >();

  join(beatMs: number, clock: MonotonicClock): void {
    let beat = this.#waiting.get(beatMs);
    if (beat === undefined) {
      const timer = setTimeout(() => this.#fire(beatMs), Math.max(1, Math.ceil(beatMs - performance.now())));
      beat = { clocks: new Set(), timer };
      this.#waiting.set(beatMs, beat);
    }
    beat.clocks.add(clock);
  }

  leave(beatMs: number, clock: MonotonicClock): void {
    const beat = this.#waiting.get(beatMs);
    if (!beat?.clocks.delete(clock) || beat.clocks.size > 0) return;
    clearTimeout(beat.timer);
    this.#waiting.delete(beatMs);
  }

  /** One that is woken may make others leave. */
  #fire(beatMs: number): void {
    const clocks = this.#waiting.get(beatMs)!.clocks;
    for (const clock of clocks) {
      clocks.delete(clock);
      clock.fire();
    }
    this.#waiting.delete(beatMs);
  }
}

/** Of a thread. */
const BEATS = new Beats();
