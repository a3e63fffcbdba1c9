/**
 * Timing in one thread. A micro benchmark does a unit of work on a batch, says how many frames that was, and checks
 * afterwards that the work was really done; a benchmark whose check fails has no figure.
 */
import { median } from '../report/statistics.ts';

/** One thing to time. Parts of one round trip share the work: `protect` makes what `validate` takes. */
export interface MicroCase {
  /** `protect`, `checkGre`, … */
  readonly name: string;
  /** What the figure depends on: `1430`, `batch`. */
  readonly frameLen: number | null;
  readonly provider: string | null;
  /** Does the whole round trip once; adds the nanoseconds of this part to `spent[0]`. Returns frames. */
  run(spent: Float64Array): number;
  /** Throws where the work was not done right. */
  check(): void;
}

export interface MicroResult {
  name: string;
  frameLen: number | null;
  provider: string | null;
  framesPerSecond: number;
  nsPerFrame: number;
  /** Of the samples. */
  lowest: number;
  highest: number;
}

export interface MicroPlan {
  warmupMs: number;
  sampleMs: number;
  samples: number;
}

export function timeCase(one: MicroCase, plan: MicroPlan): MicroResult {
  sample(one, plan.warmupMs);
  const rates = Array.from({ length: plan.samples }, () => sample(one, plan.sampleMs));
  one.check();
  const framesPerSecond = median(rates);
  return {
    name: one.name,
    frameLen: one.frameLen,
    provider: one.provider,
    framesPerSecond,
    nsPerFrame: 1e9 / framesPerSecond,
    lowest: Math.min(...rates),
    highest: Math.max(...rates),
  };
}

/** Frames per second of this part, over round trips that take `ms` together. */
function sample(one: MicroCase, ms: number): number {
  const spent = new Float64Array(1);
  const end = performance.now() + ms;
  let frames = 0;
  while (performance.now() < end) frames += one.run(spent);
  return (frames / spent[0]!) * 1e9;
}

/** Throws unless the two are equal; `what` names them. */
export function expectEqual(what: string, got: unknown, expected: unknown): void {
  if (got !== expected) throw new Error(`${what} expected ${expected}, got ${got}`);
}
