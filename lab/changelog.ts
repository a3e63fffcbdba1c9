/**
 * CHANGELOG.md: a chapter per version, the newest first, and above them what is not released yet. Each begins with what one
 * has to know before an upgrade:
 *
 *     ## Unreleased                     ## 0.2.0 - 2027-01-31
 *     ### Before you upgrade            ### Before you upgrade
 *     ### Added  ### Changed …          …
 */

export interface Chapter {
  /** `0.2.0`; null: not released yet. */
  readonly version: string | null;
  /** `2027-01-31`; null where `version` is. */
  readonly date: string | null;
  readonly sections: readonly { readonly title: string; readonly text: string }[];
}

const BEFORE = 'Before you upgrade';
const TITLES = [BEFORE, 'Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security'];
const HEADING = /^## (?:Unreleased|(\d+\.\d+\.\d+\S*) - (\d{4}-\d{2}-\d{2}))$/;

/** What a chapter begins with when it is new. */
const EMPTY = `## Unreleased\n\n### ${BEFORE}\nNothing.\n`;

export function parseChangelog(text: string): Chapter[] {
  const chapters = text.split(/^(?=## )/m).slice(1);
  return chapters.map((chapter) => {
    const [heading = '', ...sections] = chapter.split(/^(?=### )/m);
    const [, version = null, date = null] = HEADING.exec(heading.trim()) ?? [];
    return { version, date, sections: sections.map(parseSection) };
  });
}

function parseSection(text: string): { title: string; text: string } {
  const [title = '', ...lines] = text.split('\n');
  return { title: title.slice(4).trim(), text: lines.join('\n').trim() };
}

/** What is wrong with it, in sentences. */
export function changelogFaults(text: string): string[] {
  const headings = text.split('\n').filter((line) => line.startsWith('## '));
  const odd = headings.filter((line) => !HEADING.test(line));
  const chapters = parseChangelog(text);
  const versions = chapters.map(({ version }) => version);
  return [
    ...odd.map((line) => `"${line}" is neither "## Unreleased" nor "## 1.2.3 - 2027-01-31"`),
    ...(versions[0] === null ? [] : ['there is no chapter "## Unreleased" at the top']),
    ...(new Set(versions).size === versions.length ? [] : ['a version has two chapters']),
    ...chapters.flatMap(chapterFaults),
  ];
}

function chapterFaults({ version, sections }: Chapter): string[] {
  const name = version ?? 'Unreleased';
  const odd = sections.filter(({ title }) => !TITLES.includes(title));
  const empty = sections.filter(({ text }) => text === '');
  return [
    ...(sections[0]?.title === BEFORE ? [] : [`${name} does not begin with "### ${BEFORE}"`]),
    ...odd.map(({ title }) => `${name}: "### ${title}" is none of ${TITLES.join(', ')}`),
    ...empty.map(({ title }) => `${name}: "### ${title}" says nothing`),
  ];
}

/** Why no version can be released of it, in sentences; empty: one can. */
export function releaseFaults(text: string): string[] {
  const faults = changelogFaults(text);
  const [unreleased] = parseChangelog(text);
  return (unreleased?.sections.length ?? 0) < 2 ? [...faults, 'there is nothing new to release'] : faults;
}

/** The changelog with what was not released as chapter `version`, and an empty one above it. Throws with what is wrong. */
export function release(text: string, version: string, date: string): string {
  const faults = releaseFaults(text);
  if (parseChangelog(text).some((chapter) => chapter.version === version))
    faults.push(`${version} has a chapter already`);
  if (faults.length > 0) throw new Error(`CHANGELOG.md: ${faults.join('; ')}`);
  return text.replace(/^## Unreleased$/m, `${EMPTY}\n## ${version} - ${date}`);
}

/** Files whose text names a version of the package that is not `version`, as packagers write it. */
export function strayVersions(files: ReadonlyMap<string, string>, version: string): string[] {
  return [...files].flatMap(([path, text]) => {
    const [, found] = /^(?:\s*version: *["']?v?|l2vpnd \()(\d+\.\d+\.\d+[^\s"')]*)/m.exec(text) ?? [];
    return found === undefined || found.replace(/-\d+$/, '') === version ? [] : [`${path} says ${found}`];
  });
}
