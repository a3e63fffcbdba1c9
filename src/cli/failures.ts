/** What is said of an exception that ends a command, and its exit status. Imports next to nothing: see main.ts. */
import { EXIT_STATUS, errnoName, L2vpnError, messageOf } from '../errors.ts';
import { openFilesLimit } from '../host/process.ts';
import { printFatal, printLine } from './output.ts';

/** With L2VPND_DEBUG set, stacks are printed too. */
const DEBUG: boolean = (process.env.L2VPND_DEBUG ?? '') !== '';

/** Read before it is wanted: when descriptors have run out it cannot be. */
const OPEN_FILES: number | null = openFilesLimit();

export function sayError(error: unknown): string {
  if (lacksDescriptors(error)) return `${messageOf(error)}; ${descriptorRemedy()}`;
  if (error instanceof L2vpnError || errnoName(error) !== '') return messageOf(error);
  return `internal fault: ${messageOf(error)}; please report it, with L2VPND_DEBUG=1 set`;
}

export function exitStatusOf(error: unknown): number {
  if (error instanceof L2vpnError) return error.exitStatus;
  return errnoName(error) === '' ? EXIT_STATUS.L2VPN_INTERNAL : EXIT_STATUS.L2VPN_SYSTEM;
}

/** To stderr, each line with our name before it, or one JSON object. A stderr that is closed or full is nobody to tell. */
export function printError(error: unknown): void {
  printFatal(sayError(error), codeOf(error), exitStatusOf(error));
  if (!DEBUG || !(error instanceof Error)) return;
  const stack = error.stack ?? '';
  printLine({ stack }, stack);
}

function codeOf(error: unknown): string {
  if (error instanceof L2vpnError) return error.code;
  return errnoName(error) === '' ? 'L2VPN_INTERNAL' : 'L2VPN_SYSTEM';
}

/** EMFILE at the root of it, however deep. */
function lacksDescriptors(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) if (errnoName(at) === 'EMFILE') return true;
  return false;
}

function descriptorRemedy(): string {
  const limit = OPEN_FILES === null ? 'too few files' : `${OPEN_FILES} files open, too few`;
  return `this process may have ${limit}: raise it with "ulimit -n 4096" or LimitNOFILE=4096 in the unit`;
}
