/**
 * What a real kernel made of every row of the table: test/kernel/receive-table.json, written by
 * `L2VPND_RECORD=1 npm run test:kernel -- table`. A test without QEMU may be judged by it: the frames are in it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { SecYSetup, ValidateMode } from './cases/receive-table.ts';
import type { Outcome } from './guest-secy.ts';

export interface ExpectedCase {
  name: string;
  setup: SecYSetup;
  /** Hex, as GRE carries them; given to the SecY one after the other. */
  frames: string[];
  outcome: Record<ValidateMode, Outcome>;
}

export interface Expected {
  /** Those that were asked and agreed, `6.1.0-50-amd64`. */
  kernels: string[];
  iproute2: string;
  cases: ExpectedCase[];
}

const FILE = fileURLToPath(new URL('./receive-table.json', import.meta.url));

export function readExpected(): Expected {
  return JSON.parse(readFileSync(FILE, 'utf8')) as Expected;
}

/**
 * The row whose outcome is ours where we differ from the kernel with intent: an RxSC that is off receives nothing, as if
 * its SAs were off; the kernel delivers frames that carry its SCI.
 */
export function rowOfOurs(name: string): string {
  return name.replace(/^RX SC off, SA on/, 'SA off');
}

/** Writes what `kernel` did; the kernels on record stay there where they did the same. */
export function writeExpected(kernel: string, iproute2: string, cases: ExpectedCase[]): void {
  const known = readExpected();
  const agree = JSON.stringify(known.cases) === JSON.stringify(cases);
  const kernels = agree ? [...new Set([...known.kernels, kernel])] : [kernel];
  writeFileSync(FILE, `${JSON.stringify({ kernels, iproute2, cases } satisfies Expected, null, 2)}\n`);
}
