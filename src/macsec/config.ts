/**
 * What a SecY is configured as: the names are those of `ip link … type macsec` and `ip macsec`. Plain data with the
 * keys in it; `config/` makes it from the file, `keys/` changes its SAs while the tunnel runs.
 */
import type { KeyObject } from 'node:crypto';
import { type CipherName, ICV_LEN } from '../crypto/cipher-suite.ts';

/** One SecY. */
export interface MacsecConfig {
  cipher: CipherName;
  protect: boolean;
  encrypt: boolean;
  validate: 'strict' | 'check' | 'disabled';
  sendSci: boolean;
  endStation: boolean;
  scb: boolean;
  /** Octets, 8–16. */
  icvLen: number;
  /** The port half of the own SCI. */
  port: number;
  encodingSa: number;
  replayProtect: boolean;
  /** How far behind the highest PN seen a frame may be; counted in packets. */
  replayWindow: number;
  /** Drop duplicates inside the window too, which the kernel does not. */
  replayBitmap: boolean;
  txSa: SaConfig[];
  rxSc: RxScConfig[];
}

/** What a SecY is unless its configuration says otherwise: the safe choice of each. Its SAs have no default. */
export const defaultMacsec: Readonly<Omit<MacsecConfig, 'txSa' | 'rxSc'>> = {
  cipher: 'gcm-aes-128',
  protect: true,
  encrypt: true,
  validate: 'strict',
  sendSci: true,
  endStation: false,
  scb: false,
  icvLen: ICV_LEN,
  port: 1,
  encodingSa: 0,
  replayProtect: true,
  replayWindow: 1024,
  replayBitmap: true,
};

export interface SaConfig {
  /** 0–3. */
  an: number;
  /** The first PN to use (transmit) or the lowest acceptable one (receive): 1 – 2^32−1, XPN up to 2^64−1. */
  pn: bigint;
  /** Hex, an even number of digits up to 32, as `ip macsec` takes it. For people; never on the wire. */
  keyId: string;
  /** A `node:crypto` secret key of 16 or 32 octets. */
  sak: KeyObject;
  /** Where the key came from, absolute; null: from no file. */
  keyFile: string | null;
  /** Its packet numbers outlive the process. False for a key that does not: one that both ends have agreed on. */
  stored: boolean;
  active: boolean;
  /** XPN only. */
  ssci: number | null;
  /** 12 octets, XPN only. */
  salt: Buffer | null;
}

/** What an SA is unless its configuration says otherwise. */
export const defaultSa: Readonly<Omit<SaConfig, 'sak'>> = {
  an: 0,
  pn: 1n,
  keyId: '00',
  keyFile: null,
  stored: true,
  active: true,
  ssci: null,
  salt: null,
};

export interface RxScConfig {
  /** 16 lower-case hex digits. */
  sci: string;
  /** `false`: nothing is received on it. The kernel does not heed this for frames that carry the SCI. */
  active: boolean;
  sa: SaConfig[];
}
