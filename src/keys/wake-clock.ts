/** The clock of a KaY over that of the process: monotonic, so that nobody who sets the time moves a key. */
import type { Clock } from './mka/seams.ts';

export class MonotonicClock implements Clock {
  #timer: NodeJS.Timeout | null = null;

  nowMs(): number {
    return performance.now();
  }

  wakeAt(atMs: number, wake: () => void): void {
    this.cancel();
    this.#timer = setTimeout(wake, Math.max(1, Math.ceil(atMs - performance.now())));
  }

  cancel(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
