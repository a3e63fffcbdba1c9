/** The table of checks: its names, its sentences, and that the documentation has them. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { HOST_CHECKS, TUNNEL_CHECKS } from '../../../src/doctor/checks.ts';
import { finder } from '../../../src/doctor/finding.ts';
import { checksTable, findingsTable } from './documented.ts';

const CHECKS = [...HOST_CHECKS, ...TUNNEL_CHECKS];
const DOCUMENT = readFileSync('docs/reference/doctor.md', 'utf8');

/** What lies between `<!-- NAME -->` and `<!-- end -->`. */
function documented(name: string): string {
  const from = DOCUMENT.indexOf(`<!-- ${name} -->`) + `<!-- ${name} -->`.length;
  return DOCUMENT.slice(from, DOCUMENT.indexOf('<!-- end -->', from)).trim();
}

describe('the checks of l2vpnd doctor', () => {
  it('have names of their own', () => {
    const names = CHECKS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/);
  });

  it('say what is wrong, why, and what to do, on one line', () => {
    for (const { cases } of CHECKS) {
      for (const { says, cause, remedy } of Object.values(cases)) {
        for (const text of [says, cause, remedy]) {
          expect(text).toMatch(/^\S.*\S$/);
          expect(text).not.toMatch(/[.;:]$|\n/);
        }
      }
    }
  });

  it('are in the documentation, with all that they may find', () => {
    expect(documented('checks')).toBe(checksTable());
    expect(documented('findings')).toBe(findingsTable());
  });
});

describe('a finding', () => {
  const found = finder({
    one: { level: 'either', says: 'it is {what}', cause: 'so', remedy: 'do {what}' },
  } as const);

  it('has what was seen in its sentences, on one line whatever that holds', () => {
    expect(found('one', { what: 'a\nb\u001b[31m' })).toEqual({
      ...{ level: 'fault', id: 'one', says: 'it is a b [31m', cause: 'so', remedy: 'do a b [31m' },
    });
  });

  it('of either kind is a warning where nobody suffers', () => {
    expect(found('one', { what: 'x' }, false).level).toBe('warning');
  });
});
