/**
 * Packet numbers that survive a restart and a crash: a (key, SCI, PN) never repeats.
 *
 * Numbers belong to a key and a channel, not to a tunnel or an AN: renaming a tunnel, moving a key to another
 * AN or writing the same key into another file never starts them again. The file of a channel is named by
 * HMAC-SHA256(SAK, channel), which tells nothing of the key and cannot be taken for another key's file.
 *
 *   transmit   open ─▶ next ─▶ reserve(ceiling) … reserve(ceiling) ─▶ close(next)
 *              A PN may be used only below a ceiling that `reserve` has returned for. After a crash the next
 *              start goes on at the ceiling; after `close` exactly at `next`.
 *   receive    open ─▶ lowest ─▶ save(lowest) … ─▶ close()
 *              Forward only. What is lost in a crash is at most what came since the last `save`.
 */
import * as nodeFs from 'node:fs';
import { dirname, join } from 'node:path';
import { L2vpnError, messageOf } from '../errors.ts';
import { pnEnd } from '../macsec/packet-number.ts';
import { makeDirs } from '../make-dirs.ts';
import { channelId, type PnChannel } from './pn-channel.ts';
import { isThere, readPnFile, type StateFs, syncDirectory, writePnFile } from './pn-file.ts';

/** What follows the last number that there is. */
const PN_END = pnEnd(true);

export { channelId, type PnChannel } from './pn-channel.ts';

/** Takes an exclusive lock on a file (made if absent): a descriptor that holds it, or −1 where another process does. */
export type LockFile = (path: string) => number;

export interface TxPn {
  /** The first PN that was never granted: where a restart would go on. */
  readonly next: bigint;
  /** True where nothing was stored: the first use of this key and channel, or a lost state directory. */
  readonly fresh: boolean;
  readonly path: string;
  /** PNs below `ceiling` may be used once this has returned; it is on disk then. Throws L2VPN_STATE; may be tried again. */
  reserve(ceiling: bigint): void;
  /** Puts the file back where somebody has removed it; true where that was so. Throws L2VPN_STATE. */
  keep(): boolean;
  /** The clean stop: nothing below `next` is unused, nothing from it on was used. Releases the lock. */
  close(next: bigint): void;
}

export interface RxPn {
  /** The lowest PN to accept. */
  readonly lowest: bigint;
  readonly fresh: boolean;
  readonly path: string;
  /** Stores `lowest` where it is above what is stored; on disk when it returns. */
  save(lowest: bigint): void;
  close(): void;
}

export interface PnState {
  readonly dir: string;
  /** Opens the transmit numbers, at `floorPn` where nothing is stored. Throws L2VPN_STATE, L2VPN_UNAVAILABLE (locked). */
  openTx(channel: PnChannel, floorPn: bigint): TxPn;
  /** Opens the receive numbers: the higher of what is stored and `floorPn`. Throws L2VPN_STATE. */
  openRx(channel: PnChannel, floorPn: bigint): RxPn;
}

/** Opens (and makes) the state directory. Throws L2VPN_CANTCREATE where it cannot be made or written. */
export function openState(dir: string, lockFile: LockFile, fs: StateFs = nodeFs): PnState {
  try {
    makeDirectory(fs, dir);
    fs.accessSync(dir, nodeFs.constants.R_OK | nodeFs.constants.W_OK | nodeFs.constants.X_OK);
  } catch (cause) {
    const text = `stateDir ${dir} cannot be written: ${messageOf(cause)}; packet numbers must be stored there`;
    throw new L2vpnError('L2VPN_CANTCREATE', text, { cause });
  }
  return {
    dir,
    openTx: (channel, floorPn) =>
      new TxPnFile(fs, join(dir, `${channelId(channel)}.tx.json`), channel, floorPn, lockFile),
    openRx: (channel, floorPn) =>
      new RxPnFile(fs, join(dir, `${channelId(channel)}.rx.json`), channel, floorPn),
  };
}

