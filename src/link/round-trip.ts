/** How long a probe and its answer take: the last times, of which the shortest says the most. What is longer has waited somewhere. */
const KEPT = 6;

export class RoundTrips {
  readonly #ms: number[] = [];

  add(ms: number): void {
    this.#ms.push(ms);
    if (this.#ms.length > KEPT) this.#ms.shift();
  }

  /** The last one; null: there is none. */
  get lastMs(): number | null {
    return this.#ms.at(-1) ?? null;
  }

  /** The shortest of the last ones. */
  get leastMs(): number | null {
    return this.#ms.length === 0 ? null : Math.min(...this.#ms);
  }

  forget(): void {
    this.#ms.length = 0;
  }
}
