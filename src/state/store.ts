/**
 * What must survive a restart and a crash: the door of this room. Every call goes to the disk off the main thread and
 * resolves when what it stores is durable; a disk that is slow, full or frozen holds up nobody but who awaits it.
 *
 *   <id>.tx.json  <id>.rx.json  <id>.key.json  <id>.tx.json.lock  numbers, use and lock of a (key, SCI); <id>: `channelId`
 *   tunnel-<name>.rotation.json  tunnel-<name>.endpoint.json      what a tunnel has learned
 *   <keyFile>.<8 digits of id>.used                               beside a key file: that its numbers are stored somewhere
 */
import type { KeyObject } from 'node:crypto';
import { type HostLocks, hostLocks } from '../host/host-lock.ts';
import { Disk, type StateFs } from './disk.ts';
import { type LoadedEndpoint, loadEndpoint, type StoredEndpoint, saveEndpoint } from './endpoint-record.ts';
import type { OnStateEvent } from './events.ts';
import { readKeyRecord, writeKeyRecord } from './key-record.ts';
import type { PnChannel } from './pn-channel.ts';
import {
  clearRotation,
  loadRotation,
  type ReadKey,
  type RotationRecord,
  saveRotation,
} from './rotation-record.ts';
import { StateDir } from './state-dir.ts';
import { openRx, type RxPn } from './stored-rx.ts';
import { goOnWithTx, type HandedTx, openTx, type TxPn } from './stored-tx.ts';
import type { VolatileKind } from './volatile.ts';

export interface StateStore {
  readonly dir: string;
  /** What the directory lies on, where that forgets: see `volatileRefusal`. */
  readonly volatile: VolatileKind | null;
  openTx(channel: PnChannel, floorPn: bigint): Promise<TxPn>;
  /** In place of the process that had the numbers so far. */
  goOnWithTx(channel: PnChannel, handed: HandedTx): TxPn;
  openRx(channel: PnChannel, floorPn: bigint): Promise<RxPn>;
  /** The key is not to be used on this channel again: `openTx` and `openRx` refuse it from now on, for good. */
  retire(channel: PnChannel): Promise<void>;
  isRetired(channel: PnChannel): Promise<boolean>;
  /** An operator's decision; never ours. */
  unretire(channel: PnChannel): Promise<void>;
  saveRotation(tunnel: string, record: RotationRecord, readKey: ReadKey): Promise<void>;
  loadRotation(tunnel: string, readKey: ReadKey): Promise<RotationRecord | null>;
  clearRotation(tunnel: string): Promise<void>;
  saveEndpoint(tunnel: string, endpoint: StoredEndpoint, sak: KeyObject): Promise<void>;
  loadEndpoint(tunnel: string, saks: readonly KeyObject[]): Promise<LoadedEndpoint | null>;
  /** Looks whether directory and files are still there, and puts back what is not: once a second, say. Rejects with what stops that. */
  verify(): Promise<void>;
  /** After every `close` of what was opened. */
  close(): Promise<void>;
}

export interface StoreOptions {
  onEvent: OnStateEvent;
  fs?: StateFs;
  locks?: HostLocks;
}

/** Opens (and makes) state directory `path`. Throws L2VPN_CANTCREATE where it cannot be made, L2VPN_STATE where others could write it. */
export async function openStore(path: string, options: StoreOptions): Promise<StateStore> {
  const { locks = hostLocks } = options;
  const dir = await StateDir.open(path, new Disk(options.fs), options.onEvent);
  return {
    dir: path,
    volatile: dir.volatile,
    openTx: (channel, floorPn) => openTx(dir, locks, channel, floorPn),
    goOnWithTx: (channel, handed) => goOnWithTx(dir, locks, channel, handed),
    openRx: (channel, floorPn) => openRx(dir, channel, floorPn),
    retire: (channel) => writeKeyRecord(dir, channel, 'retired'),
    isRetired: async (channel) => (await readKeyRecord(dir, channel))?.status === 'retired',
    unretire: (channel) => writeKeyRecord(dir, channel, 'used'),
    saveRotation: (tunnel, record, readKey) => saveRotation(dir, tunnel, record, readKey),
    loadRotation: (tunnel, readKey) => loadRotation(dir, tunnel, readKey),
    clearRotation: (tunnel) => clearRotation(dir, tunnel),
    saveEndpoint: (tunnel, endpoint, sak) => saveEndpoint(dir, tunnel, endpoint, sak),
    loadEndpoint: (tunnel, saks) => loadEndpoint(dir, tunnel, saks),
    verify: () => dir.verify(),
    close: () => dir.close(),
  };
}
