/** Sums over the last minute of what only grows, from a look at it once a second. */
const SECONDS = 60;

export class MinuteSums {
  readonly #kinds: number;
  /** A row per look, and one more: what was before the oldest that still counts. */
  readonly #rows: Float64Array;
  #looks = 0;

  /** `kinds`: how many values each look has. */
  constructor(kinds: number) {
    this.#kinds = kinds;
    this.#rows = new Float64Array(kinds * (SECONDS + 1));
  }

  add(values: readonly number[]): void {
    this.#rows.set(values, this.#at(this.#looks));
    this.#looks++;
  }

  /** How much each value has grown in the last minute, or since the first look. */
  sums(): number[] {
    const last = this.#at(Math.max(this.#looks - 1, 0));
    const first = this.#at(Math.max(this.#looks - 1 - SECONDS, 0));
    const isYoung = this.#looks <= SECONDS;
    return Array.from({ length: this.#kinds }, (_, i) => {
      // Before the first look there was nothing.
      return this.#rows[last + i]! - (isYoung ? 0 : this.#rows[first + i]!);
    });
  }

  #at(look: number): number {
    return (look % (SECONDS + 1)) * this.#kinds;
  }
}
