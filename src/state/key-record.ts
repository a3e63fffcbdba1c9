/**
 * That a key was used on a channel, and whether it is retired: a record in the state directory, and a marker beside the
 * key file. Whoever loses one of the two (a state directory deleted, a container made again) is told by the other.
 */
import { dirname } from 'node:path';
import { errnoName, messageOf } from '../errors.ts';
import { isThere, readTrusted, writeDurably } from './durable-file.ts';
import { corruptKeyRecord, notRead, notStored } from './faults.ts';
import { channelId, type PnChannel } from './pn-channel.ts';
import { seal, unseal } from './sealed.ts';
import type { StateDir } from './state-dir.ts';

export interface KeyRecord {
  readonly status: 'used' | 'retired';
  /** When that came to be; ISO 8601. */
  readonly at: string;
}

const WHAT = 'the use of a key';

export function keyRecordName(channel: PnChannel): string {
  return `${channelId(channel)}.key.json`;
}

/** Where the marker of `channel` lies; null for a key from no file. */
export function markerPath(channel: PnChannel): string | null {
  const { keyFile } = channel;
  return keyFile == null ? null : `${keyFile}.${channelId(channel).slice(0, 8)}.used`;
}

/** Throws L2VPN_STATE for what cannot be believed: it may say that the key is retired. */
export async function readKeyRecord(dir: StateDir, channel: PnChannel): Promise<KeyRecord | null> {
  const name = keyRecordName(channel);
  const text = await dir.read(name).catch((cause) => {
    throw notRead(WHAT, `${dir.path}/${name}`, cause);
  });
  if (text === null) return null;
  const fields = unseal('key', channelId(channel), text, channel.sak);
  const { status, at } = fields ?? {};
  if ((status !== 'used' && status !== 'retired') || typeof at !== 'string') {
    throw corruptKeyRecord(channel, `${dir.path}/${name}`);
  }
  dir.file(name).found(text);
  return { status, at };
}

/** Durable when it resolves. Throws L2VPN_STATE. */
export async function writeKeyRecord(
  dir: StateDir,
  channel: PnChannel,
  status: KeyRecord['status'],
): Promise<void> {
  const { sak, sci, keyId } = channel;
  const fields = { sci, keyId, status, at: new Date().toISOString() };
  const file = dir.file(keyRecordName(channel));
  try {
    await file.put(seal('key', channelId(channel), fields, sak));
  } catch (cause) {
    throw notStored(WHAT, file.path, cause);
  }
}

/** Where the marker says that the numbers are, an empty string where it does not say; null: there is no marker. */
export async function readMarker(dir: StateDir, channel: PnChannel): Promise<string | null> {
  const path = markerPath(channel);
  if (path === null) return null;
  return dir.disk.run(async (fs) => {
    try {
      if (!(await isThere(fs, path))) return null;
      const text = await readTrusted(fs, path);
      const fields = text === null ? null : unseal('used', channelId(channel), text, channel.sak);
      return typeof fields?.stateFile === 'string' ? fields.stateFile : '';
    } catch (cause) {
      // It is there, of a daemon that ran as root: what it says is another matter.
      if (errnoName(cause) === 'EACCES') return '';
      throw notRead('the marker of a used key', path, cause);
    }
  });
}

/** A directory of keys that cannot be written is no reason not to start: said, and gone on without. */
export async function writeMarker(dir: StateDir, channel: PnChannel, stateFile: string): Promise<void> {
  const path = markerPath(channel);
  if (path === null) return;
  const { sak, sci, keyId } = channel;
  const text = seal('used', channelId(channel), { sci, keyId, stateFile }, sak);
  try {
    await dir.disk.run((fs) => writeDurably(fs, path, text));
  } catch (error) {
    const message =
      `no marker can be left beside key ${keyId} in ${dirname(path)}: ${messageOf(error)}; ` +
      `if ${dir.path} is lost, packet numbers of this key will repeat unnoticed`;
    dir.onEvent({ kind: 'marker', level: 'warn', message, path });
  }
}
