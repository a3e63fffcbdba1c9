/** argv → command. Knows the commands and options; what a command does is in its own file, loaded when it is asked for. */
import { Command, CommanderError, Option } from 'commander';
import { nearest } from '../config/nearest.ts';
import { errnoName, type L2vpnError } from '../errors.ts';
import { releaseSignals } from '../host/signals.ts';
import { packageVersion } from '../package-root.ts';
import type { DaemonChoice } from './daemon-choice.ts';
import type { DoctorOptions } from './doctor.ts';
import type { ExplainOptions } from './explain.ts';
import type { KeyOptions } from './harden.ts';
import { addInterchangeCommands } from './interchange-commands.ts';
import { addKeyCommands } from './key-commands.ts';
import {
  type Action,
  type Choose,
  colorOption,
  configOption,
  exampleKeysOption,
  instanceOption,
  jsonOption,
  positive,
  socketOption,
  usageError,
  wholeNumber,
} from './options.ts';
import { type OutputOptions, setOutput } from './output.ts';
import type { RotateOptions } from './rotate.ts';
import type { RunOptions } from './run.ts';
import { addScriptCommands } from './script-commands.ts';
import type { ShowOptions } from './show.ts';

const EXAMPLES = `
Examples:
  $ sudo l2vpnd init --a 192.0.2.1 --b 198.51.100.2 --dir /etc/l2vpnd
  $ sudo l2vpnd --config /etc/l2vpnd/site1.json
  $ l2vpnd check --config /etc/l2vpnd/site1.json
  $ sudo l2vpnd status
  $ sudo l2vpnd show -s site2
  $ sudo l2vpnd doctor
  $ l2vpnd explain --config /etc/l2vpnd/site1.json -r wan.pcap

Exit status: 0 stopped by a signal; 64 usage, 65 no packet, 66 no such file, 69 something this host lacks, or of
status and show: a tunnel is down or its peer lost, of doctor: a fault, 70 internal fault, 71 system error or packet-number state, 73 cannot create,
75 busy, try again, 77 permission, 78 configuration.
`;

