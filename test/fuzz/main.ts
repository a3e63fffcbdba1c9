/**
 * The fuzzers, guided by coverage: `npm run fuzz -- --seconds 60 [--only receive] [--seed 7] [--keep] [--no-native]`.
 * Each target gets an equal part of the time, the addon's (native/fuzz/run.sh) another. A finding is written to
 * test/fuzz/corpus, where the unit tests run it from then on; `--keep` also keeps what reached new code.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageRoot } from '../../src/package-root.ts';
import { keepInput, readCorpus } from './corpus.ts';
import { Coverage } from './coverage.ts';
import { fuzz } from './fuzzer.ts';
import { Random } from './random.ts';
import type { FuzzTarget } from './target.ts';
import { TARGETS } from './targets/index.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now() & 0x7fffffff) },
    only: { type: 'string' },
    keep: { type: 'boolean', default: false },
    'no-native': { type: 'boolean', default: false },
  },
});

const isOurs = (url: string): boolean => url.includes('/dist/src/') && !url.includes('/dist/test/');

/** True when nothing was found. */
async function run(target: FuzzTarget, seconds: number, seed: number): Promise<boolean> {
  const coverage = new Coverage(isOurs);
  const until = Date.now() + seconds * 1000;
  const random = new Random(seed);
  const { runs, kept, failure } = await fuzz(target, {
    ...{ random, until, coverage, runs: Number.MAX_SAFE_INTEGER },
    corpus: readCorpus(target.name),
  });
  const total = coverage.total;
  coverage.close();
  process.stdout.write(
    `${target.name}: ${runs} inputs, ${kept.length} reached new code (${total} characters)\n`,
  );
  if (values.keep) for (const input of kept) keepInput(target.name, 'reached', input);
  if (failure === null) return true;
  const path = keepInput(target.name, 'finding', failure.input);
  const { error } = failure;
  process.stdout.write(
    `FOUND ${target.name}, kept in ${path}\n${error instanceof Error ? error.stack : String(error)}\n`,
  );
  return false;
}

const [seconds, seed] = [Number(values.seconds), Number(values.seed)];
if (!(seconds > 0) || !Number.isSafeInteger(seed)) throw new Error('--seconds and --seed are numbers');
const chosen = TARGETS.filter(({ name }) => values.only === undefined || name === values.only);
if (chosen.length === 0) throw new Error(`--only knows ${TARGETS.map(({ name }) => name).join(', ')}`);
const withNative = values.only === undefined && !values['no-native'];
const share = seconds / (chosen.length + (withNative ? 1 : 0));
process.stdout.write(`seed ${seed}, ${share.toFixed(0)} s a target\n`);
let isClean = true;
for (const target of chosen) isClean = (await run(target, share, seed)) && isClean;
if (withNative) {
  // It has two programs of its own.
  const script = join(packageRoot(), 'native', 'fuzz', 'run.sh');
  const { status } = spawnSync('sh', [script, String(Math.max(1, Math.ceil(share / 2)))], {
    stdio: 'inherit',
  });
  isClean &&= status === 0;
}
process.exitCode = isClean ? 0 : 1;
