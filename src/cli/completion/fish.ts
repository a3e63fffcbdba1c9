/** Completion in fish 3 and later. */
import type { CommandDescription, OptionDescription, ValueDescription } from '../describe.ts';
import { allCommands, flagsOf, valuedFlags } from './tree.ts';

export function fishScript(program: CommandDescription): string {
  const commands = allCommands(program);
  return `# fish completion for l2vpnd; made by: l2vpnd completion fish

function __l2vpnd_command --description 'The command on the line, if there is one yet'
    set -l words (commandline -opc)
    set -l skip 0
    for word in $words[2..]
        if test $skip = 1
            set skip 0
            continue
        end
        switch $word
            case ${valuedFlags(commands).join(' ')}
                set skip 1
            case '-*'
            case '*'
                echo $word
                return
        end
    end
end

function __l2vpnd_is --argument-names name
    set -l command (__l2vpnd_command)
    test "$command" = "$name"
end

function __l2vpnd_tunnels
    set -l daemon
    set -l words (commandline -opc)
    for i in (seq 2 (count $words))
        switch $words[$i]
            case -c --config --socket
                set -a daemon $words[$i] $words[(math $i + 1)]
            case '--config=*' '--socket=*'
                set -a daemon $words[$i]
        end
    end
    l2vpnd __names $daemon 2>/dev/null
end

complete -c l2vpnd -f
${program.commands.map(({ name, summary }) => `complete -c l2vpnd -n "__l2vpnd_is ''" -a ${name} -d ${quoted(summary)}`).join('\n')}
${commands.flatMap((command) => commandLines(command, program)).join('\n')}
`;
}

function commandLines(command: CommandDescription, program: CommandDescription): string[] {
  const when = `complete -c l2vpnd -n "__l2vpnd_is ${command.name === '' ? "''" : command.name}"`;
  const [argument] = command.name === '' ? [] : command.arguments;
  const names = program.commands.map(({ name }) => name);
  return [
    ...command.options.map((option) => `${when} ${optionSpec(option)}`),
    ...(argument === undefined || argument.kind === 'other'
      ? []
      : [`${when} ${fishValues(argument, names)}`]),
  ];
}

function optionSpec(option: OptionDescription): string {
  const flags = flagsOf(option).map((flag) =>
    flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
  );
  const { value, description } = option;
  const values =
    value === null || value.isOptional
      ? ''
      : ` ${value.kind === 'file' ? '-r' : '-x'} ${fishValues(value, [])}`;
  return `${flags.join(' ')} -d ${quoted(description)}${values}`.trimEnd();
}

/** Names of /sys/class/net that have a bridge. */
const BRIDGES = "(string replace -r '.*/(.*)/bridge$' '$1' /sys/class/net/*/bridge)";

function fishValues({ kind, words }: ValueDescription, commands: readonly string[]): string {
  switch (kind) {
    case 'words':
      return `-a ${quoted(words.join(' '))}`;
    case 'command':
      return `-a ${quoted(commands.join(' '))}`;
    case 'tunnel':
      return "-a '(__l2vpnd_tunnels)'";
    case 'file':
      return '-F';
    case 'directory':
      return "-a '(__fish_complete_directories)'";
    case 'bridge':
      return `-a ${quoted(BRIDGES)}`;
    case 'other':
      return '';
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
