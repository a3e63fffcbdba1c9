/** Completion in zsh: a function for `$fpath`, by _arguments. */
import type {
  ArgumentDescription,
  CommandDescription,
  OptionDescription,
  ValueDescription,
} from '../describe.ts';
import { flagsOf } from './tree.ts';

export function zshScript(program: CommandDescription): string {
  return `#compdef l2vpnd
# zsh completion for l2vpnd; made by: l2vpnd completion zsh

_l2vpnd_tunnels() {
  local -a names daemon
  local flag
  for flag in -c --config --socket; do
    [[ -n \${opt_args[$flag]-} ]] && daemon+=($flag \${(Q)opt_args[$flag]})
  done
  names=(\${(f)"$(l2vpnd __names $daemon 2> /dev/null)"})
  compadd -a names
}

_l2vpnd_bridges() {
  local -a names
  names=(/sys/class/net/*/bridge(N:h:t))
  compadd -a names
}

_l2vpnd_commands() {
  local -a commands
  commands=(
${program.commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary.replaceAll(':', '\\:')}`)}`).join('\n')}
  )
  _describe -t commands command commands
}

_l2vpnd() {
  local curcontext="$curcontext" state line
  local -A opt_args
  _arguments -C -S \\
${program.options.map((option) => `    ${optionSpec(option)} \\\n`).join('')}    '1:command:_l2vpnd_commands' \\
    '*::argument:->arguments'
  [[ $state == arguments ]] || return
  case $words[1] in
${program.commands.map(commandCase).join('\n')}
  esac
}

_l2vpnd "$@"
`;
}

function commandCase({ name, options, arguments: args }: CommandDescription): string {
  const specs = [...options.map(optionSpec), ...args.map(argumentSpec)];
  return `    ${name})\n      _arguments -S ${specs.map((spec) => `\\\n        ${spec}`).join(' ')}\n      ;;`;
}

/** `'(-j --json)'{-j,--json}'[as JSON]'`, `'--socket=[…]:path:_files'`. */
function optionSpec(option: OptionDescription): string {
  const flags = flagsOf(option);
  const { value, description } = option;
  const text = `[${bracketed(description)}]${value === null ? '' : valueSpec(value, value.isOptional)}`;
  const named = flags.map((flag) => (value !== null && flag.startsWith('--') ? `${flag}=` : flag));
  if (flags.length === 1) return quoted(`${named[0]}${text}`);
  return `${quoted(`(${flags.join(' ')})`)}{${named.join(',')}}${quoted(text)}`;
}

function argumentSpec({ description: _, isRepeatable, isRequired, ...value }: ArgumentDescription): string {
  const place = isRepeatable ? '*' : '1';
  return quoted(place + (isRequired || isRepeatable ? ':' : '::') + valueSpec(value, false).slice(1));
}

function valueSpec(value: ValueDescription, isOptional: boolean): string {
  return `${isOptional ? '::' : ':'}${value.name.replaceAll(',', ' ')}:${zshValues(value)}`;
}

function zshValues({ kind, words }: ValueDescription): string {
  switch (kind) {
    case 'words':
      return `(${words.join(' ')})`;
    case 'command':
      return '_l2vpnd_commands';
    case 'tunnel':
      return '_l2vpnd_tunnels';
    case 'file':
      return '_files';
    case 'directory':
      return '_files -/';
    case 'bridge':
      return '_l2vpnd_bridges';
    case 'other':
      return ' ';
  }
}

/** Within the brackets of a spec. */
function bracketed(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('[', '\\[').replaceAll(']', '\\]');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
