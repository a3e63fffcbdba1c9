/**
 * Options of node that a process with keys in its memory does not run with: those that open a debugger, that load
 * code or settings besides the program's own, and that write memory to disk. They come from the command line of
 * node or from NODE_OPTIONS, which whoever starts a service may have set for all of them.
 */
import { L2vpnError } from '../errors.ts';

/** Without `--`; an option is refused if it is one of these or continues one after a dash. */
const REFUSED = [
  'inspect',
  'debug-port',
  'require',
  'import',
  'loader',
  'experimental-loader',
  'env-file',
  'eval',
  'print',
  'interactive',
  'watch',
  'experimental-config-file',
  'experimental-default-config-file',
  'snapshot-blob',
  'build-snapshot',
  'openssl-config',
  'openssl-shared-config',
  'heapsnapshot',
  'heap-prof',
  'report',
  'abort-on-uncaught-exception',
];

/** Short forms: -r module, -e, -p, -pe, -i. */
const REFUSED_SHORT = /^-(r|e|p|pe|i)$/;

/** Throws L2VPN_USAGE with the name of the first option that is refused. */
export function refuseDebugging(
  execArgv: readonly string[] = process.execArgv,
  nodeOptions: string = process.env.NODE_OPTIONS ?? '',
): void {
  const inArgv = execArgv.find(isRefused);
  if (inArgv !== undefined) throw refusal(inArgv, 'on the command line of node');
  // Quotes and backslashes only group; an option inside them is an option.
  const inEnv = nodeOptions.replace(/["\\]/g, '').split(/\s+/).find(isRefused);
  if (inEnv !== undefined) throw refusal(inEnv, 'in NODE_OPTIONS');
}

function isRefused(arg: string): boolean {
  if (REFUSED_SHORT.test(arg)) return true;
  const name = nameOf(arg);
  return arg.startsWith('--') && REFUSED.some((one) => name === one || name.startsWith(`${one}-`));
}

/** `--inspect_brk=0` is `--inspect-brk` to node. */
function nameOf(arg: string): string {
  return (arg.slice(2).split('=')[0] ?? '').replaceAll('_', '-');
}

function refusal(arg: string, where: string): L2vpnError {
  const option = arg.split('=')[0];
  return new L2vpnError(
    'L2VPN_USAGE',
    `${option} ${where}: the daemon holds keys and does not run with options that debug it, load other code or write its memory; take it out`,
  );
}
