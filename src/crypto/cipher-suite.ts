/**
 * The cipher suites of IEEE 802.1AE (clause 14, table 14-1) and 802.1AEbw: everything that tells one from another.
 * A suite more is an entry here; where its AEAD is a new one too, one in `native/openssl.c` and `node-provider.ts`.
 */

/** What a provider is asked for: the AEAD that a suite is made of, by the name that OpenSSL knows. */
export type AeadAlgorithm = 'aes-128-gcm' | 'aes-256-gcm';

/** Octets of a key of each algorithm. */
export const AEAD_KEY_LEN: Readonly<Record<AeadAlgorithm, number>> = { 'aes-128-gcm': 16, 'aes-256-gcm': 32 };

/** Octets of the IV, and of a full ICV, of every suite. */
export const IV_LEN = 12;
export const ICV_LEN = 16;

export type CipherName = 'gcm-aes-128' | 'gcm-aes-256' | 'gcm-aes-xpn-128' | 'gcm-aes-xpn-256';

export interface CipherSuite {
  /** As `ip link … type macsec cipher` and the configuration name it. */
  readonly name: CipherName;
  /** The identifier that MKA announces it by, 16 hex digits (table 14-1). */
  readonly id: string;
  readonly aead: AeadAlgorithm;
  /** Octets of a SAK. */
  readonly sakLen: number;
  /** Extended packet numbers: 64 bits, of which 32 are sent; the IV is made of SSCI and salt (802.1AEbw 14.7). */
  readonly xpn: boolean;
}

function suite(name: CipherName, id: string, aead: AeadAlgorithm, xpn: boolean): CipherSuite {
  return { name, id, aead, sakLen: AEAD_KEY_LEN[aead], xpn };
}

/** All of them, the default first. */
export const CIPHER_SUITES: readonly CipherSuite[] = [
  suite('gcm-aes-128', '0080c20001000001', 'aes-128-gcm', false),
  suite('gcm-aes-256', '0080c20001000002', 'aes-256-gcm', false),
  suite('gcm-aes-xpn-128', '0080c20001000003', 'aes-128-gcm', true),
  suite('gcm-aes-xpn-256', '0080c20001000004', 'aes-256-gcm', true),
];

/** The suite of that name. */
export function cipherSuite(name: CipherName): CipherSuite {
  return CIPHER_SUITES.find((one) => one.name === name)!;
}

/** True for the suites with 64-bit packet numbers. */
export function isXpn(name: CipherName): boolean {
  return cipherSuite(name).xpn;
}

/** Octets of a SAK. */
export function sakLen(name: CipherName): number {
  return cipherSuite(name).sakLen;
}
