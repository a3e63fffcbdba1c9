/** `l2vpnd export`: a tunnel of a configuration in the words of a kernel's tools, or as a Scapy program. */
import { basename, join, resolve } from 'node:path';
import { permitExampleKeys } from '../config/example-keys.ts';
import { loadConfig } from '../config/load.ts';
import { nearest } from '../config/nearest.ts';
import { quote } from '../config/problem.ts';
import type { Config, TunnelConfig } from '../config/types.ts';
import { errnoName, L2vpnError, messageOf } from '../errors.ts';
import { type ExportFormat, exportTunnel } from '../interchange/export-tunnel.ts';
import type { ExportedFile } from '../interchange/exported.ts';
import { makeDirs } from '../make-dirs.ts';
import { hardenForKeys, type KeyOptions } from './harden.ts';
import { sayRemarks } from './import.ts';
import { writeNewFiles } from './new-files.ts';

export interface ExportCommandOptions extends KeyOptions {
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
  sayRemarks(remarks);
  if (out === undefined) print(files, showKeys || tunnel.macsec === null);
  else write(files, out, format);
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

/** Several in one text, each behind a line with its name. */
function print(files: readonly ExportedFile[], isWhole: boolean): void {
  if (!isWhole)
    process.stderr.write(
      'l2vpnd: warning: the keys are not in it: --out writes them, into files for the owner alone; --show-keys prints them\n',
    );
  const [first] = files;
  if (files.length === 1) process.stdout.write(first!.text);
  else process.stdout.write(files.map((file) => `# ${file.name}\n${file.text}`).join('\n'));
}

function write(files: readonly ExportedFile[], out: string, format: ExportFormat): void {
  const isFolder = format === 'networkd';
  if (isFolder) makeFolder(out);
  const paths = files.map((file) => (isFolder ? join(out, file.name) : out));
  const made = files.map(({ text }, i) => ({ path: resolve(paths[i]!), octets: Buffer.from(text) }));
  try {
    writeNewFiles(made);
  } finally {
    for (const { octets } of made) octets.fill(0);
  }
  const next = isFolder
    ? `sudo chgrp systemd-network ${paths.join(' ')}\nsudo chmod 640 ${paths.join(' ')}\n`
    : '';
  process.stdout.write(`wrote ${paths.join(', ')}, for the owner alone\n${next}`);
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
