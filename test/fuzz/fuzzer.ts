/**
 * The fuzzer's loop: inputs that reach new code join the corpus (where there is coverage to tell), others are made
 * of them; the first one that breaks a promise is made small and handed back.
 */
import type { Coverage } from './coverage.ts';
import { mutateOctets } from './mutate.ts';
import type { Random } from './random.ts';
import type { FuzzTarget } from './target.ts';

export interface FuzzOptions {
  readonly random: Random;
  /** Stop after so many inputs, or at this time (ms since the epoch), whichever comes first. */
  readonly runs: number;
  readonly until: number;
  /** Inputs of earlier runs. */
  readonly corpus: readonly Buffer[];
  readonly coverage?: Coverage;
}

export interface FuzzResult {
  readonly runs: number;
  /** Inputs that reached code which no one before them had. */
  readonly kept: Buffer[];
  readonly failure: { input: Buffer; error: unknown } | null;
}

/** Inputs between two looks at the coverage. */
const ROUND = 48;

export async function fuzz(target: FuzzTarget, options: FuzzOptions): Promise<FuzzResult> {
  const { random, coverage } = options;
  const pool = [...target.seeds(), ...options.corpus];
  const kept: Buffer[] = [];
  const failureOf = async (input: Buffer): Promise<FuzzResult['failure']> => {
    try {
      await target.run(Buffer.from(input));
      return null;
    } catch (error) {
      return { input: await shrink(target, input), error };
    }
  };
  let runs = 0;
  for (const input of pool) {
    runs++;
    const failure = await failureOf(input);
    if (failure !== null) return { runs, kept, failure };
  }
  coverage?.take(true);
  while (runs < options.runs && Date.now() < options.until) {
    const round = Array.from({ length: Math.min(ROUND, options.runs - runs) }, () => {
      const [input, other] = [random.pick(pool), random.pick(pool)];
      const isBlind = target.mutate === undefined || random.below(4) === 0;
      const next = isBlind
        ? mutateOctets(input, other, random, target.maxLen)
        : target.mutate!(input, other, random);
      return next.subarray(0, target.maxLen);
    });
    for (const input of round) {
      runs++;
      const failure = await failureOf(input);
      if (failure !== null) return { runs, kept, failure };
    }
    if (coverage === undefined || coverage.take(false) === 0) continue;
    for (const input of round) {
      await target.run(Buffer.from(input));
      if (coverage.take(true) === 0) continue;
      pool.push(input);
      kept.push(input);
    }
  }
  return { runs, kept, failure: null };
}

async function fails(target: FuzzTarget, input: Buffer): Promise<boolean> {
  try {
    await target.run(Buffer.from(input));
    return false;
  } catch {
    return true;
  }
}

/** Leaves out parts, then clears octets, as long as it fails all the same. Bounded. */
async function shrink(target: FuzzTarget, found: Buffer): Promise<Buffer> {
  let input = found;
  let tries = 3000;
  const attempt = async (smaller: Buffer): Promise<boolean> => {
    if (tries-- <= 0 || !(await fails(target, smaller))) return false;
    input = smaller;
    return true;
  };
  for (let part = input.length >> 1; part >= 1; part >>= 1) {
    for (let at = 0; at < input.length; ) {
      const without = Buffer.concat([input.subarray(0, at), input.subarray(at + part)]);
      if (!(await attempt(without))) at += part;
    }
  }
  for (let at = 0; at < input.length; at++) {
    if (input[at] === 0) continue;
    const cleared = Buffer.from(input);
    cleared[at] = 0;
    await attempt(cleared);
  }
  return input;
}
