/** The words of a shell script: what a shell makes of them, where one can tell without running it. */
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { shellCommands } from '../../../src/interchange/shell-words.ts';

function wordsOf(script: string): string[][] {
  return shellCommands(script).map(({ words }) => words.map(({ text, open }) => (open ? `?${text}` : text)));
}

describe('the words of a script', () => {
  it.each([
    ["'a b'  c", [['a b', 'c']]],
    ['"a $X" b', [['?a $X', 'b']]],
    ['X=1; a "$X"$X', [['a', '11']]],
    ['a \\\n  b', [['a', 'b']]],
    ['a\\ b', [['a b']]],
    ['a # b\nc', [['a'], ['c']]],
    ['a#b', [['a#b']]],
    ['a && b || c; d & e | f', [['a'], ['b'], ['c'], ['d'], ['e'], ['f']]],
    ['a >/dev/null 2>&1 b', [['a', 'b']]],
    ['a $(b c) d', [['a', '?$(b c)', 'd']]],
    ['a `b c` d', [['a', '?`b c`', 'd']]],
    ['a $((1 + 2))', [['a', '?$((1 + 2))']]],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a shell's
    ['A=x\nB=${A}y\na $B ${C:-z} ${A:-q} ${C}', [['a', 'xy', 'z', 'x', '?${C}']]],
    ['export A=x B=y\na $A$B', [['a', 'xy']]],
    ['A=$(cmd)\na $A', [['a', '?$(cmd)']]],
    ['(a; b)', [['a'], ['b']]],
    ["a 'unclosed", [['a', 'unclosed']]],
    ['a "unclosed', [['a', 'unclosed']]],
    ['', []],
  ])('%j', (script, words) => {
    expect(wordsOf(script)).toEqual(words);
  });

  it('know the line that a command begins on', () => {
    const lines = shellCommands('a\n\nb \\\n c\n"x\ny"\nd').map(({ line, words }) => [line, words[0]!.text]);
    expect(lines).toEqual([
      [1, 'a'],
      [3, 'b'],
      [5, 'x\ny'],
      [7, 'd'],
    ]);
  });

  it('a here-document belongs to the command that reads it, expanded unless its mark is quoted', () => {
    const [first, second, third] = shellCommands("X=1\na - <<END\n$X b\nEND\nc <<-'E'\n\t$X\n\tE\nd");
    expect(first).toMatchObject({ line: 2, input: '1 b' });
    expect(first!.words.map(({ text }) => text)).toEqual(['a', '-']);
    expect(second).toMatchObject({ line: 5, input: '$X' });
    expect(third).toMatchObject({ line: 8, input: null });
  });

  it('are those that sh itself makes', () => {
    const script = `A=one; B="two words"\nset -- 'a  b' "$A$B" \\$A x"y"'z' "q\\"r" a\\
b "\${A}s"`;
    const printed = execFileSync('sh', ['-c', `${script}\nprintf '%s\\0' "$@"`], { encoding: 'utf8' });
    expect(wordsOf(script).at(-1)!.slice(2)).toEqual(printed.split('\0').slice(0, -1));
  });
});
