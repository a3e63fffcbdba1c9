/**
 * Between the state directory and the lanes, for one SA: a transmit SA's numbers are granted in blocks that are durable
 * first, a receive SA's progress is stored as it goes. Blocks begin small, so that a crash loop does not burn a key, and
 * double while they are used up, so that a busy tunnel writes about once a minute.
 */
import { PnGrant } from '../macsec/packet-number.ts';
import type { SaShare } from '../macsec/secy.ts';
import type { RxPn } from '../state/stored-rx.ts';
import type { TxPn } from '../state/stored-tx.ts';

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
  }

  get share(): SaShare {
    return { pn: this.#grant.shared, nextPn: 0n, serial: this.serial };
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
      serial,
    };
  }

  /** Frames below `pn` are late, whatever has come. */
  raiseLowest(pn: bigint): void {
    if (pn > this.#lowest) this.#lowest = pn;
  }

  /** The lanes have ended at `nextPn`: those that come go on from there, stored or not. */
  goOnFrom(nextPn: bigint): void {
    this.#reached = greatest(this.#reached, nextPn);
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
