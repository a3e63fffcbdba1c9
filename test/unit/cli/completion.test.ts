/** Completion as the shells themselves do it: each loads its script and is asked what may follow. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bashScript } from '../../../src/cli/completion/bash.ts';
import { fishScript } from '../../../src/cli/completion/fish.ts';
import type { Shell } from '../../../src/cli/completion/shells.ts';
import { allCommands, flagsOf } from '../../../src/cli/completion/tree.ts';
import { zshScript } from '../../../src/cli/completion/zsh.ts';
import { describeProgram } from '../../../src/cli/describe.ts';
import { createProgram } from '../../../src/cli/program.ts';

const PROGRAM = describeProgram(createProgram(() => {}));
const SCRIPTS = { bash: bashScript(PROGRAM), zsh: zshScript(PROGRAM), fish: fishScript(PROGRAM) };
const COMMANDS = PROGRAM.commands.map(({ name }) => name);

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'l2vpnd-completion-'));
  mkdirSync(join(dir, 'conf'));
  writeFileSync(join(dir, 'conf', 'site 1.json'), '');
  // In the place of a daemon's command: says the names, and to which daemon the question went.
  const stub = '#!/bin/sh\necho site2; echo site3; shift; [ $# = 0 ] || echo "asked$*" | tr -d " /-"\n';
  writeFileSync(join(dir, 'l2vpnd'), stub);
  chmodSync(join(dir, 'l2vpnd'), 0o755);
  for (const [shell, text] of Object.entries(SCRIPTS)) writeFileSync(join(dir, `l2vpnd.${shell}`), text);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function shell(
  name: string,
  args: readonly string[],
): { status: number | null; stdout: string; stderr: string } {
  const env = { ...process.env, PATH: `${dir}:${process.env.PATH}`, HOME: dir, XDG_CONFIG_HOME: dir };
  const { status, stdout, stderr } = spawnSync(name, args, {
    encoding: 'utf8',
    cwd: dir,
    env,
    timeout: 20_000,
  });
  return { status, stdout, stderr };
}

function isThere(name: Shell): boolean {
  const there = spawnSync(name, ['--version']).status === 0;
  if (!there) console.warn(`skipped: ${name} is not installed (npm run packages)`);
  return there;
}

/** The words that the shell offers for the last one of `line`. */
const OFFERS: Readonly<Record<'bash' | 'fish', (line: string) => string[]>> = {
  bash: (line) => {
    // Split at blanks and at `=`, as COMP_WORDBREAKS has it.
    const words = line.split(/ +|(=)/).filter((word) => word !== undefined);
    const array = words.map((word) => `'${word}'`).join(' ');
    const script = `source l2vpnd.bash; COMP_WORDS=(${array}); COMP_CWORD=${words.length - 1}
      f=$(complete -p l2vpnd | sed 's/.*-F \\([^ ]*\\).*/\\1/'); "$f"; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = shell('bash', ['--norc', '-c', script]);
    expect(stderr).toBe('');
    return stdout.split('\n').filter((word) => word !== '');
  },
  fish: (line) => {
    const { stdout, stderr } = shell('fish', [
      '--no-config',
      '-c',
      `source l2vpnd.fish; complete -C '${line}'`,
    ]);
    expect(stderr).toBe('');
    const words = stdout.split('\n').filter((word) => word !== '');
    return words.map((word) => word.split('\t')[0]!);
  },
};

const CASES: readonly [string, readonly string[]][] = [
  ['l2vpnd sh', ['show']],
  ['l2vpnd --config conf/x.json sta', ['status']],
  ['l2vpnd show ', ['site2', 'site3']],
  ['l2vpnd status site2 site3', ['site3']],
  ['l2vpnd rotate --now ', ['site2', 'site3']],
  ['l2vpnd rotate --socket /s ', ['asked', 'site2', 'site3']],
  ['l2vpnd show --stat', ['--statistics']],
  ['l2vpnd init --cipher gcm-aes-xpn', ['gcm-aes-xpn-128', 'gcm-aes-xpn-256']],
  ['l2vpnd init --bits ', ['128', '256']],
  ['l2vpnd show --color al', ['always']],
  ['l2vpnd completion ', ['bash', 'fish', 'zsh']],
  ['l2vpnd help gen', ['genkey']],
  ['l2vpnd check --config conf/si', ['conf/site 1.json']],
  ['l2vpnd check -c conf/si', ['conf/site 1.json']],
  ['l2vpnd init --dir con', ['conf/']],
];

describe.each(['bash', 'fish'] as const)('completion in %s', (name) => {
  const test = isThere(name) ? it : it.skip;

  test('the script is sound', () => {
    expect(shell(name, ['-n', `l2vpnd.${name}`])).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  test('of nothing yet: every command', () => {
    expect(
      OFFERS[name]('l2vpnd ')
        .filter((word) => !word.startsWith('-'))
        .sort(),
    ).toEqual([...COMMANDS].sort());
  });

  test.each(CASES)('%s', (line, expected) => {
    const offered = OFFERS[name](line).map((word) => (word.startsWith('asked') ? 'asked' : word));
    // bash adds the slash of a directory by itself; fish escapes a blank by itself.
    const plain = offered.map((word) => (word === 'conf' ? 'conf/' : word.replaceAll('\\ ', ' ')));
    expect(plain.sort()).toEqual(expected);
  });

  test('every option of every command', () => {
    for (const command of allCommands(PROGRAM)) {
      const longs = command.options.map(({ long }) => long);
      expect(OFFERS[name](`l2vpnd ${command.name}${command.name === '' ? '' : ' '}--`)).toEqual(
        expect.arrayContaining(longs),
      );
    }
  });
});

describe('completion in bash', () => {
  it('knows a value behind an equals sign', () => {
    expect(OFFERS.bash('l2vpnd show --color=al')).toEqual(['always']);
    expect(OFFERS.bash('l2vpnd show --color=').sort()).toEqual(['always', 'auto', 'never']);
    expect(OFFERS.bash('l2vpnd --config=x sho')).toEqual(['show']);
  });
});

describe('completion in zsh', () => {
  const test = isThere('zsh') ? it : it.skip;

  test('the script is sound', () => {
    expect(shell('zsh', ['-f', '-n', 'l2vpnd.zsh'])).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  test('offers what belongs there, at a prompt of its own', () => {
    writeFileSync(join(dir, '_l2vpnd'), SCRIPTS.zsh);
    // A zsh on a pseudo-terminal, as a person has it; each completion list is printed between marks.
    const script = `
      zmodload zsh/zpty
      zpty z zsh -f -i
      zpty -w z "PROMPT=; fpath=(${dir} \\$fpath); autoload -U compinit; compinit -u -D; zstyle ':completion:*' list-colors ''; zstyle ':completion:*' verbose no; LISTMAX=1000"
      zpty -w z "_tab() { _main_complete; print -n OFF''ERS \\$compstate[nmatches].; compstate[insert]=; compstate[list]=; }"
      zpty -w z "zle -C tab complete-word _tab; bindkey '^I' tab; print REA''DY"
      zpty -r -m z out '*READY*'
      for line in "$@"; do
        zpty -n -w z $'\\x15'"$line"$'\\t'
        zpty -r -m z out '*OFFERS [0-9]##.*'
        print -r -- "$line: \${\${out##*OFFERS }%%.*}"
      done
      zpty -d z`;
    const lines = [
      'l2vpnd ',
      'l2vpnd show ',
      'l2vpnd show --sta',
      'l2vpnd init --cipher ',
      'l2vpnd completion ',
    ];
    const { stdout, stderr } = shell('zsh', ['-f', '-c', `setopt extendedglob${script}`, 'zsh', ...lines]);
    expect(stderr).toBe('');
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => Number(line.split(': ')[1])),
    ).toEqual([COMMANDS.length, 2, 1, 4, 3]);
  });

  it('has every option of every command', () => {
    for (const { options } of allCommands(PROGRAM))
      for (const flag of options.flatMap(flagsOf)) expect(SCRIPTS.zsh).toContain(flag);
  });
});
