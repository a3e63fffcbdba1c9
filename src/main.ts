#!/usr/bin/env node
/** The `l2vpnd` command: runs what argv says, and says on stderr in one line what went wrong. */
import { runProgram } from './cli/program.ts';
import { EXIT_STATUS, errnoName, L2vpnError, messageOf } from './errors.ts';

/** With L2VPND_DEBUG set, stacks are printed too. */
const debug = (process.env.L2VPND_DEBUG ?? '') !== '';

function fail(error: unknown): void {
  process.exitCode = exitStatusOf(error);
  for (const line of sayError(error).split('\n')) process.stderr.write(`l2vpnd: ${line}\n`);
  if (debug && error instanceof Error) process.stderr.write(`${error.stack}\n`);
}

function sayError(error: unknown): string {
  if (error instanceof L2vpnError || errnoName(error) !== '') return messageOf(error);
  return `internal fault: ${messageOf(error)}; please report it, with L2VPND_DEBUG=1 set`;
}

function exitStatusOf(error: unknown): number {
  if (error instanceof L2vpnError) return error.exitStatus;
  return errnoName(error) === '' ? EXIT_STATUS.L2VPN_INTERNAL : EXIT_STATUS.L2VPN_SYSTEM;
}

/** `l2vpnd check … | head` is no fault. */
process.stdout.on('error', (error) => {
  if (errnoName(error) !== 'EPIPE') throw error;
});

try {
  process.exitCode = await runProgram(process.argv.slice(2));
} catch (error) {
  fail(error);
}
