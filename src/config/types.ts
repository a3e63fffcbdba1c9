/**
 * The effective configuration: what the daemon works with, after defaults, after every check, with the key
 * files read. Made by `loadConfig`; nothing in it is optional and nothing in it needs checking again.
 */
import type { KeyObject } from 'node:crypto';
import { L2vpnError } from '../errors.ts';

export interface Config {
  tunnels: TunnelConfig[];
  /** Which AEAD provider; `auto` takes `batch` where it proves itself at start. */
  crypto: 'auto' | 'node' | 'batch';
  workers: 'auto' | number;
  stateDir: string;
  /** Path of the Unix socket that `show` and `rotate` talk to. */
  controlSocket: string;
  metrics: MetricsConfig | null;
  log: { level: LogLevel };
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

export interface MetricsConfig {
  /** `127.0.0.1:9586` or `[::1]:9586`. */
  listen: string;
}

export interface TunnelConfig {
  name: string;
  tap: TapConfig;
  gre: GreConfig;
  /** `null`: plain GRETAP, in clear. */
  macsec: MacsecConfig | null;
}

export interface TapConfig {
  ifname: string;
  /** `aa:bb:cc:dd:ee:ff` in lower case; `null`: random, locally administered. */
  mac: string | null;
  mtu: 'auto' | number;
  bridge: string | null;
  queues: number;
}

export interface GreConfig {
  local: string;
  /** An address, or `dynamic` (only with `encap: 'udp'`): learned from the first authentic frame. */
  remote: string;
  family: 4 | 6;
  encap: 'none' | 'udp';
  /** The UDP port at both ends; unused without `encap: 'udp'`. */
  port: number;
  /** The GRE key of both directions, or none. */
  key: number | null;
  checksum: boolean;
  ttl: number;
  tos: number;
  df: boolean;
}

export type CipherName = 'gcm-aes-128' | 'gcm-aes-256' | 'gcm-aes-xpn-128' | 'gcm-aes-xpn-256';

/** One SecY; the names are those of `ip link … type macsec` and `ip macsec`. */
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

export interface SaConfig {
  /** 0–3. */
  an: number;
  /** The first PN to use (transmit) or the lowest acceptable one (receive): 1 – 2^32−1, XPN up to 2^53−1. */
  pn: number;
  /** Hex, an even number of digits up to 32, as `ip macsec` takes it. For people; never on the wire. */
  keyId: string;
  /** A `node:crypto` secret key of 16 or 32 octets. */
  sak: KeyObject;
  active: boolean;
  /** XPN only. */
  ssci: number | null;
  /** 12 octets, XPN only. */
  salt: Buffer | null;
}

export interface RxScConfig {
  /** 16 lower-case hex digits. */
  sci: string;
  active: boolean;
  sa: SaConfig[];
}

/** True for the cipher suites with 64-bit packet numbers (802.1AEbw). */
export function isXpn(cipher: CipherName): boolean {
  return cipher === 'gcm-aes-xpn-128' || cipher === 'gcm-aes-xpn-256';
}

/** Octets of a SAK. */
export function sakLen(cipher: CipherName): 16 | 32 {
  return cipher.endsWith('256') ? 32 : 16;
}

/** The SCI of `mac` (`aa:bb:cc:dd:ee:ff`) and `port`, as 16 lower-case hex digits (802.1AE 9.9). */
export function ownSci(mac: string, port: number): string {
  const digits = mac.replaceAll(':', '').toLowerCase();
  if (!/^[0-9a-f]{12}$/.test(digits)) throw new L2vpnError('L2VPN_CONFIG', `"${mac}" is not a MAC address`);
  return digits + port.toString(16).padStart(4, '0');
}
