/**
 * The effective configuration: what the daemon works with, after defaults, after every check, with the key
 * files read. Made by `loadConfig`; nothing in it is optional and nothing in it needs checking again.
 */
import type { KeyObject } from 'node:crypto';
import type { GreConfig } from '../encap/config.ts';
import type { PortVlan } from '../host/bridge-port.ts';
import type { MacsecConfig } from '../macsec/config.ts';

export interface Config {
  tunnels: TunnelConfig[];
  /** Which AEAD provider; `auto` takes `batch` where it proves itself at start. */
  crypto: 'auto' | 'node' | 'batch';
  workers: 'auto' | number;
  stateDir: string;
  /** The state directory may be lost with the host or container; whoever says so takes new keys when it was. */
  stateMayBeLost: boolean;
  /** Path of the Unix socket that `show` and `rotate` talk to. */
  controlSocket: string;
  metrics: MetricsConfig | null;
  log: { level: LogLevel };
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

export interface MetricsConfig {
  /** `127.0.0.1:9586` or `[::1]:9586`. */
  listen: string;
  /** Names that it may be asked by, beside addresses and localhost. */
  hosts: string[];
  /** Who asks must have the token in it; absolute. Null: everybody may. */
  tokenFile: string | null;
}

export interface TunnelConfig {
  name: string;
  tap: TapConfig;
  gre: GreConfig;
  /** Seconds without an authentic frame while frames are sent, after which the peer is lost; 0: it is not watched. */
  peerTimeoutSeconds: number;
  /** With static keys and an l2vpnd at the other end: hellos by which each end knows that the other is there. */
  keepalive: KeepaliveConfig | null;
  /** `null`: plain GRETAP, in clear. */
  macsec: MacsecConfig | null;
  /** Key agreement decides the SAs of `macsec`, whose own lists are empty then; `null`: the file names them. */
  mka: MkaConfig | null;
}

export interface KeepaliveConfig {
  helloMs: number;
  /** A peer that was not heard, or did not hear us, for this long is gone. */
  lifeMs: number;
}

/** Key agreement by IEEE 802.1X (MKA); `macsec.mka` in the file. Not a part of `MacsecConfig`: no worker gets a CAK. */
export interface MkaConfig extends MkaKey {
  /** Of the key server election: 0–255, the lowest is elected. */
  priority: number;
  helloMs: number;
  /** A peer that was not heard for this long is gone. */
  lifeMs: number;
  /** A new SAK after so many seconds; `null`: only where the protocol asks for one. */
  rekeySeconds: number | null;
  /** `keep`: the SAs stay when the peer is gone, until their packet numbers end. Never in clear. */
  peerLoss: 'drop' | 'keep';
  /** MKPDUs are sent with an ICV Indicator parameter set. */
  icvIndicator: boolean;
  fallback: MkaKey | null;
}

/** A pre-shared key and its name. */
export interface MkaKey {
  /** 1–32 octets as lower-case hex. It is sent in clear. */
  ckn: string;
  /** A `node:crypto` secret key of 16 or 32 octets. */
  cak: KeyObject;
}

/** The TAP as a port of its bridge; a reload changes it while it runs. */
export interface PortSettings {
  /** No frame goes from it to another isolated port. */
  isolated: boolean;
  /** `null`: as the kernel has it. */
  stp: { cost: number | null; priority: number | null };
  /** These alone; `null`: as the bridge gives them to a port. */
  vlans: PortVlan[] | null;
}

export interface TapConfig extends PortSettings {
  ifname: string;
  /** `aa:bb:cc:dd:ee:ff` in lower case; `null`: random, locally administered. */
  mac: string | null;
  /** What the tunnel carries. */
  mtu: 'auto' | number;
  /** MTU of the device: what the LAN may send to it. `auto`: as the bridge, or what the tunnel carries. */
  lanMtu: 'auto' | number;
  /** The MSS of TCP's SYNs is lowered: to what the tunnel carries, not at all, or to so many octets. */
  mssClamp: 'auto' | false | number;
  bridge: string | null;
  queues: number;
  /** Whether the TAP has carrier: always, or while the peer is there. */
  carrier: 'up' | 'peer';
  /** How long a peer has to be there before the carrier comes. */
  carrierDelayMs: number;
}
