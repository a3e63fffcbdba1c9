/**
 * The program tree as data, as `--help` knows it: for completion scripts, the manual, and what else tells of commands and
 * options. Hidden commands are left out.
 */
import type { Argument, Command, Option } from 'commander';

export interface CommandDescription {
  /** `show`; of the program `l2vpnd`. */
  readonly name: string;
  readonly summary: string;
  readonly arguments: readonly ArgumentDescription[];
  readonly options: readonly OptionDescription[];
  readonly commands: readonly CommandDescription[];
}

/** What stands for a value, and what may be written there. */
export interface ValueDescription {
  readonly name: string;
  readonly kind: ValueKind;
  /** Empty unless `kind` is `words`. */
  readonly words: readonly string[];
}

export type ValueKind = 'words' | 'tunnel' | 'command' | 'file' | 'directory' | 'bridge' | 'other';

export interface ArgumentDescription extends ValueDescription {
  readonly description: string;
  readonly isRequired: boolean;
  readonly isRepeatable: boolean;
}

export interface OptionDescription {
  /** `-j`; null: there is none. */
  readonly short: string | null;
  /** `--json`. */
  readonly long: string;
  /** Null: it takes none. */
  readonly value: (ValueDescription & { readonly isOptional: boolean }) | null;
  readonly description: string;
  readonly isRequired: boolean;
  readonly default: string | null;
}

export function describeProgram(program: Command): CommandDescription {
  const help = program.createHelp();
  return {
    name: program.name(),
    summary: program.description(),
    arguments: program.registeredArguments.map(describeArgument),
    options: help.visibleOptions(program).map(describeOption),
    commands: help.visibleCommands(program).map(describeProgram),
  };
}

function describeArgument(argument: Argument): ArgumentDescription {
  const name = argument.name();
  return {
    ...describeValue(name, KINDS[name] ?? ARGUMENT_KINDS[name], argument.argChoices),
    description: argument.description,
    isRequired: argument.required,
    isRepeatable: argument.variadic,
  };
}

function describeOption(option: Option): OptionDescription {
  const [, name] = /[<[](.+?)[>\]]$/.exec(option.flags) ?? [];
  const long = option.long ?? option.short!;
  return {
    short: option.short ?? null,
    long,
    value: name === undefined ? null : describeOptionValue(name, long, option),
    description: option.description,
    isRequired: option.mandatory,
    default: option.defaultValue === undefined ? null : String(option.defaultValue),
  };
}

function describeOptionValue(
  name: string,
  long: string,
  { argChoices, optional }: Option,
): NonNullable<OptionDescription['value']> {
  return {
    ...describeValue(name, KINDS[name] ?? OPTION_KINDS[long], argChoices),
    isOptional: optional,
  };
}

function describeValue(
  name: string,
  kind: ValueKind | undefined,
  words: readonly string[] | undefined,
): ValueDescription {
  if (words !== undefined) return { name, kind: 'words', words: [...words] };
  return { name, kind: kind ?? 'other', words: [] };
}

/** What a value is, by the name that the help gives it. */
const KINDS: Readonly<Record<string, ValueKind>> = {
  file: 'file',
  path: 'file',
  capture: 'file',
  packet: 'file',
  directory: 'directory',
  command: 'command',
};

/** The same for arguments alone, and for options by their own names. */
const ARGUMENT_KINDS: Readonly<Record<string, ValueKind>> = {
  name: 'tunnel',
  names: 'tunnel',
  source: 'file',
};
const OPTION_KINDS: Readonly<Record<string, ValueKind>> = { '--bridge': 'bridge' };
