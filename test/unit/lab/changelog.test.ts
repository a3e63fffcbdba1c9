/** How a version is released: the changelog's chapters, and who else names a version. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { changelogFaults, parseChangelog, release, strayVersions } from '../../../lab/changelog.ts';

const GOOD = `# Changelog

## Unreleased

### Before you upgrade
Nothing.

### Added
- A thing.

## 0.1.0 - 2026-12-01

### Before you upgrade
The first release.
`;

describe('CHANGELOG.md', () => {
  const text = readFileSync('CHANGELOG.md', 'utf8');

  it('has chapters of known sections, each with what to know before an upgrade', () => {
    expect(changelogFaults(text)).toEqual([]);
  });

  it('agrees with package.json and its lock about the newest version', () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
    const released = parseChangelog(text)[1]?.version;
    if (released !== undefined) expect(released).toBe(version);
    expect(JSON.parse(readFileSync('package-lock.json', 'utf8')).version).toBe(version);
  });
});

describe('a release', () => {
  it('gives what was not released its version and date, and leaves an empty chapter above', () => {
    const text = release(GOOD, '0.2.0', '2027-01-31');
    expect(changelogFaults(text)).toEqual([]);
    expect(parseChangelog(text).map(({ version, date }) => [version, date])).toEqual([
      [null, null],
      ['0.2.0', '2027-01-31'],
      ['0.1.0', '2026-12-01'],
    ]);
    expect(text).toContain('## Unreleased\n\n### Before you upgrade\nNothing.\n\n## 0.2.0 - 2027-01-31\n');
    expect(text).toContain('- A thing.');
  });

  it.each<[string, string, string, RegExp]>([
    ['that was released already', GOOD, '0.1.0', /0\.1\.0 has a chapter already/],
    ['of nothing', GOOD.replace('### Added\n- A thing.\n', ''), '0.2.0', /nothing new to release/],
    [
      'without a word to who upgrades',
      GOOD.replace('### Before you upgrade\nNothing.\n\n', ''),
      '0.2.0',
      /Unreleased does not begin with "### Before you upgrade"/,
    ],
    [
      'with an empty section',
      GOOD.replace('- A thing.', ''),
      '0.2.0',
      /Unreleased: "### Added" says nothing/,
    ],
    [
      'with a section of another name',
      GOOD.replace('### Added', '### News'),
      '0.2.0',
      /"### News" is none of/,
    ],
    [
      'with a chapter that has no date',
      GOOD.replace(' - 2026-12-01', ''),
      '0.2.0',
      /"## 0\.1\.0" is neither/,
    ],
  ])('%s is refused', (_, text, version, message) => {
    expect(() => release(text, version, '2027-01-31')).toThrow(message);
  });

  it.each([
    ['nfpm.yaml', 'name: l2vpnd\nversion: "0.1.0"\n', 'nfpm.yaml says 0.1.0'],
    ['changelog', 'l2vpnd (0.1.0-1) unstable; urgency=medium\n', 'changelog says 0.1.0-1'],
  ])('finds %s, which names another version', (path, text, said) => {
    expect(strayVersions(new Map([[path, text]]), '0.2.0')).toEqual([said]);
    expect(strayVersions(new Map([[path, text]]), '0.1.0')).toEqual([]);
    expect(strayVersions(new Map([[path, 'version: @VERSION@\n']]), '0.2.0')).toEqual([]);
  });
});
