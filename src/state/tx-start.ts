/** Where the transmit numbers of a channel go on, and when they must not: the judgement of what a start finds on disk. */
import { corruptTx, lostNumbers, notRead, olderThanConfig, retiredKey } from './faults.ts';
import { type KeyRecord, keyRecordName, markerPath, readKeyRecord, readMarker } from './key-record.ts';
import type { PnChannel } from './pn-channel.ts';
import { parsePn, pnFileName } from './pn-record.ts';
import type { StateDir } from './state-dir.ts';

export interface TxStart {
  readonly next: bigint;
  readonly fresh: boolean;
  /** As the file has it; null: there is none. */
  readonly text: string | null;
  /** That the key is used is recorded, in the directory and beside the key file. */
  readonly recorded: boolean;
}

/** At `floorPn` where nothing is stored. Throws L2VPN_STATE (corrupt, lost, older than the configuration), L2VPN_CONFIG (retired). */
export async function findTx(dir: StateDir, channel: PnChannel, floorPn: bigint): Promise<TxStart> {
  const name = pnFileName(channel, 'tx');
  const path = `${dir.path}/${name}`;
  const key = await readKeyRecord(dir, channel);
  if (key?.status === 'retired') throw retiredKey(channel, `${dir.path}/${keyRecordName(channel)}`, key.at);
  const marker = await readMarker(dir, channel);
  const text = await dir.read(name).catch((cause) => {
    throw notRead('packet numbers', path, cause);
  });
  const recorded = key !== null && (marker !== null || markerPath(channel) === null);
  if (text !== null)
    return { next: parseNext(text, channel, key, path, floorPn), fresh: false, text, recorded };
  refuseLoss(dir, channel, path, key, marker);
  return { next: floorPn, fresh: true, text, recorded };
}

/** Version 1 is not believed beside a record that only later versions leave. */
function parseNext(
  text: string,
  channel: PnChannel,
  key: KeyRecord | null,
  path: string,
  floorPn: bigint,
): bigint {
  const pn = parsePn(text, channel, 'tx', key === null);
  if (pn === null) throw corruptTx(path);
  if (pn < floorPn) throw olderThanConfig(path, pn, floorPn);
  return pn;
}

/** A trace of use without numbers. */
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
