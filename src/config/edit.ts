/**
 * Changes values in a configuration file and leaves everything else as people wrote it: comments, order, indentation.
 * The file is replaced as a whole, and only by one that loads.
 */
import {
  chmodSync,
  chownSync,
  closeSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  type Stats,
  writeSync,
} from 'node:fs';
import { basename } from 'node:path';
import { applyEdits, type Edit, getNodeValue, modify, parseTree } from 'jsonc-parser';
import { L2vpnError, messageOf } from '../errors.ts';
import { readConfigFile } from './config-file.ts';
import { loadConfig } from './load.ts';
import type { JsonPath } from './problem.ts';
import { StandIns } from './stand-ins.ts';

export interface Change {
  readonly path: JsonPath;
  readonly value: unknown;
}

/**
 * Writes what `changesOf` makes of the file at `path`: it gets the JSON as it stands, keys hidden, nothing checked. Throws
 * L2vpnError with the file as it was: what reading and loading throw, L2VPN_CANTCREATE where it cannot be written.
 */
export function editConfig(path: string, changesOf: (json: unknown) => readonly Change[]): void {
  const { octets, stat } = readConfigFile(path);
  const hidden = Buffer.from(octets);
  const standIns = new StandIns();
  try {
    // Stand-ins are as long as what they hide: an offset in the one text is the same in the other.
    standIns.take(hidden);
    replaceFile(path, edited(octets, hidden.toString('latin1'), changesOf, path), stat);
  } finally {
    octets.fill(0);
    standIns.wipe();
  }
}

/** `text`: `octets` with hidden keys, a character per octet. */
function edited(
  octets: Buffer,
  text: string,
  changesOf: (json: unknown) => readonly Change[],
  path: string,
): Buffer {
  const tree = parseTree(text, [], { allowTrailingComma: true });
  if (tree === undefined) throw new L2vpnError('L2VPN_CONFIG', `${basename(path)} is empty`);
  const formattingOptions = { insertSpaces: true, tabSize: 2, eol: '\n' };
  let [now, result] = [text, octets];
  for (const { path: at, value } of changesOf(getNodeValue(tree))) {
    const perOctet: unknown = JSON.parse(Buffer.from(JSON.stringify(value)).toString('latin1'));
    const edits = modify(now, [...at] as (string | number)[], perOctet, { formattingOptions });
    now = applyEdits(now, edits);
    result = applied(result, edits);
  }
  return result;
}

/** As `applyEdits` of jsonc-parser does it to a text. */
function applied(octets: Buffer, edits: readonly Edit[]): Buffer {
  const lastFirst = [...edits].sort((a, b) => b.offset - a.offset);
  return lastFirst.reduce((result, { offset, length, content }) => {
    const [before, after] = [result.subarray(0, offset), result.subarray(offset + length)];
    return Buffer.concat([before, Buffer.from(content, 'latin1'), after]);
  }, octets);
}

/** With the owner and the mode that it has. */
function replaceFile(path: string, octets: Buffer, { uid, gid, mode }: Stats): void {
  const temporary = `${path}.new`;
  try {
    const fd = openSync(temporary, 'wx', 0o600);
    try {
      writeSync(fd, octets);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    chownSync(temporary, uid, gid);
    chmodSync(temporary, mode & 0o7777);
    // Beside the file, so that what is relative to it is found.
    loadConfig(temporary);
    renameSync(temporary, path);
  } catch (cause) {
    rmSync(temporary, { force: true });
    if (cause instanceof L2vpnError) throw cause;
    throw new L2vpnError('L2VPN_CANTCREATE', `${path} cannot be written: ${messageOf(cause)}`, { cause });
  }
}