/** Runs the command in `argv` (without node and script); returns the exit status. Throws L2vpnError. */
export async function runProgram(argv: readonly string[]): Promise<number> {
  setOutput({ json: asksForJson(argv) });
  let action: Action | null = null;
  const program = createProgram((chosen) => {
    action = chosen;
  });
  try {
    program.parse(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 0;
    throw usageError(error.message);
  }
  return (action as Action | null)?.() ?? 0;
}

/** The faults of a command line are told as its author wants them, though it was not understood. */
function asksForJson(argv: readonly string[]): boolean {
  return argv.some((word) => word === '--json' || /^-[a-z]*j$/.test(word));
}

/** The whole tree; `choose` gets what the command that `parse` finds has to do. */
export function createProgram(choose: Choose): Command {
  const program: Command = new Command('l2vpnd')
    .description('A Layer-2 site-to-site VPN: MACsec (IEEE 802.1AE) over GRETAP, in userspace.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .enablePositionalOptions()
    .allowExcessArguments(true)
    .addOption(configOption())
    .addOption(
      new Option(
        '--log-format <format>',
        'format of the log (default: pretty on a terminal, else json)',
      ).choices(['json', 'pretty']),
    )
    .addOption(exampleKeysOption())
    .option(
      '--take-over',
      'take the tunnels of the daemon that runs with this configuration, without a gap; it then ends',
    )
    .addOption(colorOption())
    .addHelpText('after', EXAMPLES)
    .hook('preAction', (_program, command) => {
      setOutput(command.optsWithGlobals<OutputOptions>());
      if (command !== program) behaveAsUsual();
    })
    .action((options: { logFormat?: 'json' | 'pretty' }, command: Command) => {
      const [stranger] = command.args;
      if (stranger !== undefined) throw unknownCommand(stranger, program);
      const path = configPath(command);
      choose(async () => {
        const { run } = await import('./run.ts');
        return run(path, options.logFormat ?? null, command.optsWithGlobals<RunOptions>());
      });
    });
  program
    .command('check')
    .allowExcessArguments(false)
    .description('check a configuration; print it with every default, keys hidden')
    .addOption(configOption())
    .addOption(exampleKeysOption())
    .addOption(jsonOption('one object: "config", and "warnings" instead of lines on stderr'))
    .addOption(colorOption())
    .action((_options: object, command: Command) => {
      const path = configPath(command);
      choose(async () => {
        const { check } = await import('./check.ts');
        return check(path, command.optsWithGlobals<KeyOptions & OutputOptions>());
      });
    });
  program
    .command('show')
    .argument('[name]', 'a tunnel, or its TAP')
    .allowExcessArguments(false)
    .description('print what `ip macsec show` would, of a running daemon')
    .option('-s, --statistics', 'with every counter')
    .addOption(jsonOption('as JSON, with the keys of `ip -j -s macsec show`'))
    .addOption(configOption())
    .addOption(instanceOption())
    .addOption(socketOption())
    .addOption(colorOption())
    .addHelpText('after', '\nExit status: 69 where a tunnel that is shown is down, or its peer lost.')
    .action((name: string | undefined, _options: object, command: Command) => {
      const options = command.optsWithGlobals<ShowOptions>();
      choose(async () => (await import('./show.ts')).show(name, options));
    });
  program
    .command('doctor')
    .argument('[tunnel]', 'a tunnel, or its TAP')
    .allowExcessArguments(false)
    .description(
      'look for what is wrong, with a running daemon or without: a line each, with cause and remedy',
    )
    .addOption(jsonOption('as JSON: "worst", and "findings"'))
    .addOption(configOption())
    .addOption(instanceOption())
    .addOption(socketOption())
    .addOption(exampleKeysOption())
    .addOption(colorOption())
    .addHelpText('after', '\nChanges nothing. Exit status: 69 where there is a fault; warnings are none.')
    .action((tunnel: string | undefined, _options: object, command: Command) => {
      const options = command.optsWithGlobals<DoctorOptions>();
      choose(async () => (await import('./doctor.ts')).doctor(tunnel, options));
    });
  program
    .command('explain')
    .argument('[packet]', 'hex of a packet, or a file with hex or a capture; - is standard input')
    .allowExcessArguments(false)
    .description('decode packets field by field; say whether a configuration would accept them, and why not')
    .option('-r, --read <capture>', 'read a capture (pcap, pcapng)')
    .option('-n, --count <packets>', 'at most so many packets', positive)
    .addOption(jsonOption('as JSON, a line each'))
    .addOption(configOption())
    .addOption(colorOption())
    .action((packet: string | undefined, _options: object, command: Command) => {
      const options = command.optsWithGlobals<ExplainOptions>();
      choose(async () => (await import('./explain.ts')).explain(packet, options));
    });
  program
    .command('rotate')
    .argument('<name>', 'the tunnel')
    .allowExcessArguments(false)
    .description('change the keys of a running tunnel without loss: at one end, then with --now at the other')
    .option('--tx-key-file <file>', 'the new key to send with (hex; the peer receives with it)')
    .option('--rx-key-file <file>', 'the new key to receive with (hex; the peer sends with it)')
    .option('--tx-key-id <hex>', 'its identifier (default: the last one plus 1)')
    .option('--rx-key-id <hex>', 'its identifier (default: the last one plus 1)')
    .addOption(
      new Option('--an <an>', 'the AN of the new SAs (default: the next one)')
        .choices(['0', '1', '2', '3'])
        .argParser(wholeNumber),
    )
    .option('--sci <hex>', 'the rxSc, where there are several')
    .option('--salt <hex>', 'XPN: a new salt (default: as it was)')
    .option('--now', 'send with the new key at once: the peer has it already')
    .addOption(
      new Option('--grace <seconds>', 'how long the old keys stay (default: 10)').argParser(wholeNumber),
    )
    .addOption(
      new Option(
        '--back <seconds>',
        'with --now: go back to the old key if the peer does not follow (default: 30, 0: never)',
      ).argParser(wholeNumber),
    )
    .addOption(
      new Option('--wait [seconds]', 'until both ends are done (75: not within that time)').argParser(
        wholeNumber,
      ),
    )
    .option('--write', 'wait, then write the new SAs into the file that --config names')
    .option('--abort', 'take back a rotation that is not done')
    .addOption(jsonOption('as JSON: an object per step'))
    .addOption(configOption())
    .addOption(instanceOption())
    .addOption(socketOption())
    .action((name: string, _options: object, command: Command) => {
      const options = command.optsWithGlobals<RotateOptions>();
      choose(async () => (await import('./rotate.ts')).rotate(name, options));
    });
  program
    .command('reload')
    .allowExcessArguments(false)
    .description('make a running daemon apply its configuration file; as SIGHUP does')
    .addOption(jsonOption('as JSON: names of tunnels by what was done'))
    .addOption(configOption())
    .addOption(instanceOption())
    .addOption(socketOption())
    .action((_options: object, command: Command) => {
      const options = command.optsWithGlobals<DaemonChoice>();
      choose(async () => (await import('./reload.ts')).reload(options));
    });
  addKeyCommands(program, choose);
  addScriptCommands(program, choose);
  addInterchangeCommands(program, choose);
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({ writeErr: () => {}, outputError: () => {} });
  }
  return program;
}

/** A command that ends by itself: signals end it too, and `l2vpnd check … | head` is no fault. */
function behaveAsUsual(): void {
  releaseSignals();
  process.stdout.on('error', (error) => {
    if (errnoName(error) !== 'EPIPE') throw error;
  });
}

function configPath(command: Command): string {
  const { config } = command.optsWithGlobals<{ config?: string }>();
  if (config === undefined)
    throw usageError('--config is missing: name the configuration, like --config site1.json');
  return config;
}

function unknownCommand(name: string, program: Command): L2vpnError {
  const known = program
    .createHelp()
    .visibleCommands(program)
    .map((command) => command.name());
  const near = nearest(name, known);
  const hint = near === null ? `commands are ${known.join(', ')}` : `did you mean "${near}"?`;
  return usageError(`unknown command "${name}"; ${hint}`);
}
