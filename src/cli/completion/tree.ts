/** What the scripts of all shells need of the program tree. */
import type { CommandDescription, OptionDescription } from '../describe.ts';

/** The commands, and first the program itself with the name '': a line that names no command yet. */
export function allCommands(program: CommandDescription): CommandDescription[] {
  return [{ ...program, name: '' }, ...program.commands];
}

/** `-j` and `--json`. */
export function flagsOf({ short, long }: OptionDescription): string[] {
  return short === null || short === long ? [long] : [short, long];
}

/** Of every option after which a value has to follow. */
export function valuedFlags(commands: readonly CommandDescription[]): string[] {
  const options = commands.flatMap((command) => command.options);
  const valued = options.filter(({ value }) => value !== null && !value.isOptional);
  return [...new Set(valued.flatMap(flagsOf))];
}
