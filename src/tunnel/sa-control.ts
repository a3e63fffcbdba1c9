/**
 * What a key source may order of a tunnel's SecY, one call per step. Each resolves when every lane works by it, so that
 * a source keeps the order of 802.1AE 10.7.22 by awaiting: receive with a new key, then transmit with it, then retire
 * the old one. Sources are in `keys/`.
 */
import type { CipherName } from '../crypto/cipher-suite.ts';
import { L2vpnError } from '../errors.ts';
import type { SaConfig } from '../macsec/config.ts';
import { rxSasOf, type SaSet, sasOf, withoutRx, withoutRxSc, withoutTx, withRx, withTx } from './sa-set.ts';
import type { SecyControl } from './secy-control.ts';

/**
 * Orders carried out throw L2vpnError where an SA's packet numbers cannot be opened (another process has them, the disk
 * fails); nothing has changed then. Orders that make no sense throw L2VPN_INTERNAL.
 */
export interface SaControl {
  /** The own SCI, 16 hex digits. */
  readonly sci: string;
  readonly cipher: CipherName;
  /** The SAs as they run. */
  readonly sas: SaSet;
  /** Receives with `sa` from `sci` (16 hex digits); an RxSC that is not there yet is made. The AN must be free. */
  installRx(sci: string, sa: SaConfig): Promise<void>;
  /** Makes `sa` ready; `transmitWith` has it used. The AN must be free. */
  installTx(sa: SaConfig): Promise<void>;
  /** Makes the transmit SA with this AN the encoding one, and says whether user data is encrypted; absent: as before. */
  transmitWith(an: number, encrypt?: boolean): Promise<void>;
  /** Frames of `sci` below `pn` are late from now on; never less than before. */
  raiseLowestPn(sci: string, an: number, pn: bigint): Promise<void>;
  /** One past all packet numbers that lanes have taken of transmit SA `an`; 1 where there is none. */
  nextPn(an: number): bigint;
  /** Packet numbers of the SA that lanes had taken are used up for good. */
  retireTx(an: number): Promise<void>;
  retireRx(sci: string, an: number): Promise<void>;
  /** The channel goes with all its SAs: the peer has left. */
  removeRxSc(sci: string): Promise<void>;
  /** All SAs at once, in one step between two batches; those that stay keep their state. */
  replace(sas: SaSet): Promise<void>;
  /** Frames accepted so far on RxSA `an` of `sci`; 0 where there is none. */
  accepted(sci: string, an: number): number;
  /** The encoding SA has packet numbers left: false where nothing can be sent with it any more. */
  readonly canEncode: boolean;
  /** Calls `listener` once per SA, when it encodes and three quarters of its packet numbers are taken: time for a new key. */
  onPnLow(listener: (an: number) => void): void;
}

/** Carries the orders out over the packet numbers and lanes of one tunnel. */
export class TunnelSaControl implements SaControl {
  readonly #secy: SecyControl;

  constructor(secy: SecyControl) {
    this.#secy = secy;
  }

  get sci(): string {
    return this.#secy.sci;
  }

  get cipher(): CipherName {
    return this.#secy.config.cipher;
  }

  get sas(): SaSet {
    return sasOf(this.#secy.config);
  }

  installRx(sci: string, sa: SaConfig): Promise<void> {
    return this.#change((sas) => {
      if (hasAn(rxSasOf(sas, sci), sa.an)) refuse(`AN ${sa.an} of ${sci} has an SA already`);
      return withRx(sas, sci, sa);
    });
  }

  installTx(sa: SaConfig): Promise<void> {
    return this.#change((sas) => {
      if (hasAn(sas.txSa, sa.an)) refuse(`AN ${sa.an} has a transmit SA already`);
      return withTx(sas, sa);
    });
  }

  transmitWith(an: number, encrypt?: boolean): Promise<void> {
    return this.#secy.change((config) => {
      if (!hasAn(config.txSa, an)) refuse(`AN ${an} has no transmit SA`);
      return { ...config, encodingSa: an, encrypt: encrypt ?? config.encrypt };
    });
  }

  raiseLowestPn(sci: string, an: number, pn: bigint): Promise<void> {
    return this.#secy.raiseLowestPn(sci, an, pn);
  }

  nextPn(an: number): bigint {
    return this.#secy.tx.find((tx) => tx.an === an)?.taken ?? 1n;
  }

  retireTx(an: number): Promise<void> {
    return this.#change((sas) => withoutTx(sas, an));
  }

  retireRx(sci: string, an: number): Promise<void> {
    return this.#change((sas) => withoutRx(sas, sci, an));
  }

  removeRxSc(sci: string): Promise<void> {
    return this.#change((sas) => withoutRxSc(sas, sci));
  }

  replace(sas: SaSet): Promise<void> {
    return this.#change(() => sasOf(sas));
  }

  accepted(sci: string, an: number): number {
    return this.#secy.accepted(sci, an);
  }

  get canEncode(): boolean {
    const { encoding } = this.#secy;
    return encoding !== null && encoding.taken < encoding.end;
  }

  onPnLow(listener: (an: number) => void): void {
    this.#secy.onPnLow(listener);
  }

  #change(next: (sas: SaSet) => SaSet): Promise<void> {
    return this.#secy.change((config) => ({ ...config, ...next(sasOf(config)) }));
  }
}

function hasAn(sas: readonly SaConfig[], an: number): boolean {
  return sas.some((sa) => sa.an === an);
}

function refuse(why: string): never {
  throw new L2vpnError('L2VPN_INTERNAL', why);
}
