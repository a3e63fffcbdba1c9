/** When there are colours, and what has which. */
import { afterEach, describe, expect, it } from 'vitest';
import { type ColorWhen, hasColors, painted, setOutput } from '../../../src/cli/output.ts';

afterEach(() => setOutput({ color: 'auto', json: false }));

describe('colours', () => {
  it.each<[ColorWhen, NodeJS.ProcessEnv, boolean, boolean]>([
    ['auto', {}, true, true],
    ['auto', {}, false, false],
    ['auto', { NO_COLOR: '1' }, true, false],
    ['auto', { NO_COLOR: '' }, true, true],
    ['auto', { FORCE_COLOR: '1' }, false, true],
    ['auto', { FORCE_COLOR: '0' }, true, false],
    ['auto', { FORCE_COLOR: '1', NO_COLOR: '1' }, true, false],
    ['auto', { TERM: 'dumb' }, true, false],
    ['always', { NO_COLOR: '1' }, false, true],
    ['never', { FORCE_COLOR: '1' }, true, false],
  ])('--color %s, %j, on a terminal: %j → %j', (color, env, isTerminal, expected) => {
    setOutput({ color });
    expect(hasColors(1, env, () => isTerminal)).toBe(expected);
  });

  it('are never in JSON', () => {
    setOutput({ json: true, color: 'always' });
    expect(hasColors(1, {}, () => true)).toBe(false);
  });

  it('go around what a rule finds, and leave the text as it is', () => {
    const text = 'site2  up 3s\nsite3  DOWN 4s\n';
    const colored = painted(text, [
      [/up \S+/g, 'good'],
      [/DOWN \S+/g, 'bad'],
    ]);
    expect(colored).toBe('site2  \x1b[32mup 3s\x1b[39m\nsite3  \x1b[31mDOWN 4s\x1b[39m\n');
  });
});
