/**
 * Between the state directory and the lanes: a transmit SA's numbers are granted in blocks that are durable first,
 * a receive SA's progress is stored as it goes. Blocks begin small, so that a crash loop does not burn a key, and
 * double while they are used up, so that a busy tunnel writes about once a second.
 */
import { isXpn, type MacsecConfig, type SaConfig } from '../config/types.ts';
import { PnGrant, pnEnd } from '../macsec/packet-number.ts';
import type { SaShare } from '../macsec/secy.ts';
import type { PnChannel, PnState, RxPn, TxPn } from '../state/state.ts';

const FIRST_GRANT = 1 << 14;
const LARGEST_GRANT = 1 << 20;

/** One transmit SA. */
export class TxNumbers {
  readonly an: number;
  readonly fresh: boolean;
  /** The first PN of this run, and one past the last that the SA has. */
  readonly start: number;
  readonly end: number;
  readonly #file: TxPn;
  readonly #grant: PnGrant;
  #grantLen = FIRST_GRANT;

  constructor(file: TxPn, an: number, end: number) {
    this.an = an;
    this.fresh = file.fresh;
    this.end = end;
    this.#file = file;
    this.start = Math.min(file.next, end);
    this.#grant = new PnGrant(this.start);
  }

  get share(): SaShare {
    return { pn: this.#grant.shared, nextPn: 0 };
  }

  /** PNs below this are taken by lanes, used or not. */
  get taken(): number {
    return this.#grant.next;
  }

  /** Makes a further block durable and grants it; false when there is none left. Throws L2VPN_STATE. */
  extend(): boolean {
    const { limit } = this.#grant;
    const ceiling = Math.min(limit + this.#grantLen, this.end);
    if (ceiling <= limit) return false;
    this.#file.reserve(ceiling);
    this.#grant.grant(ceiling, ceiling === this.end ? this.end : ceiling - this.#grantLen / 2);
    this.#grantLen = Math.min(this.#grantLen * 2, LARGEST_GRANT);
    return true;
  }

  /** The clean stop: the lanes have ended, and `next` is what they published (0: nothing was sent). */
  close(next: number): void {
    this.#file.close(Math.max(this.start, next));
  }
}

/** One receive SA. */
export class RxNumbers {
  readonly an: number;
  readonly #file: RxPn;

  constructor(file: RxPn, an: number) {
    this.an = an;
    this.#file = file;
  }

  get share(): SaShare {
    return { pn: null, nextPn: this.#file.lowest };
  }

  /** Stores what the lane has published. Throws L2VPN_STATE. */
  save(nextPn: number): void {
    this.#file.save(nextPn);
  }

  close(): void {
    this.#file.close();
  }
}

/** The numbers of all SAs of one SecY. */
export interface SecyNumbers {
  /** Parallel to `config.txSa`. */
  readonly tx: readonly TxNumbers[];
  /** Parallel to `config.rxSc` and its `sa`. */
  readonly rx: readonly (readonly RxNumbers[])[];
}

/** Opens (and locks) the numbers of `config`, whose own SCI is `sci`, and grants the first blocks. Throws L2vpnError. */
export function openNumbers(state: PnState, config: MacsecConfig, sci: string): SecyNumbers {
  const tx: TxNumbers[] = [];
  try {
    for (const sa of config.txSa) tx.push(openTx(state, config, sci, sa));
    const rx = config.rxSc.map((sc) =>
      sc.sa.map((sa) => new RxNumbers(state.openRx(channelOf(sa, sc.sci), sa.pn), sa.an)),
    );
    for (const numbers of tx) numbers.extend();
    return { tx, rx };
  } catch (error) {
    for (const numbers of tx) numbers.close(0);
    throw error;
  }
}

function openTx(state: PnState, config: MacsecConfig, sci: string, sa: SaConfig): TxNumbers {
  return new TxNumbers(state.openTx(channelOf(sa, sci), sa.pn), sa.an, pnEnd(isXpn(config.cipher)));
}

function channelOf(sa: SaConfig, sci: string): PnChannel {
  return { sak: sa.sak, sci, ssci: sa.ssci, keyId: sa.keyId };
}

/** `nextPn` tells what the lanes have used of a transmit SA. Throws L2VPN_STATE. */
export function closeNumbers(numbers: SecyNumbers, nextPn: (tx: TxNumbers) => number): void {
  for (const tx of numbers.tx) tx.close(nextPn(tx));
  for (const sc of numbers.rx) for (const rx of sc) rx.close();
}
