/** A small generator of numbers that are the same for the same seed (mulberry32): a run can be had again. */

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  u32(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** 0 to `limit` − 1. */
  below(limit: number): number {
    return limit <= 1 ? 0 : this.u32() % limit;
  }

  pick<T>(all: readonly T[]): T {
    return all[this.below(all.length)]!;
  }

  octets(len: number): Buffer {
    return Buffer.from(Array.from({ length: len }, () => this.below(256)));
  }
}
