/**
 * From a file to the effective configuration:
 *
 *   1. read       no such file 66, no access 77
 *   2. hide       keys become random stand-ins before any string is made of the file (stand-ins.ts)
 *   3. parse      JSON; a syntax error is told with line and column, never with the text around it: it may be a key
 *   4. check      shape and cross-field rules (schema.ts, semantics.ts); every problem of the file at once
 *   5. resolve    stand-ins and key files become keys (keys.ts), relative paths become absolute
 *   6. check      that no key and nonce space serve two associations
 */
import { readFileSync, statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { sakLen } from '../crypto/cipher-suite.ts';
import { errnoName, L2vpnError, messageOf } from '../errors.ts';
import type { MacsecConfig, SaConfig } from '../macsec/config.ts';
import { pnFromJson } from '../macsec/pn-json.ts';
import { addressFamily } from './fields.ts';
import { LineFinder, parseJson } from './json-text.ts';
import { checkKeyReuse, keyFilePath, keyFromHex, readKeyFile } from './keys.ts';
import { formatPath, type JsonPath, type Problem } from './problem.ts';
import type { RawConfig, RawMacsec, RawSa, RawTunnel } from './raw.ts';
import { parseRaw } from './schema.ts';
import { rxScSci } from './semantics.ts';
import { StandIns } from './stand-ins.ts';
import type { Config, TunnelConfig } from './types.ts';

/** Larger than any sensible configuration, small enough to read at once. */
const MAX_CONFIG_LEN = 4 << 20;

/** Reads, checks and resolves the configuration in `path`. Throws L2vpnError, with all problems a line each. */
export function loadConfig(path: string): Config {
  const standIns = new StandIns();
  const octets = readConfigFile(path);
  try {
    standIns.take(octets);
    return parseConfig(octets.toString('utf8'), path, standIns);
  } finally {
    octets.fill(0);
    standIns.wipe();
  }
}

/** The same from text; `path` is for messages and for what is relative to it. */
export function parseConfig(text: string, path: string, standIns: StandIns = new StandIns()): Config {
  const file = basename(path);
  const value = parseJson(text, file);
  const lines = new LineFinder(text);
  const raw = parseRaw(value);
  const duplicates = lines.duplicateNames();
  if (!raw.ok) throw configError(file, [...raw.problems, ...duplicates], lines);
  if (duplicates.length > 0) throw configError(file, duplicates, lines);

  const folder = dirname(resolve(path));
  const config = resolveConfig(raw.config, new KeyReader(folder, standIns), folder, file, lines);
  const reuse: Problem[] = [];
  checkKeyReuse(config, (at, what) => reuse.push({ path: at, text: what }));
  if (reuse.length > 0) throw configError(file, reuse, lines);
  return config;
}

function readConfigFile(path: string): Buffer {
  try {
    const stat = statSync(path);
    if (!stat.isFile()) throw new L2vpnError('L2VPN_CONFIG', `${path} is not a regular file`);
    if (stat.size > MAX_CONFIG_LEN) {
      throw new L2vpnError(
        'L2VPN_CONFIG',
        `${path} has ${stat.size} octets; a configuration has at most ${MAX_CONFIG_LEN}`,
      );
    }
    return readFileSync(path);
  } catch (cause) {
    if (cause instanceof L2vpnError) throw cause;
    const errno = errnoName(cause);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') {
      throw new L2vpnError('L2VPN_NOINPUT', `${path} does not exist; name the configuration with --config`, {
        cause,
      });
    }
    if (errno === 'EACCES' || errno === 'EPERM') {
      throw new L2vpnError('L2VPN_PERMISSION', `${path} cannot be read: permission denied`, { cause });
    }
    throw new L2vpnError('L2VPN_CONFIG', `${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
}

/** All problems in the order of the file, one line each: `site1.json:7: tunnels[0].gre.remote: …`. */
function configError(file: string, problems: readonly Problem[], lines: LineFinder): L2vpnError {
  const said = problems.map(({ path, text }) => ({ line: lines.lineOf(path), text: sayProblem(path, text) }));
  said.sort((a, b) => a.line - b.line);
  return new L2vpnError('L2VPN_CONFIG', said.map(({ line, text }) => `${file}:${line}: ${text}`).join('\n'));
}

function sayProblem(path: JsonPath, text: string): string {
  return path.length === 0 ? text : `${formatPath(path)}: ${text}`;
}

/** Finds keys, reads key files; gathers what is wrong with them, so that all are told at once. */
class KeyReader {
  readonly #folder: string;
  readonly #standIns: StandIns;
  readonly faults: { path: JsonPath; error: L2vpnError }[] = [];

  constructor(folder: string, standIns: StandIns) {
    this.#folder = folder;
    this.#standIns = standIns;
  }

  read(sa: RawSa, octets: number, path: JsonPath): SaConfig['sak'] {
    if (sa.key !== undefined) return this.#standIns.keyOf(sa.key) ?? keyFromHex(sa.key);
    try {
      return readKeyFile(keyFilePath(sa.keyFile!, this.#folder), octets);
    } catch (error) {
      if (!(error instanceof L2vpnError)) throw error;
      this.faults.push({ path: [...path, 'keyFile'], error });
      return PLACEHOLDER;
    }
  }
}

/** Stands where a key could not be read, until the error is thrown; no configuration with it is returned. */
const PLACEHOLDER: SaConfig['sak'] = keyFromHex('00'.repeat(16));

function resolveConfig(
  raw: RawConfig,
  keys: KeyReader,
  folder: string,
  file: string,
  lines: LineFinder,
): Config {
  const tunnels = raw.tunnels.map((tunnel, i) => resolveTunnel(tunnel, keys, ['tunnels', i]));
  const [first] = keys.faults;
  if (first !== undefined) {
    const said = keys.faults.map(
      ({ path, error }) => `${file}:${lines.lineOf(path)}: ${formatPath(path)}: ${error.message}`,
    );
    const { code, exitStatus } = first.error;
    throw new L2vpnError(code, said.join('\n'), { exitStatus, cause: first.error });
  }
  return {
    tunnels,
    crypto: raw.crypto,
    workers: raw.workers,
    stateDir: resolve(folder, raw.stateDir),
    controlSocket: resolve(folder, raw.controlSocket),
    metrics: raw.metrics,
    log: raw.log,
  };
}

function resolveTunnel(raw: RawTunnel, keys: KeyReader, path: JsonPath): TunnelConfig {
  return {
    name: raw.name,
    tap: { ...raw.tap, mac: raw.tap.mac?.toLowerCase() ?? null },
    gre: { ...raw.gre, family: addressFamily(raw.gre.local) === 6 ? 6 : 4 },
    macsec: raw.macsec === null ? null : resolveMacsec(raw.macsec, keys, [...path, 'macsec']),
  };
}

function resolveMacsec(raw: RawMacsec, keys: KeyReader, path: JsonPath): MacsecConfig {
  const octets = sakLen(raw.cipher);
  const resolveSa = (sa: RawSa, at: JsonPath): SaConfig => ({
    an: sa.an,
    pn: pnFromJson(sa.pn)!,
    keyId: sa.keyId.toLowerCase(),
    sak: keys.read(sa, octets, at),
    active: sa.active,
    ssci: sa.ssci,
    salt: sa.salt === null ? null : Buffer.from(sa.salt, 'hex'),
  });
  return {
    ...raw,
    txSa: raw.txSa.map((sa, i) => resolveSa(sa, [...path, 'txSa', i])),
    rxSc: raw.rxSc.map((sc, i) => ({
      sci: rxScSci(sc)!,
      active: sc.active,
      sa: sc.sa.map((sa, j) => resolveSa(sa, [...path, 'rxSc', i, 'sa', j])),
    })),
  };
}
