/** Messages that nothing follows from, which anybody can send: one line in ten seconds, with how many there were. */
const QUIET_MS = 10_000;

export class PathNewsGate {
  #untold = 0;
  #toldMs = Number.NEGATIVE_INFINITY;

  /** One more has come; how many the line that is due now tells of, 0: none is due. */
  due(nowMs: number): number {
    this.#untold++;
    if (nowMs - this.#toldMs < QUIET_MS) return 0;
    const count = this.#untold;
    this.#untold = 0;
    this.#toldMs = nowMs;
    return count;
  }
}
