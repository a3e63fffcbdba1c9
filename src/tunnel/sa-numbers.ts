/**
 * Between the state directory and the lanes, for one SA: a transmit SA's numbers are granted in blocks that are durable
 * first, a receive SA's progress is stored as it goes. Blocks begin small, so that a crash loop does not burn a key, and
 * double while they are used up, so that a busy tunnel writes about once a minute.
 */
import { PnGrant } from '../macsec/packet-number.ts';
import type { ReplayState } from '../macsec/replay.ts';
import type { SaShare } from '../macsec/secy.ts';
import type { RxPn } from '../state/stored-rx.ts';
import type { HandedTx, TxPn } from '../state/stored-tx.ts';
import type { LockFds } from '../state/tx-lock.ts';

const FIRST_GRANT = 1n << 14n;
/** More than a minute at 250 000 frames per second, and less than a hundredth of what 32 bits count. */
const LARGEST_GRANT = 1n << 24n;

/** Numbers the SAs of this process, so that a lane can tell an old one from a new one. */
let lastSerial = 0;

/** One transmit SA. */
export class TxNumbers {
  readonly serial: number = ++lastSerial;
  readonly an: number;
  readonly fresh: boolean;
  /** The first PN of this run, and one past the last that the SA has. */
  readonly start: bigint;
  readonly end: bigint;
  readonly #file: TxPn;
  readonly #grant: PnGrant;
  #grantLen = FIRST_GRANT;
  #extending: Promise<boolean> | null = null;
  #closed = false;

  constructor(file: TxPn, an: number, end: bigint) {
    this.an = an;
    this.fresh = file.fresh;
    this.end = end;
    this.#file = file;
    this.start = least(file.next, end);
    this.#grant = new PnGrant(this.start);
    // Another process had these, and has left some.
    const reserved = least(file.reserved, end);
    this.#grant.grant(reserved, this.start + (reserved - this.start) / 2n);
  }

  get share(): SaShare {
    return { pn: this.#grant.shared, nextPn: 0n, serial: this.serial };
  }

  /** Some can be taken: it need not wait for the disk. */
  get hasSome(): boolean {
    return this.#grant.limit > this.#grant.next;
  }

  /** After the lanes have ended: what another process goes on from, and what locks it (null: nothing). */
  get left(): Pick<HandedTx, 'next' | 'reserved'> & { readonly locks: LockFds | null } {
    return { next: this.taken, reserved: this.#file.reserved, locks: this.#file.locks };
  }

  /** Resolves when nothing is being stored. */
  async idle(): Promise<void> {
    await this.#extending?.catch(() => {});
    await this.#file.idle();
  }

  /** PNs below this are taken by lanes, used or not. */
  get taken(): bigint {
    return this.#grant.next;
  }

  /**
   * Makes a further block durable and grants it; false when there is none left, or the SA is closed. Who asks while one
   * is being stored gets that one. Rejects with L2VPN_STATE; may be tried again.
   */
  extend(): Promise<boolean> {
    this.#extending ??= this.#extend().finally(() => {
      this.#extending = null;
    });
    return this.#extending;
  }

  async #extend(): Promise<boolean> {
    const { limit } = this.#grant;
    // The same ceiling again after a failure: the disk may have taken it all the same.
    const ceiling = least(limit + this.#grantLen, this.end);
    if (this.#closed || ceiling <= limit) return false;
    await this.#file.reserve(ceiling);
    this.#grant.grant(ceiling, ceiling === this.end ? this.end : ceiling - this.#grantLen / 2n);
    this.#grantLen = least(this.#grantLen * 2n, LARGEST_GRANT);
    return true;
  }

  /**
   * The clean stop: the lanes have ended, and `next` is what they published (0: nothing was sent). Rejects with
   * L2VPN_STATE where that cannot be stored; a restart then goes on above all that was granted.
   */
  close(next: bigint): Promise<void> {
    this.#closed = true;
    return this.#file.close(next > this.start ? next : this.start);
  }
}

/** How far the receiver has come on an SA. */
export interface HandedRx {
  readonly nextPn: bigint;
  readonly lowestPn: bigint;
  readonly replay: ReplayState | undefined;
}

/** One receive SA. */
export class RxNumbers {
  readonly serial: number = ++lastSerial;
  readonly an: number;
  /** Frames below this PN do not move the peer; set before a lane has the SA. */
  learnFrom = 0n;
  /** The lowest acceptable PN, beyond what is stored. */
  #lowest = 0n;
  /** Where lanes have come to that have ended. */
  #reached = 0n;
  /** What they have seen there; undefined: not known. */
  #replay: ReplayState | undefined;
  readonly #file: RxPn;

  constructor(file: RxPn, an: number) {
    this.an = an;
    this.#file = file;
  }

  get share(): SaShare {
    const { learnFrom, serial } = this;
    return {
      pn: null,
      nextPn: greatest(this.#file.lowest, this.#reached),
      lowestPn: this.#lowest,
      learnFrom,
      replay: this.#replay,
      serial,
    };
  }

  /** What another process goes on from, after the lanes have ended. */
  get left(): HandedRx {
    return { nextPn: this.share.nextPn, lowestPn: this.#lowest, replay: this.#replay };
  }

  idle(): Promise<void> {
    return this.#file.idle();
  }

  /** Frames below `pn` are late, whatever has come. */
  raiseLowest(pn: bigint): void {
    if (pn > this.#lowest) this.#lowest = pn;
  }

  /** The lanes have ended at `nextPn`: those that come go on from there, stored or not. */
  goOnFrom(nextPn: bigint, replay?: ReplayState): void {
    this.#reached = greatest(this.#reached, nextPn);
    this.#replay = replay;
  }

  /** Stores what the lane has published; resolves when it is on disk. Rejects with L2VPN_STATE. */
  save(nextPn: bigint): Promise<void> {
    return this.#file.save(nextPn);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function greatest(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
