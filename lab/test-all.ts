/**
 * `npm test`: every test there is. What needs the processor first, alone; then, side by side, the tests in namespaces, which
 * mostly wait, and those that boot kernels and machines. What runs aside is printed when it has ended.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

/** One process after another; what fails does not keep the others from running. */
type Line = readonly (readonly string[])[];

const VITEST = join('node_modules', '.bin', 'vitest');
const tests = (...projects: string[]): string[] => [
  VITEST,
  'run',
  ...projects.flatMap((name) => ['--project', name]),
];
/** Each element is done before the next one begins; its lines run side by side. */
const STAGES: readonly (readonly Line[])[] = [
  [[tests('unit')]],
  [[tests('e2e')], [tests('kernel', 'package', 'image', 'service')]],
  [[[process.execPath, join('dist', 'test', 'fuzz', 'main.js'), '--seconds', '10']]],
];

/** Returns those that failed. The first line prints as it goes. */
async function runStage(lines: readonly Line[]): Promise<string[]> {
  const failed = await Promise.all(lines.map((line, i) => runLine(line, i === 0)));
  return failed.flat();
}

async function runLine(line: Line, prints: boolean): Promise<string[]> {
  const failed: string[] = [];
  for (const argv of line) if ((await runOne(argv, prints)) !== 0) failed.push(argv.join(' '));
  return failed;
}

function runOne([program, ...args]: readonly string[], prints: boolean): Promise<number> {
  const output: Buffer[] = [];
  return new Promise((resolve, reject) => {
    // What runs aside leaves the processor to what it runs beside.
    const argv = prints ? [program!, ...args] : ['nice', '-n', '10', program!, ...args];
    const child = spawn(argv[0]!, argv.slice(1), { stdio: prints ? 'inherit' : ['ignore', 'pipe', 'pipe'] });
    child.stdout?.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => output.push(chunk));
    child.on('error', reject);
    child.on('close', (code) => {
      process.stdout.write(Buffer.concat(output));
      resolve(code ?? 1);
    });
  });
}

const failed: string[] = [];
for (const stage of STAGES) failed.push(...(await runStage(stage)));
for (const one of failed) process.stdout.write(`FAILED: ${one}\n`);
process.exitCode = failed.length === 0 ? 0 : 1;
