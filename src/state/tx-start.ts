/** Where the transmit numbers of a channel go on, and when they must not: the judgement of what a start finds on disk. */
import { corruptTx, lostNumbers, notRead, olderThanConfig, retiredKey } from './faults.ts';
import { type KeyRecord, keyRecordName, markerPath, readKeyRecord, readMarker } from './key-record.ts';
import type { PnChannel } from './pn-channel.ts';
import { parsePn, pnFileName } from './pn-record.ts';
import type { StateDir } from './state-dir.ts';

export interface TxStart {
  readonly next: number;
  readonly fresh: boolean;
  /** That the key is used is recorded, in the directory and beside the key file. */
  readonly recorded: boolean;
}

/** At `floorPn` where nothing is stored. Throws L2VPN_STATE (corrupt, lost, older than the configuration), L2VPN_CONFIG (retired). */
export async function findTx(dir: StateDir, channel: PnChannel, floorPn: number): Promise<TxStart> {
  const path = `${dir.path}/${pnFileName(channel, 'tx')}`;
  const key = await readKeyRecord(dir, channel);
  if (key?.status === 'retired') throw retiredKey(channel, `${dir.path}/${keyRecordName(channel)}`, key.at);
  const marker = await readMarker(dir, channel);
  const stored = await readNumbers(dir, channel, key, path);
  if (stored === null) refuseLoss(dir, channel, path, key, marker);
  else if (stored < floorPn) throw olderThanConfig(path, stored, floorPn);
  const recorded = key !== null && (marker !== null || markerPath(channel) === null);
  return { next: stored ?? floorPn, fresh: stored === null, recorded };
}

/** Null: nothing is stored. Version 1 is not believed beside a record that only later versions leave. */
async function readNumbers(
  dir: StateDir,
  channel: PnChannel,
  key: KeyRecord | null,
  path: string,
): Promise<number | null> {
  const name = pnFileName(channel, 'tx');
  const text = await dir.read(name).catch((cause) => {
    throw notRead('packet numbers', path, cause);
  });
  if (text === null) return null;
  const pn = parsePn(text, channel, 'tx', key === null);
  if (pn === null) throw corruptTx(path);
  dir.file(name).found(text);
  return pn;
}

function refuseLoss(
  dir: StateDir,
  channel: PnChannel,
  path: string,
  key: KeyRecord | null,
  marker: string | null,
): void {
  if (key !== null) throw lostNumbers(channel, path, `${dir.path}/${keyRecordName(channel)}`);
  if (marker !== null) throw lostNumbers(channel, marker === '' ? path : marker, markerPath(channel)!);
}
