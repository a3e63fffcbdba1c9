/**
 * So much per flow: each pair of addresses gets one answer per interval, so that one flow does not take the answers of all
 * others. The memory is fixed; pairs that fall on one place share it.
 */

const PLACES = 256;

export class FlowLimit {
  readonly #lastMs: Float64Array = new Float64Array(PLACES).fill(Number.NEGATIVE_INFINITY);
  readonly #intervalMs: number;
  readonly #nowMs: () => number;

  /** `nowMs` is monotonic. */
  constructor(intervalMs: number, nowMs: () => number = () => performance.now()) {
    this.#intervalMs = intervalMs;
    this.#nowMs = nowMs;
  }

  /** May the flow whose addresses are the octets `buf[at, end)` have one now? Then it has had it. */
  take(buf: Uint8Array, at: number, end: number): boolean {
    const place = placeOf(buf, at, end);
    const now = this.#nowMs();
    if (now - this.#lastMs[place]! < this.#intervalMs) return false;
    this.#lastMs[place] = now;
    return true;
  }
}

/** FNV-1a, folded. */
function placeOf(buf: Uint8Array, at: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = at; i < end; i++) hash = Math.imul(hash ^ buf[i]!, 0x01000193);
  return (hash ^ (hash >>> 8) ^ (hash >>> 16) ^ (hash >>> 24)) & (PLACES - 1);
}
