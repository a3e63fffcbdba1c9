/** `l2vpnd export`: a tunnel of a configuration in the words of a kernel's tools, or as a Scapy program. */
import { basename, join, resolve } from 'node:path';
import { permitExampleKeys } from '../config/example-keys.ts';
import { loadConfig } from '../config/load.ts';
import { nearest } from '../config/nearest.ts';
import { quote } from '../config/problem.ts';
import type { Config, TunnelConfig } from '../config/types.ts';
import { errnoName, L2vpnError, messageOf } from '../errors.ts';
import { exportTunnel } from '../interchange/export-tunnel.ts';
import type { ExportedFile } from '../interchange/exported.ts';
import type { ExportFormat } from '../interchange/formats.ts';
import { makeDirs } from '../make-dirs.ts';
import { hardenForKeys, type KeyOptions } from './harden.ts';
import { sentences } from './import.ts';
import { writeNewFiles } from './new-files.ts';
import { type OutputOptions, printJson, printWarning } from './output.ts';

export interface ExportCommandOptions extends KeyOptions, OutputOptions {
  format: ExportFormat;
  peer?: boolean;
  /** Instead of `tap.bridge`. */
  bridge?: string;
  /** A file, with networkd a folder. */
  out?: string;
  showKeys?: boolean;
}

/** Throws L2VPN_USAGE, what loading throws, L2VPN_CONFIG, L2VPN_CANTCREATE, L2VPN_PERMISSION; no file is left then. */
export async function exportCommand(
  path: string,
  name: string | undefined,
  options: ExportCommandOptions,
): Promise<number> {
  await hardenForKeys();
  if (options.insecureExampleKeys) permitExampleKeys();
  const chosen = tunnelOf(loadConfig(path), name, path);
  const { format, peer = false, showKeys = false, out, bridge = chosen.tap.bridge } = options;
  const tunnel = { ...chosen, tap: { ...chosen.tap, bridge } };
  const { files, remarks } = exportTunnel(tunnel, { format, peer, showKeys: showKeys || out !== undefined });
  const isWhole = showKeys || out !== undefined || tunnel.macsec === null;
  const warnings = [...sentences(remarks), ...(isWhole ? [] : [WITHOUT_KEYS])];
  if (!options.json) for (const warning of warnings) printWarning(warning);
  const paths = out === undefined ? null : write(files, out, format);
  if (options.json) printJson({ ...(paths === null ? { files } : { paths }), warnings });
  else process.stdout.write(paths === null ? textOf(files) : sayWritten(paths, format));
  return 0;
}

function tunnelOf({ tunnels }: Config, name: string | undefined, path: string): TunnelConfig {
  const names = tunnels.map((tunnel) => tunnel.name);
  if (name === undefined) {
    if (tunnels.length === 1) return tunnels[0]!;
    throw usage(`${basename(path)} has ${tunnels.length} tunnels: name one of ${names.join(', ')}`);
  }
  const found = tunnels.find((tunnel) => tunnel.name === name || tunnel.tap.ifname === name);
  if (found !== undefined) return found;
  const near = nearest(name, names);
  throw usage(
    `${basename(path)} has no tunnel ${quote(name)}; ${near === null ? `it has ${names.join(', ')}` : `did you mean "${near}"?`}`,
  );
}

const WITHOUT_KEYS =
  'the keys are not in it: --out writes them, into files for the owner alone; --show-keys prints them';

/** Several in one text, each behind a line with its name. */
function textOf(files: readonly ExportedFile[]): string {
  if (files.length === 1) return files[0]!.text;
  return files.map((file) => `# ${file.name}\n${file.text}`).join('\n');
}

/** Returns the paths. */
function write(files: readonly ExportedFile[], out: string, format: ExportFormat): string[] {
  const isFolder = format === 'networkd';
  if (isFolder) makeFolder(out);
  const paths = files.map((file) => (isFolder ? join(out, file.name) : out));
  const made = files.map(({ text }, i) => ({ path: resolve(paths[i]!), octets: Buffer.from(text) }));
  try {
    writeNewFiles(made);
  } finally {
    for (const { octets } of made) octets.fill(0);
  }
  return paths;
}

function sayWritten(paths: readonly string[], format: ExportFormat): string {
  const all = paths.join(' ');
  const next = format === 'networkd' ? `sudo chgrp systemd-network ${all}\nsudo chmod 640 ${all}\n` : '';
  return `wrote ${paths.join(', ')}, for the owner alone\n${next}`;
}

function makeFolder(folder: string): void {
  try {
    makeDirs(folder, 0o755);
  } catch (cause) {
    const errno = errnoName(cause);
    const code = errno === 'EACCES' || errno === 'EPERM' ? 'L2VPN_PERMISSION' : 'L2VPN_CANTCREATE';
    throw new L2vpnError(code, `--out: ${folder} cannot be made: ${messageOf(cause)}`, { cause });
  }
}

function usage(text: string): L2vpnError {
  return new L2vpnError('L2VPN_USAGE', `${text}; see l2vpnd export --help`);
}
