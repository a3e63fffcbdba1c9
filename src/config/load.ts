/**
 * From a file to the effective configuration:
 *
 *   1. read       no such file 66, no access 77; others that may write it 78 (config-file.ts)
 *   2. hide       keys become random stand-ins before any string is made of the file (stand-ins.ts)
 *   3. parse      JSON with comments; a syntax error is told with line and column, never with the text around it: it
 *                 may be a key
 *   4. check      shape and cross-field rules (schema.ts, semantics.ts); every problem of the file at once
 *   5. resolve    stand-ins and key files become keys, relative paths become absolute (resolve.ts)
 *   6. check      that no key and nonce space serve two associations (keys.ts), that no CKN tells a CAK (mka-rules.ts)
 */
import { basename, dirname, resolve } from 'node:path';
import { L2vpnError } from '../errors.ts';
import { exposureOf, readConfigFile, refuseForeignWriters, textOf } from './config-file.ts';
import { findString, type JsonText, parseJson } from './json-text.ts';
import { checkKeyReuse } from './keys.ts';
import { checkCkns } from './mka-rules.ts';
import { formatPath, type Problem, problemLines, type Report } from './problem.ts';
import { type KeyFault, resolveConfig } from './resolve.ts';
import { parseRaw } from './schema.ts';
import { StandIns } from './stand-ins.ts';
import type { Config } from './types.ts';

/** Reads, checks and resolves the configuration in `path`. Throws L2vpnError, with its problems a line each. */
export function loadConfig(path: string): Config {
  const standIns = new StandIns();
  const { octets, stat } = readConfigFile(path);
  try {
    const exposure = exposureOf(path, stat);
    // Keys in comments, and in a file that is wrong in other ways, are as exposed as any.
    if (standIns.take(octets) > 0 && exposure !== null) throw new L2vpnError('L2VPN_KEYFILE', exposure);
    refuseForeignWriters(path, stat);
    return parseConfig(textOf(octets, path), path, standIns, exposure);
  } finally {
    octets.fill(0);
    standIns.wipe();
  }
}

/** The same from text; `path` is for messages and for what is relative to it; `exposure`: why no key may be in it. */
export function parseConfig(
  text: string,
  path: string,
  standIns: StandIns = new StandIns(),
  exposure: string | null = null,
): Config {
  const file = basename(path);
  const json = parseJson(text, file);
  const raw = parseRaw(json.value);
  const duplicates = json.duplicateNames();
  if (!raw.ok) throw configError(file, [...raw.problems, ...duplicates], json);
  if (duplicates.length > 0) throw configError(file, duplicates, json);

  const { config, faults } = resolveConfig(raw.config, { path: resolve(path), standIns, exposure });
  if (faults.length > 0) throw keyError(file, faults, json);
  const problems: Problem[] = [];
  const report: Report = (at, what) => problems.push({ path: at, text: what });
  checkKeyReuse(config, report);
  checkCkns(config, report);
  if (problems.length > 0) throw configError(file, problems, json);
  return config;
}

/**
 * The control socket that the configuration in `path` names, in whatever state the rest of it is; undefined: it names
 * none; null: that cannot be said. No key is read. Throws L2VPN_NOINPUT where there is no such file.
 */
export function findControlSocket(path: string): string | undefined | null {
  const standIns = new StandIns();
  try {
    const { octets } = readConfigFile(path);
    standIns.take(octets);
    const found = findString(octets.toString('utf8'), ['controlSocket']);
    octets.fill(0);
    return found === undefined || found === null ? found : resolve(dirname(resolve(path)), found);
  } catch (error) {
    if (error instanceof L2vpnError && error.code !== 'L2VPN_NOINPUT') return null;
    throw error;
  } finally {
    standIns.wipe();
  }
}

/** The problems in the order of the file, one line each: `site1.json:7: tunnels[0].gre.remote: …`. */
function configError(file: string, problems: readonly Problem[], json: JsonText): L2vpnError {
  return new L2vpnError('L2VPN_CONFIG', sayProblems(file, problems, json));
}

function keyError(file: string, faults: readonly KeyFault[], json: JsonText): L2vpnError {
  const problems = faults.map(({ path, error }) => ({ path, text: error.message }));
  const { error } = faults[0]!;
  const { code, exitStatus } = error;
  return new L2vpnError(code, sayProblems(file, problems, json), { exitStatus, cause: error });
}

function sayProblems(file: string, problems: readonly Problem[], json: JsonText): string {
  const said = problems.map(({ path, text }) => ({ line: json.lineOf(path), text: sayProblem(path, text) }));
  said.sort((a, b) => a.line - b.line);
  return problemLines(said.map(({ line, text }) => `${file}:${line}: ${text}`));
}

function sayProblem(path: Problem['path'], text: string): string {
  return path.length === 0 ? text : `${formatPath(path)}: ${text}`;
}
