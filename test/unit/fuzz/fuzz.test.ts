/** The fuzzers' corpus, and a short run that is the same every time; `npm run fuzz` goes on from here. */
import { describe, expect, it } from 'vitest';
import { readCorpus } from '../../fuzz/corpus.ts';
import { fuzz } from '../../fuzz/fuzzer.ts';
import { Random } from '../../fuzz/random.ts';
import { Finding, type FuzzTarget } from '../../fuzz/target.ts';
import { TARGETS } from '../../fuzz/targets/index.ts';

describe.each(TARGETS)('fuzzing $name', (target) => {
  it('keeps every promise on the corpus and 600 inputs made of it', async () => {
    const options = {
      random: new Random(1),
      runs: 600,
      until: Date.now() + 20_000,
      corpus: readCorpus(target.name),
    };
    const { failure } = await fuzz(target, { ...options, runs: 600 + options.corpus.length });
    expect(failure?.error, failure?.input.toString('hex')).toBeUndefined();
  });
});

describe('the fuzzer', () => {
  const broken: FuzzTarget = {
    name: 'broken',
    maxLen: 64,
    seeds: () => [Buffer.alloc(40, 1)],
    run(input) {
      if (input.includes(0xff)) throw new Finding('there is an 0xff');
    },
  };

  it('finds a broken promise, and hands it back small', async () => {
    const { failure } = await fuzz(broken, {
      random: new Random(1),
      runs: 5000,
      until: Date.now() + 10_000,
      corpus: [],
    });
    expect(failure?.input.toString('hex')).toBe('ff');
    expect(failure?.error).toBeInstanceOf(Finding);
  });
});
