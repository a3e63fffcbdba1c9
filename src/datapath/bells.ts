/**
 * Bells in shared memory: which of many rings have frames for the main thread, one bit per ring, and whether it has been
 * told that any have. However many ring at once, it is told once, and then it takes all that rang.
 *
 *     | told | bells 0–31 | bells 32–63 | …
 */

/** More than a daemon can have tunnels. Pages that nobody writes to cost nothing. */
export const MAX_BELLS = 65536;

const TOLD = 0;
const BELLS = 1;
const PER_WORD = 32;

/** The lane's end of one bell. */
export class Bell {
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #bit: number;

  /** Bell number `bell` of those in `shared`. */
  constructor(shared: SharedArrayBuffer, bell: number) {
    this.#words = new Int32Array(shared);
    this.#at = BELLS + Math.floor(bell / PER_WORD);
    this.#bit = 1 << (bell % PER_WORD);
  }

  /** Frames wait: whether the main thread has to be told. HOT PATH. */
  ring(): boolean {
    Atomics.or(this.#words, this.#at, this.#bit);
    return Atomics.exchange(this.#words, TOLD, 1) === 0;
  }
}

/** The main thread's end of all. */
export class Bells {
  readonly shared: SharedArrayBuffer = new SharedArrayBuffer(4 * (BELLS + MAX_BELLS / PER_WORD));
  readonly #words = new Int32Array(this.shared);

  /** Calls `rang` for each of the first `count` bells that has rung; one that rings from here on is told of again. */
  take(count: number, rang: (bell: number) => void): void {
    Atomics.store(this.#words, TOLD, 0);
    const words = Math.ceil(count / PER_WORD);
    for (let word = 0; word < words; word++) {
      const bits = Atomics.exchange(this.#words, BELLS + word, 0);
      for (let left = bits; left !== 0; left &= left - 1)
        rang(word * PER_WORD + 31 - Math.clz32(left & -left));
    }
  }
}
