/** `l2vpnd import`: the links of a kernel, from the files that make or show them, as a configuration in new files. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { isExampleKey } from '../config/example-keys.ts';
import { keyFromHex, secretOctets } from '../config/keys.ts';
import { formatPath, problemLines } from '../config/problem.ts';
import { parseRaw } from '../config/schema.ts';
import { errnoName, L2vpnError, messageOf } from '../errors.ts';
import { chooseSite } from '../interchange/choose-site.ts';
import type { SourceFormat } from '../interchange/formats.ts';
import type { Remark } from '../interchange/kernel-site.ts';
import { readSources, type SourceText } from '../interchange/read-source.ts';
import { type SiteDraft, siteDraft } from '../interchange/to-site.ts';
import { hardenForKeys } from './harden.ts';
import { writeNewFiles } from './new-files.ts';
import { type OutputOptions, printJson, printWarning } from './output.ts';

export interface ImportOptions extends OutputOptions {
  from?: SourceFormat;
  /** Namespace of the script whose site is meant; empty: none. */
  netns?: string;
  out?: string;
  showKeys?: boolean;
}

/** Longer than any script of links that people wrote. */
const MAX_SOURCE_LEN = 1 << 20;
const STDIN = 'standard input';

/** Throws L2VPN_NOINPUT, L2VPN_DATA, L2VPN_USAGE, L2VPN_CANTCREATE, L2VPN_PERMISSION; no file is left then. */
export async function importSources(paths: readonly string[], options: ImportOptions): Promise<number> {
  await hardenForKeys();
  const texts = paths.flatMap(textsAt);
  const named = texts.map(({ source }) => source).join(', ');
  const found = readSources(texts, options.from ?? null);
  const site = chooseSite(found.sites, options.netns ?? null, named);
  const draft = siteDraft(
    site,
    found.sites.filter((one) => one !== site),
    {
      inlineKeys: options.showKeys === true,
      prefix: options.out === undefined ? '' : `${basename(options.out, '.json')}-`,
    },
  );
  refuseUnfit(draft, named, sentences([...found.remarks, ...draft.remarks]));
  const warnings = [...sentences([...found.remarks, ...draft.remarks]), ...keyWarnings(draft, options.out)];
  if (!options.json) for (const warning of warnings) printWarning(warning);
  const made = options.out === undefined ? { config: draft.json } : write(draft, options.out);
  if (options.json) printJson({ ...made, warnings });
  else if ('config' in made) process.stdout.write(`${JSON.stringify(made.config, null, 2)}\n`);
  else process.stdout.write(`wrote ${made.paths.join(', ')}\nsudo l2vpnd check --config ${options.out}\n`);
  return 0;
}

/** A file, a folder of systemd-networkd's files, or `-`. */
function textsAt(path: string): SourceText[] {
  try {
    if (path === '-') return [{ source: STDIN, text: textOf(0, STDIN) }];
    if (!statSync(path).isDirectory()) return [{ source: path, text: textOf(path, path) }];
    const names = readdirSync(path).filter((name) => /\.(netdev|network)$/.test(name));
    if (names.length === 0)
      throw new L2vpnError('L2VPN_DATA', `${path} is a folder without .netdev and .network files`);
    return names
      .sort()
      .map((name) => ({ source: join(path, name), text: textOf(join(path, name), join(path, name)) }));
  } catch (cause) {
    throw cause instanceof L2vpnError ? cause : unreadable(path, cause);
  }
}

function textOf(from: string | 0, source: string): string {
  const octets = readFileSync(from);
  if (octets.length > MAX_SOURCE_LEN)
    throw new L2vpnError(
      'L2VPN_DATA',
      `${source} has ${octets.length} octets; at most ${MAX_SOURCE_LEN} are read`,
    );
  return octets.toString('utf8');
}

function unreadable(path: string, cause: unknown): L2vpnError {
  const errno = errnoName(cause);
  if (errno === 'ENOENT' || errno === 'ENOTDIR')
    return new L2vpnError('L2VPN_NOINPUT', `${path} does not exist`, { cause });
  if (errno === 'EACCES' || errno === 'EPERM')
    return new L2vpnError('L2VPN_PERMISSION', `${path} cannot be read: permission denied`, { cause });
  return new L2vpnError('L2VPN_DATA', `${path} cannot be read: ${messageOf(cause)}`, { cause });
}

/** As they are told, a line each. */
export function sentences(remarks: readonly Remark[]): string[] {
  return remarks.map(({ where, text }) => `${where}: ${text}`);
}

/** Throws L2VPN_DATA where the links make no configuration. */
function refuseUnfit({ json }: SiteDraft, named: string, warnings: readonly string[]): void {
  const parsed = parseRaw(json);
  if (parsed.ok) return;
  for (const warning of warnings) printWarning(warning);
  if (json.tunnels.length === 0)
    throw new L2vpnError(
      'L2VPN_DATA',
      `${named}: no tunnel in it is one that l2vpnd can have; the warnings say why`,
    );
  const lines = parsed.problems.map(({ path, text }) => `${formatPath(path)}: ${text}`);
  throw new L2vpnError('L2VPN_DATA', `${named}: l2vpnd has no such tunnel:\n${problemLines(lines)}`);
}

/** What is to be known of the keys; `out`: the file that they are written beside. */
function keyWarnings({ keys, missing }: SiteDraft, out: string | undefined): string[] {
  const unwritten = keys.map(({ file }) => file).join(', ');
  const toFill = missing
    .map((file) => (out === undefined ? file : join(dirname(resolve(out)), file)))
    .join(', ');
  return [
    ...(out === undefined && keys.length > 0
      ? [
          `the keys are not shown, and ${unwritten} not written: --out FILE writes them, --show-keys puts the keys in here`,
        ]
      : []),
    ...(keys.some(({ hex }) => isExampleKey(keyFromHex(hex)))
      ? [
          'these are keys of the published examples, which everybody has, and l2vpnd refuses them: make new ones for both ends ("l2vpnd genkey --sak")',
        ]
      : []),
    ...(missing.length > 0
      ? [
          `the source does not show the keys: put each, in hex, into the file that the configuration names for it (mode 600): ${toFill}`,
        ]
      : []),
  ];
}

/** Returns the paths, the configuration's first. */
function write({ json, keys }: SiteDraft, out: string): { paths: string[] } {
  const folder = dirname(resolve(out));
  const keyFiles = keys.map(({ file, hex }) => ({ path: join(folder, file), octets: keyText(hex) }));
  const site = { path: resolve(out), octets: Buffer.from(`${JSON.stringify(json, null, 2)}\n`) };
  try {
    writeNewFiles([...keyFiles, site]);
  } finally {
    for (const { octets } of keyFiles) octets.fill(0);
  }
  return { paths: [out, ...keys.map(({ file }) => join(dirname(out), file))] };
}

function keyText(hex: string): Buffer {
  const text = secretOctets(hex.length + 1);
  text.write(`${hex}\n`, 'latin1');
  return text;
}
