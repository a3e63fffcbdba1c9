/**
 * Which of our code has run, as V8 counts it by block (inspector's Profiler.takePreciseCoverage): what guides the
 * fuzzer. Kept by script as one octet per character of source.
 */
import { type Profiler, Session } from 'node:inspector';

export class Coverage {
  readonly #session = new Session();
  readonly #isOurs: (url: string) => boolean;
  readonly #seen = new Map<string, Uint8Array>();

  constructor(isOurs: (url: string) => boolean) {
    this.#isOurs = isOurs;
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** Characters of source that ran since the last call and had never before; `keep`: count them as seen now. */
  take(keep: boolean): number {
    let fresh = 0;
    for (const { url, functions } of this.#result()) {
      for (const { ranges } of functions) fresh += this.#paint(url, ranges, keep);
    }
    return fresh;
  }

  get total(): number {
    let total = 0;
    for (const seen of this.#seen.values()) for (const octet of seen) total += octet;
    return total;
  }

  close(): void {
    this.#session.disconnect();
  }

  /** The session is of this thread, so its answer comes before `post` returns. */
  #result(): Profiler.ScriptCoverage[] {
    let result: Profiler.ScriptCoverage[] = [];
    this.#session.post('Profiler.takePreciseCoverage', (error, answer) => {
      if (error !== null) throw error;
      result = answer.result.filter(({ url }) => this.#isOurs(url));
    });
    return result;
  }

  /** Ranges of a function come from the outside in; an inner one overrules. */
  #paint(url: string, ranges: readonly Profiler.CoverageRange[], keep: boolean): number {
    const [whole] = ranges;
    if (whole === undefined || ranges.every(({ count }) => count === 0)) return 0;
    const ran = new Uint8Array(whole.endOffset - whole.startOffset);
    for (const { startOffset, endOffset, count } of ranges) {
      ran.fill(count > 0 ? 1 : 0, startOffset - whole.startOffset, endOffset - whole.startOffset);
    }
    const seen = this.#room(url, whole.endOffset);
    let fresh = 0;
    for (let i = 0; i < ran.length; i++) {
      if (ran[i] === 0 || seen[whole.startOffset + i] === 1) continue;
      fresh++;
      if (keep) seen[whole.startOffset + i] = 1;
    }
    return fresh;
  }

  #room(url: string, length: number): Uint8Array {
    const seen = this.#seen.get(url);
    if (seen !== undefined && seen.length >= length) return seen;
    const larger = new Uint8Array(Math.max(length, 1 << 14));
    if (seen !== undefined) larger.set(seen);
    this.#seen.set(url, larger);
    return larger;
  }
}
