/** The options of `import` and `export`; what they do is in import.ts and export.ts. */
import { type Command, Option } from 'commander';
import { EXPORT_FORMATS, SOURCE_FORMATS } from '../interchange/formats.ts';
import type { ExportCommandOptions } from './export.ts';
import type { ImportOptions } from './import.ts';
import { type Choose, configOption, exampleKeysOption, jsonOption, usageError } from './options.ts';

const IMPORT_EXAMPLES = `
Examples:
  $ sudo l2vpnd import tunnel.sh --netns nsra --out /etc/l2vpnd/site1.json
  $ (ip -d -j link; ip -j macsec show) | l2vpnd import -
  $ sudo l2vpnd import /etc/systemd/network --out /etc/l2vpnd/site1.json

Nothing of a script is run. Exit status: 65 no tunnel in it, or none that l2vpnd can have; 66 no such file.
`;

const EXPORT_EXAMPLES = `
Examples:
  $ sudo l2vpnd export --config site1.json --format iproute2 --out site1.sh          # this end as a kernel's
  $ sudo l2vpnd export --config site1.json --format iproute2 --peer --out site2.sh   # the other end as a kernel's
  $ sudo l2vpnd export --config site1.json --format networkd --out /etc/systemd/network

Exit status: 78 the format cannot say the tunnel, or the configuration is wrong.
`;

export function addInterchangeCommands(program: Command, choose: Choose): void {
  program
    .command('import')
    .argument(
      '<source...>',
      'a script, what "ip -d -j link" and "ip -j macsec show" print, .netdev and .network files or their folder; - is standard input',
    )
    .allowExcessArguments(false)
    .description(
      "make a configuration of a kernel's gretap and macsec links; with a warning for what it cannot say",
    )
    .addOption(
      new Option('--from <format>', 'the format of the source (default: told by its content)').choices(
        SOURCE_FORMATS,
      ),
    )
    .option('--netns <name>', 'the site in this network namespace, where a script makes several')
    .option(
      '-o, --out <file>',
      'write it to a new file, and its keys to new files beside it, for the owner alone',
    )
    .option('--show-keys', 'keys stand in the configuration itself')
    .addOption(jsonOption('one object: "config", or the paths of the files, and "warnings"'))
    .addHelpText('after', IMPORT_EXAMPLES)
    .action((sources: string[], options: ImportOptions) =>
      choose(async () => (await import('./import.ts')).importSources(sources, options)),
    );
  program
    .command('export')
    .argument('[name]', 'the tunnel, or its TAP, where there are several')
    .allowExcessArguments(false)
    .description(
      'print a tunnel as a kernel would have it, or as a Scapy program; with a warning for what that cannot say',
    )
    .addOption(configOption())
    .addOption(
      new Option('-f, --format <format>', 'what to make').choices(EXPORT_FORMATS).makeOptionMandatory(),
    )
    .option('--peer', 'the other end of the tunnel instead of this one')
    .option('--bridge <name>', 'the bridge there (default: as in the configuration)')
    .option(
      '-o, --out <path>',
      'write it to a new file, with networkd to new files in a folder, keys included, for the owner alone',
    )
    .option('--show-keys', 'print the keys too')
    .addOption(exampleKeysOption())
    .addOption(jsonOption('one object: "files", or their paths, and "warnings"'))
    .addHelpText('after', EXPORT_EXAMPLES)
    .action((name: string | undefined, _options: object, command: Command) => {
      const options = command.optsWithGlobals<ExportCommandOptions & { config?: string }>();
      const { config } = options;
      if (config === undefined)
        throw usageError('--config is missing: name the configuration, like --config site1.json');
      choose(async () => (await import('./export.ts')).exportCommand(config, name, options));
    });
}
