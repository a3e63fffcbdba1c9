/**
 * Transmit numbers that survive a restart and a crash: a (key, SCI, PN) never repeats.
 *
 *   open ─▶ next ─▶ reserve(ceiling) … reserve(ceiling) ─▶ close(next)
 *
 * A PN may be used only below a ceiling that `reserve` has resolved for. After a crash the next start goes on at the
 * ceiling; after `close` exactly at `next`. The first `reserve` also records that the key is used, so that a start
 * which finds that and no numbers refuses.
 */
import type { HostLocks } from '../host/host-lock.ts';
import { pnEnd } from '../macsec/packet-number.ts';
import { internal, notStored } from './faults.ts';
import { writeKeyRecord, writeMarker } from './key-record.ts';
import type { PnChannel } from './pn-channel.ts';
import { formatPn, pnFileName } from './pn-record.ts';
import type { StateDir } from './state-dir.ts';
import type { StateFile } from './state-file.ts';
import { type LockFds, TxLock } from './tx-lock.ts';
import { findTx, type TxStart } from './tx-start.ts';

const WHAT = 'packet numbers';
/** What follows the last number that there is. */
const PN_END = pnEnd(true);

/** Numbers that another process has kept so far, and its lock on them, which is ours too. */
export interface HandedTx {
  /** The first PN that it has not taken. */
  readonly next: bigint;
  /** What is on disk: PNs below are reserved. */
  readonly reserved: bigint;
  readonly locks: LockFds;
}

export interface TxPn {
  /** The first PN that was never granted: where a restart would go on. */
  readonly next: bigint;
  /** PNs from `next` on and below this are durably reserved already, for this process alone. */
  readonly reserved: bigint;
  /** True where nothing was stored: the first use of this key and channel, or a loss that left no trace. */
  readonly fresh: boolean;
  readonly path: string;
  /** PNs below `ceiling` may be used once this has resolved; it is on disk then. Rejects with L2VPN_STATE; may be tried again. */
  reserve(ceiling: bigint): Promise<void>;
  /** Resolves when nothing is being written. */
  idle(): Promise<void>;
  /** What locks it, for a process that goes on with the numbers; null: nothing does. */
  readonly locks: LockFds | null;
  /**
   * The clean stop: nothing below `next` is unused, nothing from it on was used. Releases the lock, also where it
   * rejects (L2VPN_STATE): a restart then goes on at the ceiling.
   */
  close(next: bigint): Promise<void>;
}

/** Opens and locks the numbers, at `floorPn` where nothing is stored. Throws L2VPN_STATE, L2VPN_UNAVAILABLE (locked), L2VPN_CONFIG (retired). */
export async function openTx(
  dir: StateDir,
  locks: HostLocks,
  channel: PnChannel,
  floorPn: bigint,
): Promise<TxPn> {
  const lock = await TxLock.take(dir, locks, channel);
  try {
    return new StoredTx(dir, lock, channel, await findTx(dir, channel, floorPn));
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** Goes on with the numbers of a process before, from where it stopped; nothing is read or written. */
export function goOnWithTx(dir: StateDir, locks: HostLocks, channel: PnChannel, handed: HandedTx): TxPn {
  const lock = TxLock.goOn(dir, locks, channel, handed.locks);
  const text = formatPn(channel, 'tx', handed.reserved);
  const start = { next: handed.reserved, fresh: false, text, recorded: true };
  return new StoredTx(dir, lock, channel, start, handed.next);
}

class StoredTx implements TxPn {
  readonly fresh: boolean;
  readonly path: string;
  readonly #dir: StateDir;
  readonly #lock: TxLock;
  readonly #channel: PnChannel;
  readonly #file: StateFile;
  readonly #start: bigint;
  readonly #unwatch: () => void;
  #stored: bigint;
  /** The highest ceiling that is being written. */
  #asked = 0n;
  /** That the key is used: recorded, or being so; null: not yet. */
  #recorded: Promise<void> | null;
  /** The lock file is to be taken again. */
  #unlocked = false;
  #closed = false;
  #pending: Promise<unknown> = Promise.resolve();

  /** What the process before has left of what is reserved; null: nothing, or it is granted. */
  #left: bigint | null;

  constructor(dir: StateDir, lock: TxLock, channel: PnChannel, start: TxStart, left: bigint | null = null) {
    this.#left = left;
    this.#dir = dir;
    this.#lock = lock;
    this.#channel = channel;
    this.#file = dir.file(pnFileName(channel, 'tx'));
    if (start.text !== null) this.#file.found(start.text);
    this.path = this.#file.path;
    this.fresh = start.fresh;
    this.#recorded = start.recorded ? Promise.resolve() : null;
    this.#stored = start.next;
    this.#start = left ?? start.next;
    this.#unwatch = dir.whenRemade(() => {
      this.#unlocked = true;
    });
  }

  get next(): bigint {
    return this.#left ?? this.#stored;
  }

  get reserved(): bigint {
    return this.#stored;
  }

  get locks(): LockFds | null {
    return this.#lock.fds;
  }

  async idle(): Promise<void> {
    await this.#pending;
    await this.#file.idle();
  }

  reserve(ceiling: bigint): Promise<void> {
    const granted = this.#asked > this.#stored ? this.#asked : this.#stored;
    if (this.#closed) return Promise.reject(internal(`reserve(${ceiling}) after close`));
    if (ceiling <= granted || ceiling > PN_END) {
      return Promise.reject(
        internal(`reserve(${ceiling}) is not above ${granted}, which is granted, or past the last number`),
      );
    }
    this.#asked = ceiling;
    const done = this.#grant(ceiling).finally(() => {
      if (this.#asked === ceiling) this.#asked = 0n;
    });
    this.#pending = Promise.allSettled([this.#pending, done]);
    return done;
  }

  async #grant(ceiling: bigint): Promise<void> {
    await this.#write(ceiling);
    await this.#record();
    if (ceiling > this.#stored) this.#stored = ceiling;
    this.#left = null;
  }

  async #write(pn: bigint): Promise<void> {
    await this.#file.put(formatPn(this.#channel, 'tx', pn)).catch((cause) => {
      throw notStored(WHAT, this.path, cause);
    });
    if (!this.#unlocked) return;
    await this.#lock.takeFile();
    this.#unlocked = false;
  }

  /** Once, whoever asks first; again only where it failed. */
  #record(): Promise<void> {
    this.#recorded ??= this.#writeRecords().catch((error) => {
      this.#recorded = null;
      throw error;
    });
    return this.#recorded;
  }

  async #writeRecords(): Promise<void> {
    await writeKeyRecord(this.#dir, this.#channel, 'used');
    await writeMarker(this.#dir, this.#channel, this.path);
  }

  async close(next: bigint): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#pending;
    try {
      if (next < this.#start || next > PN_END) {
        throw internal(
          `close(${next}) is below ${this.#start}, where this start began, or past the last number`,
        );
      }
      // Also the number that is stored already: the file may have been removed meanwhile.
      if (next !== this.#stored || this.#file.isKnown) await this.#write(next);
      this.#stored = next;
    } finally {
      await this.#end();
    }
  }

  /** From here on another process may have the numbers: nothing is put back. */
  async #end(): Promise<void> {
    this.#unwatch();
    await this.#file.idle();
    this.#dir.forget(pnFileName(this.#channel, 'tx'));
    await this.#lock.release();
  }
}
