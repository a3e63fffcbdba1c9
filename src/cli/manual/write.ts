/** Writes the manual pages into the directory that is named, or `out/man` beside package.json: `npm run man`. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot, packageVersion } from '../../package-root.ts';
import { describeProgram } from '../describe.ts';
import { createProgram } from '../program.ts';
import { commandsPage } from './commands-page.ts';
import { settingsPage } from './settings-page.ts';

/** A page is as old as what it was made of: of the last release, or of SOURCE_DATE_EPOCH, by which packagers build twice alike. */
function dateOf(changelog: string): string {
  const epoch = process.env.SOURCE_DATE_EPOCH;
  if (epoch !== undefined) return new Date(Number(epoch) * 1000).toISOString().slice(0, 10);
  const [, released] = /^## \d\S* - (\d{4}-\d{2}-\d{2})$/m.exec(changelog) ?? [];
  return released ?? new Date().toISOString().slice(0, 10);
}

const folder = process.argv[2] ?? join(packageRoot(), 'out', 'man');
const title = {
  date: dateOf(readFileSync(join(packageRoot(), 'CHANGELOG.md'), 'utf8')),
  version: `l2vpnd ${packageVersion()}`,
};
mkdirSync(folder, { recursive: true });
const program = describeProgram(createProgram(() => {}));
const pages = { 'l2vpnd.8': commandsPage(program, title), 'l2vpnd.json.5': settingsPage(title) };
for (const [name, text] of Object.entries(pages)) {
  writeFileSync(join(folder, name), text);
  console.log(`wrote ${join(folder, name)}`);
}
