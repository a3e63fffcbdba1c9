/** The options of the commands that make keys; what they do is in genkey.ts and init.ts. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { CIPHER_SUITES } from '../crypto/cipher-suite.ts';
import type { GenkeyOptions } from './genkey.ts';
import type { InitOptions } from './init.ts';
import type { KeyBits } from './new-key.ts';
import { type Choose, jsonOption } from './options.ts';

export function addKeyCommands(program: Command, choose: Choose): void {
  program
    .command('init')
    .allowExcessArguments(false)
    .description('write the configurations of two sites, and their key, into new files')
    .requiredOption('--a <address>', 'outer address of the first site')
    .requiredOption('--b <address>', 'outer address of the second site')
    .option('--names <a,b>', 'names of the sites and of their files', 'site1,site2')
    .option('--dir <directory>', 'where the files go; made where it is missing', '.')
    .addOption(
      new Option('--encap <kind>', 'what carries the frames').choices(['gre-udp', 'gre']).default('gre-udp'),
    )
    .option('--port <port>', 'UDP port of both sites, with gre-udp (default: 4754)', wholeNumber)
    .option('--bridge <name>', 'existing bridge of both sites that the TAP joins (default: none)')
    .option('--ifname <name>', 'name of the TAP', 'macsec1')
    .addOption(cipherOption())
    .addOption(bitsOption('length of the pre-shared key (default: 256)'))
    .addOption(jsonOption('as JSON: the paths of the files'))
    .action((options: InitOptions) => choose(async () => (await import('./init.ts')).init(options)));
  program
    .command('genkey')
    .allowExcessArguments(false)
    .description('make a pre-shared key (CAK) and its name, or static keys, in new files')
    .option('--sak', 'static keys: two, one per direction, in <path>1.key and <path>2.key')
    .option('-o, --out <path>', 'the file of the key (default: l2vpnd.cak; with --sak: site)')
    .addOption(bitsOption('length of each key (default: 256, with --sak 128)'))
    .addOption(jsonOption('as JSON: the paths of the files, and the CKN'))
    .action((options: GenkeyOptions) => choose(async () => (await import('./genkey.ts')).genkey(options)));
}

/** The configuration's own check says what is wrong with another. */
function cipherOption(): Option {
  return new Option('--cipher <suite>', 'cipher suite (default: gcm-aes-128)')
    .choices(CIPHER_SUITES.map(({ name }) => name))
    .argParser((text) => text);
}

function bitsOption(what: string): Option {
  const option = new Option('--bits <bits>', what).choices(['128', '256']);
  return option.argParser((text): KeyBits => {
    if (text === '128' || text === '256') return Number(text) as KeyBits;
    throw new InvalidArgumentError('It must be 128 or 256.');
  });
}

function wholeNumber(text: string): number {
  if (/^[0-9]+$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number.');
}
