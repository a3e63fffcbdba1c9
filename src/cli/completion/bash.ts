/** Completion in bash 4 and later, without the package bash-completion. */
import type { CommandDescription, OptionDescription, ValueDescription } from '../describe.ts';
import { allCommands, flagsOf, valuedFlags } from './tree.ts';

export function bashScript(program: CommandDescription): string {
  const commands = allCommands(program);
  return `# bash completion for l2vpnd; made by: l2vpnd completion bash

_l2vpnd_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2"); }
_l2vpnd_files() { compopt -o filenames 2> /dev/null; mapfile -t COMPREPLY < <(compgen "$1" -- "$2"); }
_l2vpnd_bridges() { local all=(/sys/class/net/*/bridge); all=("\${all[@]%/bridge}"); _l2vpnd_words "\${all[*]##*/}" "$1"; }

_l2vpnd() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} command= daemon=() word i
  COMPREPLY=()
  # --option=value comes as three words.
  if [[ $cur == '=' ]]; then cur=; elif [[ $prev == '=' ]]; then prev=\${COMP_WORDS[COMP_CWORD - 2]}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case $word in
      ${valuedFlags(commands).join(' | ')})
        ((i++))
        [[ \${COMP_WORDS[i]} == '=' ]] && ((i++))
        case $word in -c | --config | --socket) daemon+=("$word" "\${COMP_WORDS[i]}") ;; esac
        ;;
      -*) ;;
      *) [[ $command ]] || command=$word ;;
    esac
  done
  case "$command $prev" in
${commands.flatMap(({ name, options }) => options.flatMap((option) => valueCase(name, option))).join('\n')}
  esac
  case $command in
${commands.map((command) => commandCase(command, program)).join('\n')}
  esac
}
complete -F _l2vpnd l2vpnd
`;
}

/** What may follow an option that wants a value. */
function valueCase(command: string, option: OptionDescription): string[] {
  const { value } = option;
  if (value === null || value.isOptional) return [];
  const patterns = flagsOf(option).map((flag) => `"${command} ${flag}"`);
  return [`    ${patterns.join(' | ')}) ${bashValues(value, [])}; return ;;`];
}

function commandCase(
  { name, options, arguments: [argument] }: CommandDescription,
  program: CommandDescription,
): string {
  const flags = options.flatMap(flagsOf).join(' ');
  const names = program.commands.map((one) => one.name);
  const what: ValueDescription | undefined =
    name === '' ? { name: 'command', kind: 'command', words: [] } : argument;
  const values = what === undefined ? ':' : bashValues(what, names);
  return `    '${name}') if [[ $cur == -* ]]; then _l2vpnd_words '${flags}' "$cur"; else ${values}; fi ;;`;
}

function bashValues({ kind, words }: ValueDescription, commands: readonly string[]): string {
  switch (kind) {
    case 'words':
      return `_l2vpnd_words '${words.join(' ')}' "$cur"`;
    case 'command':
      return `_l2vpnd_words '${commands.join(' ')}' "$cur"`;
    case 'tunnel':
      return `_l2vpnd_words "$("\${COMP_WORDS[0]}" __names "\${daemon[@]}" 2> /dev/null)" "$cur"`;
    case 'file':
      return '_l2vpnd_files -f "$cur"';
    case 'directory':
      return '_l2vpnd_files -d "$cur"';
    case 'bridge':
      return '_l2vpnd_bridges "$cur"';
    case 'other':
      return ':';
  }
}
