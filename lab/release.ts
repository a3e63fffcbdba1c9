/**
 * A part of `npm version 1.2.3`: gives the changelog's unreleased chapter that version and today's date, and sees to it that
 * nothing under packaging/ names another. With `--check`, before the version is set: whether there is something to release.
 * Exit status 1, and the release does not happen, where something is missing.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot, packageVersion } from '../src/package-root.ts';
import { release, releaseFaults, strayVersions } from './changelog.ts';

const PATH = join(packageRoot(), 'CHANGELOG.md');
const version = packageVersion();

function packagingFiles(): Map<string, string> {
  const folder = join(packageRoot(), 'packaging');
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(paths.map((path) => [path, readFileSync(path, 'utf8')]));
}

function main(argv: readonly string[]): number {
  const text = readFileSync(PATH, 'utf8');
  const isCheck = argv.includes('--check');
  const faults = isCheck ? releaseFaults(text) : strayVersions(packagingFiles(), version);
  if (faults.length > 0) {
    console.error(`this cannot be released: ${faults.join('; ')}`);
    return 1;
  }
  if (isCheck) return 0;
  writeFileSync(PATH, release(text, version, new Date().toISOString().slice(0, 10)));
  console.log(`CHANGELOG.md has a chapter ${version}`);
  return 0;
}

process.exitCode = main(process.argv.slice(2));
