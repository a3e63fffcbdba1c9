/** Commands that other programs call: health checks, shells, scripts. What they do is in files of their own. */
import { Argument, type Command } from 'commander';
import { SHELLS, type Shell } from './completion/shells.ts';
import type { DaemonChoice } from './daemon-choice.ts';
import {
  type Choose,
  colorOption,
  configOption,
  instanceOption,
  jsonOption,
  socketOption,
} from './options.ts';
import type { OutputOptions } from './output.ts';
import type { StatusOptions } from './status.ts';

const STATUS_EXIT = `
Exit status: 0 only if every tunnel (of those named) is up and its peer alive; 69 where one is not, or no daemon answers.
Without --socket and --config the tunnels of every daemon on this host.`;

export function addScriptCommands(program: Command, choose: Choose): void {
  program
    .command('status')
    .argument('[names...]', 'tunnels, or their TAPs (default: all)')
    .description('print a line per tunnel; the exit status says whether all is well')
    .option('-q, --quiet', 'print nothing')
    .addOption(jsonOption('as JSON: an object per tunnel'))
    .addOption(configOption())
    .addOption(instanceOption())
    .addOption(socketOption())
    .addOption(colorOption())
    .addHelpText('after', STATUS_EXIT)
    .action((names: string[], _options: object, command: Command) => {
      const options = command.optsWithGlobals<StatusOptions>();
      choose(async () => (await import('./status.ts')).status(names, options));
    });
  program
    .command('version')
    .allowExcessArguments(false)
    .description('print the versions of this program, its configuration format and its control protocol')
    .addOption(jsonOption())
    .action((options: OutputOptions) => choose(async () => (await import('./version.ts')).version(options)));
  program
    .command('completion')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .allowExcessArguments(false)
    .description('print a script that completes command lines of l2vpnd in a shell')
    .addHelpText('after', COMPLETION_USE)
    .action((shell: Shell) =>
      choose(async () => (await import('./completion/completion.ts')).completion(program, shell)),
    );
  program
    .command(NAMES_COMMAND, { hidden: true })
    .allowExcessArguments(false)
    .addOption(configOption())
    .addOption(socketOption())
    .action((_options: object, command: Command) => {
      const options = command.optsWithGlobals<DaemonChoice>();
      choose(async () => (await import('./completion/names.ts')).printNames(options));
    });
}

/** What completion scripts ask for the names of tunnels. */
export const NAMES_COMMAND = '__names';

const COMPLETION_USE = `
Packages install it. By hand:
  l2vpnd completion bash > /etc/bash_completion.d/l2vpnd
  l2vpnd completion zsh > /usr/local/share/zsh/site-functions/_l2vpnd
  l2vpnd completion fish > /etc/fish/completions/l2vpnd.fish`;
