/**
 * One file with one packet number that only grows, written so that a crash at any moment leaves the old number
 * or the new one: write a temporary file, fsync it, rename it, fsync the directory (`man 2 fsync`).
 *
 * The file is JSON for people, holds no key, and carries a checksum over its fields and its own name, so that
 * a torn, edited or exchanged file is refused and not believed.
 */
import { createHash } from 'node:crypto';
import type * as nodeFs from 'node:fs';
import { basename, dirname } from 'node:path';
import { errnoName, L2vpnError, messageOf } from '../errors.ts';
import { pnFromJson, pnToJson } from '../macsec/pn-json.ts';
import { makeDirs } from '../make-dirs.ts';

/** The calls of node:fs that this folder makes; tests hand in ones that fail. */
export type StateFs = Pick<
  typeof nodeFs,
  | 'openSync'
  | 'closeSync'
  | 'writeSync'
  | 'fsyncSync'
  | 'renameSync'
  | 'readFileSync'
  | 'mkdirSync'
  | 'accessSync'
>;

const VERSION = 1;
/** A state file has about 200 octets. */
const MAX_FILE_LEN = 4096;

export interface PnRecord {
  /** 16 hex digits; for people, as is `keyId`: the file's name is what binds it to key and channel. */
  sci: string;
  keyId: string;
  /** Transmit: the first PN that was never granted. Receive: the lowest that is still acceptable. */
  pn: bigint;
}

/** The record in `path`, or null where there is no such file. Throws L2VPN_STATE for what cannot be believed. */
export function readPnFile(fs: StateFs, path: string): PnRecord | null {
  let text: string;
  try {
    text = fs.readFileSync(path, 'utf8');
  } catch (cause) {
    if (errnoName(cause) === 'ENOENT') return null;
    throw new L2vpnError('L2VPN_STATE', `packet numbers in ${path} cannot be read: ${messageOf(cause)}`, {
      cause,
    });
  }
  const record = parseRecord(text, path);
  if (record === null) {
    const remedy =
      'restore the file, or take a new key at both ends and delete it; starting again would repeat packet numbers';
    throw new L2vpnError('L2VPN_STATE', `packet numbers in ${path} are corrupt: ${remedy}`);
  }
  return record;
}

function parseRecord(text: string, path: string): PnRecord | null {
  if (text.length > MAX_FILE_LEN) return null;
  try {
    const { version, sci, keyId, pn: stored, checksum } = JSON.parse(text);
    if (version !== VERSION || typeof sci !== 'string' || typeof keyId !== 'string') return null;
    const pn = pnFromJson(stored);
    if (pn === null) return null;
    const record = { sci, keyId, pn };
    return checksum === checksumOf(record, path) ? record : null;
  } catch {
    return null;
  }
}

function checksumOf({ sci, keyId, pn }: PnRecord, path: string): string {
  const fields = JSON.stringify([VERSION, basename(path), sci, keyId, pnToJson(pn)]);
  return createHash('sha256').update(fields).digest('hex').slice(0, 16);
}

/**
 * Makes `record` what a restart finds in `path`; on disk when it returns. A directory that somebody has removed is made
 * again. Throws L2VPN_STATE, old file intact or new file whole.
 */
export function writePnFile(fs: StateFs, path: string, record: PnRecord): void {
  const fields = { version: VERSION, ...record, pn: pnToJson(record.pn), checksum: checksumOf(record, path) };
  const text = `${JSON.stringify(fields)}\n`;
  try {
    try {
      replaceFile(fs, path, text);
    } catch (error) {
      if (errnoName(error) !== 'ENOENT') throw error;
      for (const made of makeDirs(dirname(path), 0o700, fs)) syncDirectory(fs, dirname(made));
      replaceFile(fs, path, text);
    }
  } catch (cause) {
    throw new L2vpnError('L2VPN_STATE', `packet numbers cannot be stored in ${path}: ${messageOf(cause)}`, {
      cause,
    });
  }
}

/** Writes beside `path`, and puts what was written in its place. */
function replaceFile(fs: StateFs, path: string, text: string): void {
  const temporary = `${path}.tmp`;
  withFile(fs, temporary, 'w', (fd) => {
    if (fs.writeSync(fd, text) !== Buffer.byteLength(text)) throw new Error('the disk took a part only');
    fs.fsyncSync(fd);
  });
  fs.renameSync(temporary, path);
  syncDirectory(fs, dirname(path));
}

/** Whether there is a file at `path`. */
export function isThere(fs: StateFs, path: string): boolean {
  try {
    fs.accessSync(path);
    return true;
  } catch (error) {
    if (errnoName(error) === 'ENOENT' || errnoName(error) === 'ENOTDIR') return false;
    throw error;
  }
}

/** Makes the names in directory `path` survive a power failure. */
export function syncDirectory(fs: StateFs, path: string): void {
  withFile(fs, path, 'r', (fd) => fs.fsyncSync(fd));
}

function withFile(fs: StateFs, path: string, flags: string, use: (fd: number) => void): void {
  const fd = fs.openSync(path, flags, 0o600);
  try {
    use(fd);
  } finally {
    fs.closeSync(fd);
  }
}
