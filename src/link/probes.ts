/** Probes on their way: which message each was, how long a frame, and when it went. The oldest gives way. */
import { MAX_PROBES } from './settings.ts';

export class Probes {
  readonly #waiting = new Map<number, { readonly frameLen: number; readonly sentMs: number }>();

  add(mn: number, frameLen: number, sentMs: number): void {
    this.#waiting.set(mn, { frameLen, sentMs });
    if (this.#waiting.size > MAX_PROBES) this.#waiting.delete(this.#waiting.keys().next().value!);
  }

  /** The peer has had probe `mn`, `frameLen` octets of it. Returns when it was sent; null where that was no such probe. */
  take(mn: number, frameLen: number): number | null {
    const probe = this.#waiting.get(mn);
    if (probe?.frameLen !== frameLen) return null;
    this.#waiting.delete(mn);
    return probe.sentMs;
  }

  forget(): void {
    this.#waiting.clear();
  }
}
