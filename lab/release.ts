/**
 * A part of `npm version 1.2.3`: gives the changelog's unreleased chapter that version and today's date, and sees to it that
 * nothing under packaging/ names another. Throws, and the release does not happen, where something is missing.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot, packageVersion } from '../src/package-root.ts';
import { release, strayVersions } from './changelog.ts';

const PATH = join(packageRoot(), 'CHANGELOG.md');
const version = packageVersion();

function packagingFiles(): Map<string, string> {
  const folder = join(packageRoot(), 'packaging');
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(paths.map((path) => [path, readFileSync(path, 'utf8')]));
}

const strays = strayVersions(packagingFiles(), version);
if (strays.length > 0) throw new Error(`the version is ${version}, but ${strays.join('; ')}`);
writeFileSync(PATH, release(readFileSync(PATH, 'utf8'), version, new Date().toISOString().slice(0, 10)));
console.log(`CHANGELOG.md has a chapter ${version}`);
