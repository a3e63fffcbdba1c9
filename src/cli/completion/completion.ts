/** `l2vpnd completion SHELL`: a script made of the program tree. It asks a running daemon for the names of tunnels, and for nothing else. */
import type { Command } from 'commander';
import { describeProgram } from '../describe.ts';
import { bashScript } from './bash.ts';
import { fishScript } from './fish.ts';
import type { Shell } from './shells.ts';
import { zshScript } from './zsh.ts';

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript };

export async function completion(program: Command, shell: Shell): Promise<number> {
  process.stdout.write(SCRIPTS[shell](describeProgram(program)));
  return 0;
}
