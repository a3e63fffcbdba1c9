/**
 * How far a receiver has come, so that a restart does not accept again what it has: forward only. What is lost in a
 * crash is at most what came since the last `save`.
 */
import { pnEnd } from '../macsec/packet-number.ts';
import { corruptRx, notRead, notStored, retiredKey } from './faults.ts';
import { keyRecordName, readKeyRecord } from './key-record.ts';
import type { PnChannel } from './pn-channel.ts';
import { formatPn, parsePn, pnFileName } from './pn-record.ts';
import type { StateDir } from './state-dir.ts';
import type { StateFile } from './state-file.ts';

const WHAT = 'receive progress';
/** What follows the last number that there is. */
const PN_END = pnEnd(true);

export interface RxPn {
  /** The lowest PN to accept. */
  readonly lowest: bigint;
  readonly fresh: boolean;
  readonly path: string;
  /** Stores `lowest` where it is above what is stored; resolves when it, or more, is on disk. Rejects with L2VPN_STATE; may be tried again. */
  save(lowest: bigint): Promise<void>;
  /** Resolves when nothing is being written. */
  idle(): Promise<void>;
  /** Resolves when nothing is being written any more. */
  close(): Promise<void>;
}

/** Opens the receive numbers: the higher of what is stored and `floorPn`. Throws L2VPN_STATE, L2VPN_CONFIG (retired). */
export async function openRx(dir: StateDir, channel: PnChannel, floorPn: bigint): Promise<RxPn> {
  const name = pnFileName(channel, 'rx');
  const path = `${dir.path}/${name}`;
  const key = await readKeyRecord(dir, channel);
  if (key?.status === 'retired') throw retiredKey(channel, `${dir.path}/${keyRecordName(channel)}`, key.at);
  const text = await dir.read(name).catch((cause) => {
    throw notRead(WHAT, path, cause);
  });
  if (text === null) return new StoredRx(dir, channel, floorPn, true);
  const pn = parsePn(text, channel, 'rx', true);
  if (pn === null) throw corruptRx(path, floorPn);
  dir.file(name).found(text);
  return new StoredRx(dir, channel, pn > floorPn ? pn : floorPn, false);
}

class StoredRx implements RxPn {
  readonly fresh: boolean;
  readonly path: string;
  readonly #dir: StateDir;
  readonly #channel: PnChannel;
  readonly #file: StateFile;
  #stored: bigint;
  /** The highest that is being written. */
  #asked = 0n;
  #pending: Promise<void> = Promise.resolve();

  constructor(dir: StateDir, channel: PnChannel, lowest: bigint, fresh: boolean) {
    this.#dir = dir;
    this.#channel = channel;
    this.#file = dir.file(pnFileName(channel, 'rx'));
    this.path = this.#file.path;
    this.#stored = lowest;
    this.fresh = fresh;
  }

  get lowest(): bigint {
    return this.#stored;
  }

  save(lowest: bigint): Promise<void> {
    if (lowest > PN_END || lowest <= this.#stored) return Promise.resolve();
    if (lowest <= this.#asked) return this.#pending;
    this.#asked = lowest;
    this.#pending = this.#write(lowest).finally(() => {
      if (this.#asked === lowest) this.#asked = 0n;
    });
    return this.#pending;
  }

  async #write(lowest: bigint): Promise<void> {
    try {
      await this.#file.put(formatPn(this.#channel, 'rx', lowest));
    } catch (cause) {
      throw notStored(WHAT, this.path, cause);
    }
    if (lowest > this.#stored) this.#stored = lowest;
  }

  idle(): Promise<void> {
    return this.#file.idle();
  }

  async close(): Promise<void> {
    await this.#file.idle();
    this.#dir.forget(pnFileName(this.#channel, 'rx'));
  }
}