/** mkdir -p whose result survives a power failure: a lost directory is a lost count. */
function makeDirectory(fs: StateFs, dir: string): void {
  for (const made of makeDirs(dir, 0o700, fs)) syncDirectory(fs, dirname(made));
}

class TxPnFile implements TxPn {
  readonly fresh: boolean;
  readonly path: string;
  readonly #fs: StateFs;
  readonly #channel: PnChannel;
  readonly #start: bigint;
  #stored: bigint;
  #lock: number;

  constructor(fs: StateFs, path: string, channel: PnChannel, floorPn: bigint, lockFile: LockFile) {
    this.path = path;
    this.#fs = fs;
    this.#channel = channel;
    this.#lock = lockFile(`${path}.lock`);
    if (this.#lock < 0) {
      const text = `${path} is in use: another l2vpnd sends with key ${channel.keyId} and SCI ${channel.sci}; stop it`;
      throw new L2vpnError('L2VPN_UNAVAILABLE', text);
    }
    try {
      const record = readPnFile(fs, path);
      this.fresh = record === null;
      this.#stored = this.#start = record?.pn ?? floorPn;
      if (this.#stored < floorPn) throw olderThanConfig(path, this.#stored, floorPn);
    } catch (error) {
      this.#unlock();
      throw error;
    }
  }

  get next(): bigint {
    return this.#stored;
  }

  reserve(ceiling: bigint): void {
    if (ceiling <= this.#stored || ceiling > PN_END) {
      throw new L2vpnError(
        'L2VPN_INTERNAL',
        `reserve(${ceiling}) is not above ${this.#stored}, which is granted, or past the last number`,
      );
    }
    this.#write(ceiling);
  }

  keep(): boolean {
    // What was never reserved needs no file.
    if (this.#stored === this.#start && this.fresh) return false;
    if (isThere(this.#fs, this.path)) return false;
    this.#write(this.#stored);
    return true;
  }

  close(next: bigint): void {
    if (this.#lock < 0) return;
    try {
      if (next < this.#start || next > PN_END) {
        throw new L2vpnError(
          'L2VPN_INTERNAL',
          `close(${next}) is below ${this.#start}, where this start began, or past the last number`,
        );
      }
      if (next !== this.#stored || !isThere(this.#fs, this.path)) this.#write(next);
    } finally {
      this.#unlock();
    }
  }

  #write(pn: bigint): void {
    const { sci, keyId } = this.#channel;
    writePnFile(this.#fs, this.path, { sci, keyId, pn });
    this.#stored = pn;
  }

  #unlock(): void {
    nodeFs.closeSync(this.#lock);
    this.#lock = -1;
  }
}

function olderThanConfig(path: string, stored: bigint, floorPn: bigint): L2vpnError {
  const text =
    `packet numbers in ${path} stand at ${stored}, older than the pn ${floorPn} that the configuration demands; ` +
    'was the directory restored from a backup? Take a new key at both ends, or lower pn if it was raised by mistake';
  return new L2vpnError('L2VPN_STATE', text);
}

class RxPnFile implements RxPn {
  readonly fresh: boolean;
  readonly path: string;
  readonly #fs: StateFs;
  readonly #channel: PnChannel;
  #stored: bigint;

  constructor(fs: StateFs, path: string, channel: PnChannel, floorPn: bigint) {
    this.path = path;
    this.#fs = fs;
    this.#channel = channel;
    const record = readPnFile(fs, path);
    this.fresh = record === null;
    const stored = record?.pn ?? 0n;
    this.#stored = stored > floorPn ? stored : floorPn;
  }

  get lowest(): bigint {
    return this.#stored;
  }

  save(lowest: bigint): void {
    if (lowest <= this.#stored || lowest > PN_END) return;
    const { sci, keyId } = this.#channel;
    writePnFile(this.#fs, this.path, { sci, keyId, pn: lowest });
    this.#stored = lowest;
  }

  close(): void {}
}
