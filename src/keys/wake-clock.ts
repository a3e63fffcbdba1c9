/**
 * The clock of a KaY over that of the process: monotonic, so that nobody who sets the time moves a key. What is due a
 * while hence, as hellos are, comes on a beat that all tunnels share: the process wakes once for many of them.
 */
import type { Clock } from './mka/seams.ts';

/** What is due sooner than that is done on time; what is due later may come a beat late, a longer one from CALM_MS on. */
const EXACT_MS = 100;
const BEAT_MS = 20;
const CALM_MS = 1000;
const CALM_BEAT_MS = 100;
/** The longest that a timer takes (`setTimeout`). */
const MAX_MS = 0x7fffffff;

export class MonotonicClock implements Clock {
  #timer: NodeJS.Timeout | null = null;
  #dueMs = 0;
  #wake: () => void = () => {};

  nowMs(): number {
    return performance.now();
  }

  wakeAt(atMs: number, wake: () => void): void {
    this.#wake = wake;
    const nowMs = performance.now();
    const beatMs = beatOf(atMs - nowMs);
    const dueMs = beatMs === 0 ? atMs : Math.ceil(atMs / beatMs) * beatMs;
    if (this.#timer !== null && dueMs === this.#dueMs) return;
    this.cancel();
    this.#dueMs = dueMs;
    const waitMs = Math.min(Math.max(1, Math.ceil(dueMs - nowMs)), MAX_MS);
    this.#timer = setTimeout(() => this.#fire(), waitMs);
  }

  cancel(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #fire(): void {
    this.#timer = null;
    this.#wake();
  }
}

function beatOf(waitMs: number): number {
  if (waitMs < EXACT_MS) return 0;
  return waitMs < CALM_MS ? BEAT_MS : CALM_BEAT_MS;
}
