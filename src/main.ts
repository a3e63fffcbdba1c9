#!/usr/bin/env node
/**
 * The `l2vpnd` command: runs what argv says, and says on stderr in one line what went wrong. The program itself is
 * loaded when signals are held already, and a fault in loading it (too few descriptors) is told like any other.
 */
import { exitStatusOf, printError } from './cli/failures.ts';
import { holdSignals } from './host/signals.ts';

await holdSignals();
try {
  const { runProgram } = await import('./cli/program.ts');
  process.exitCode = await runProgram(process.argv.slice(2));
} catch (error) {
  process.exitCode = exitStatusOf(error);
  printError(error);
}
