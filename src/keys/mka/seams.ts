/** What a KaY is given by whoever runs it: the time, the SecY that it has keys for, the port. Tests have their own. */
import type { KeyObject } from 'node:crypto';

/** A monotonic clock and the one timer that a KaY needs. */
export interface Clock {
  nowMs(): number;
  /** Calls `wake` once, at `atMs` or soon after; takes the place of an earlier call. Never calls it at once. */
  wakeAt(atMs: number, wake: () => void): void;
  /** Forgets the last `wakeAt`. */
  cancel(): void;
}

/** One SA of a SAK. */
export interface SakSa {
  /** 0–3. */
  readonly an: number;
  readonly sak: KeyObject;
  /** The key identifier: the key server's MI and the key number, 32 hex digits. */
  readonly keyId: string;
  /** XPN only. */
  readonly ssci: number | null;
  readonly salt: Buffer | null;
  /** Transmit: whether user data is encrypted. A receiver takes either. */
  readonly encrypt: boolean;
}

/**
 * What a KaY orders of its SecY. Orders come one at a time; each resolves when all lanes work by it, or throws with
 * nothing changed, and is then given again or has become needless. Of one SAK each SA is installed once, and its packet
 * numbers begin at 1.
 */
export interface SecyOrders {
  /** A channel that is not there yet is made. The AN is free. */
  installRx(sci: string, sa: SakSa): Promise<void>;
  /** Makes it ready; nothing is sent with it yet. The AN is free. */
  installTx(sa: SakSa): Promise<void>;
  transmitWith(an: number): Promise<void>;
  /** Of the encoding SA too: nothing is sent then until `transmitWith`. */
  retireTx(an: number): Promise<void>;
  retireRx(sci: string, an: number): Promise<void>;
  removeRxSc(sci: string): Promise<void>;
  /** Frames below `pn` are late from now on (delay protection). */
  raiseLowestPn(sci: string, an: number, pn: bigint): Promise<void>;
  /** The next PN of the transmit SA, or one past all that lanes have taken; 1 where there is no such SA. Must not throw. */
  nextPn(an: number): bigint;
}
