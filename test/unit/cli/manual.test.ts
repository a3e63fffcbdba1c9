/** The manual: nothing is missing in it, and those who read such pages find nothing wrong with them. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allCommands, flagsOf } from '../../../src/cli/completion/tree.ts';
import { describeProgram } from '../../../src/cli/describe.ts';
import { commandsPage } from '../../../src/cli/manual/commands-page.ts';
import { Page } from '../../../src/cli/manual/roff.ts';
import { settingsPage } from '../../../src/cli/manual/settings-page.ts';
import { createProgram } from '../../../src/cli/program.ts';
import { describeSettings } from '../../../src/config/describe.ts';
import { jsonSchema } from '../../../src/config/schema.ts';
import { EXIT_STATUS } from '../../../src/errors.ts';

const PROGRAM = describeProgram(createProgram(() => {}));
const TITLE = { date: '2026-11-24', version: 'l2vpnd 0.1.0' };
const PAGES = { 'l2vpnd.8': commandsPage(PROGRAM, TITLE), 'l2vpnd.json.5': settingsPage(TITLE) };

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'l2vpnd-man-'));
  for (const [name, text] of Object.entries(PAGES)) writeFileSync(join(dir, name), text);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** As somebody reads it, in one line. */
function rendered(name: string): string {
  const env = { ...process.env, MANWIDTH: '100', LC_ALL: 'C.UTF-8' };
  const { stdout } = spawnSync('man', ['-l', join(dir, name)], { encoding: 'utf8', env });
  return stdout.replace(/\s+/g, ' ');
}

function isThere(program: string): boolean {
  const there = spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
  if (!there) console.warn(`skipped: ${program} is not installed (npm run packages)`);
  return there;
}

describe.each(Object.keys(PAGES) as (keyof typeof PAGES)[])('%s', (name) => {
  it.runIf(isThere('mandoc'))('mandoc finds nothing wrong', () => {
    const { stdout, status } = spawnSync('mandoc', ['-T', 'lint', '-W', 'warning', join(dir, name)], {
      encoding: 'utf8',
    });
    expect([stdout, status]).toEqual(['', 0]);
  });

  it.runIf(isThere('man'))('man and groff find nothing wrong', () => {
    const env = { ...process.env, MANROFFSEQ: '', LC_ALL: 'C.UTF-8' };
    const { stderr, status } = spawnSync('man', ['--warnings', '-l', join(dir, name)], {
      encoding: 'utf8',
      env,
    });
    expect([stderr, status]).toEqual(['', 0]);
  });

  it.runIf(isThere('lexgrog'))('apropos finds its name', () => {
    const { stdout } = spawnSync('lexgrog', [join(dir, name)], { encoding: 'utf8' });
    expect(stdout).toContain(`"${name.replace(/\.\d$/, '')} - `);
  });
});

describe('l2vpnd(8)', () => {
  it('has the sections that one looks for', () => {
    const sections = [...PAGES['l2vpnd.8'].matchAll(/^\.SH "(.*)"$/gm)].map(([, title]) => title);
    expect(sections).toEqual([
      ...['NAME', 'SYNOPSIS', 'DESCRIPTION', 'OPTIONS', 'COMMANDS', 'JSON', 'SIGNALS', 'FILES'],
      ...['EXIT STATUS', 'ENVIRONMENT', 'EXAMPLES', 'SEE ALSO'],
    ]);
  });

  it('has every command, argument and option, with its description', () => {
    const text = PAGES['l2vpnd.8']
      .replaceAll('\\-', '-')
      .replaceAll('\\fB', '')
      .replaceAll('\\fR', '')
      .replaceAll('\\fI', '');
    for (const command of allCommands(PROGRAM)) {
      if (command.name !== '') expect(text).toContain(`.SS "l2vpnd ${command.name}"`);
      const own = text.slice(
        text.indexOf(command.name === '' ? '.SH "OPTIONS"' : `.SS "l2vpnd ${command.name}"`),
      );
      for (const option of command.options.filter(({ long }) => long !== '--help'))
        expect(own).toContain(flagsOf(option).join(', '));
      for (const argument of command.arguments) expect(own).toContain(`.TP\n${argument.name}\n`);
    }
  });

  it.runIf(isThere('man'))('has every exit status', () => {
    const text = rendered('l2vpnd.8');
    for (const status of Object.values(EXIT_STATUS))
      expect(text).toMatch(new RegExp(` ${status} \\(EX_[A-Z]+\\) `));
  });
});

describe('l2vpnd.json(5)', () => {
  it('has every setting of the schema', () => {
    const names = (schema: object): string[] =>
      Object.entries(schema).flatMap(([key, value]) => {
        if (typeof value !== 'object' || value === null) return [];
        return key === 'properties' ? [...Object.keys(value), ...names(value)] : names(value);
      });
    const all = new Set(names(jsonSchema()));
    const described = describeSettings().flatMap(({ settings }) => settings.map(({ name }) => name));
    expect(new Set(described)).toEqual(all);
    for (const name of all) expect(PAGES['l2vpnd.json.5']).toContain(`\\fB${name}\\fR: `);
  });

  it('says values, default and meaning of each', () => {
    const [tap] = describeSettings().filter(({ paths }) => paths.includes('tunnels[].tap'));
    expect(tap?.settings.find(({ name }) => name === 'mtu')).toMatchObject({
      ...{ values: '"auto" | 68..65535', default: '"auto"', isRequired: false },
      description: expect.stringMatching(/^What the tunnel carries/),
    });
    expect(tap?.settings.find(({ name }) => name === 'ifname')).toMatchObject({
      isRequired: true,
      default: null,
    });
    const places = describeSettings().map(({ paths }) => paths);
    expect(places).toContainEqual(['tunnels[].macsec.txSa[]', 'tunnels[].macsec.rxSc[].sa[]']);
  });
});

describe('text in a page', () => {
  it('is never a request, whatever it begins with', () => {
    const page = new Page({ name: 'x', section: 1, date: '2026-01-01', version: '1', manual: 'm' });
    const text = page.section('A').paragraph(".so '/etc/passwd' `-a` \\n <file> …").text();
    expect(text.split('\n').at(-2)).toBe(
      '\\&.so \\(aq/etc/passwd\\(aq \\fB\\-a\\fR \\en \\fIfile\\fR \\&...',
    );
  });
});
