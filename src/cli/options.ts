/** Options that several commands have, and how their values are read. */
import { InvalidArgumentError, Option } from 'commander';
import { RUNTIME_DIR } from '../config/instance.ts';
import { L2vpnError } from '../errors.ts';
import { COLOR_WORDS } from './output.ts';

/** What a command hands back: the exit status of the process. */
export type Action = () => Promise<number>;
export type Choose = (action: Action) => void;

export function configOption(): Option {
  return new Option('-c, --config <file>', 'the configuration, JSON');
}

export function exampleKeysOption(): Option {
  return new Option('--insecure-example-keys', 'take the published example keys, which protect nothing');
}

export function instanceOption(): Option {
  return new Option('-i, --instance <name>', 'the daemon of the unit l2vpnd@NAME, or of NAME.json');
}

export function socketOption(): Option {
  return new Option(
    '--socket <path>',
    `the daemon's control socket (default: of --config, or the one in ${RUNTIME_DIR})`,
  );
}

export function jsonOption(what = 'print JSON'): Option {
  return new Option('-j, --json', what);
}

export function colorOption(): Option {
  return new Option('--color <when>', 'colours (default: auto, on a terminal)').choices(COLOR_WORDS);
}

export function positive(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('It must be a whole number from 1.');
  return value;
}

export function wholeNumber(text: string): number {
  if (/^[0-9]+$/.test(text)) return Number(text);
  throw usageError(`"${text}" is not a whole number`);
}

/** One line of commander's message, without its own prefix. */
export function usageError(message: string): L2vpnError {
  const text = message
    .replace(/^error: /, '')
    .replace(/\s*\n\s*/g, ' ')
    .trim();
  return new L2vpnError('L2VPN_USAGE', `${text}; see l2vpnd --help`);
}
