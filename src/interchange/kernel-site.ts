/**
 * What a kernel has, or would have: the links of one network namespace, as `ip link`, `ip macsec` and `bridge` name
 * them. Every reader makes one of what it reads, and `to-site.ts` makes a configuration of it. Null is what the source
 * does not say; what a link is without a word is filled in as the kernel does.
 */
import { quote } from '../config/problem.ts';

/** Hex from the source, a file that the source names, or null: not shown. */
export type FoundKey = { readonly hex: string } | { readonly file: string } | null;

export interface FoundSa {
  an: number;
  pn: bigint;
  active: boolean;
  keyId: string | null;
  key: FoundKey;
  ssci: number | null;
  /** 24 hex digits. */
  salt: string | null;
}

export interface FoundRxSc {
  /** 16 lower-case hex digits. */
  sci: string;
  active: boolean;
  sa: FoundSa[];
}

export interface FoundMacsec {
  /** 16 lower-case hex digits; null: the MAC address that the link has when it is made, and `port`. */
  sci: string | null;
  port: number;
  /** As `ip link … type macsec cipher` names it. */
  cipher: string;
  icvLen: number;
  encodingSa: number;
  protect: boolean;
  encrypt: boolean;
  sendSci: boolean;
  endStation: boolean;
  scb: boolean;
  replay: boolean;
  window: number;
  validate: string;
  txSa: FoundSa[];
  rxSc: FoundRxSc[];
}

/** `gretap`, `ip6gretap`. */
export interface FoundGre {
  family: 4 | 6;
  local: string | null;
  remote: string | null;
  ttl: number | 'inherit';
  tos: number | 'inherit';
  inKey: number | null;
  outKey: number | null;
  inChecksum: boolean;
  outChecksum: boolean;
  pmtudisc: boolean;
  encap: FoundEncap | null;
}

export interface FoundEncap {
  /** `fou`, `gue`. */
  type: string;
  sourcePort: number | 'auto';
  port: number;
}

export interface FoundVlan {
  readonly first: number;
  readonly last: number;
  readonly pvid: boolean;
  readonly untagged: boolean;
}

/** A link as a port of its bridge. */
export interface FoundPort {
  isolated: boolean;
  cost: number | null;
  priority: number | null;
  /** Empty: none were given. */
  vlans: FoundVlan[];
}

export interface FoundLink {
  readonly name: string;
  /** Where the source has it, for people. */
  readonly where: string;
  kind: string;
  /** The device below. */
  below: string | null;
  /** The bridge that it is a port of. */
  master: string | null;
  mac: string | null;
  /** Null: what the kernel gives it. */
  mtu: number | null;
  gre: FoundGre | null;
  macsec: FoundMacsec | null;
  port: FoundPort;
  /** IP addresses are given to it. */
  hasAddresses: boolean;
}

export interface KernelSite {
  /** Network namespace; null: the one that the source begins in. */
  readonly netns: string | null;
  /** The source lists everything that there is, so that a link of no tunnel is nothing to speak of. */
  readonly isListing: boolean;
  readonly links: Map<string, FoundLink>;
  /** UDP ports that GRE is taken from (`ip fou add port … ipproto 47`). */
  readonly fouPorts: Set<number>;
}

/** What a reader found, and what it could not make sense of. */
export interface Found {
  readonly sites: readonly KernelSite[];
  readonly remarks: readonly Remark[];
}

/** Something that is not carried over, or not as it was. */
export interface Remark {
  /** `line 12`, `gretap1`; never more than a place. */
  readonly where: string;
  /** Never holds a key. */
  readonly text: string;
}

export type Say = (where: string, text: string) => void;

export function newLink(name: string, where: string, kind: string): FoundLink {
  return {
    ...{ name, where, kind, below: null, master: null, mac: null, mtu: null, gre: null, macsec: null },
    port: { isolated: false, cost: null, priority: null, vlans: [] },
    hasAddresses: false,
  };
}

/** A `gretap` of which nothing is said. */
export function newGre(family: 4 | 6): FoundGre {
  return {
    ...{ family, local: null, remote: null, ttl: 'inherit', tos: 0, inKey: null, outKey: null },
    ...{ inChecksum: false, outChecksum: false, pmtudisc: true, encap: null },
  };
}

/** A `macsec` link of which nothing is said (`drivers/net/macsec.c`). */
export function newMacsec(): FoundMacsec {
  return {
    ...{ sci: null, port: 1, cipher: 'gcm-aes-128', icvLen: 16, encodingSa: 0, protect: true },
    ...{ encrypt: false, sendSci: true, endStation: false, scb: false, replay: false, window: 0 },
    ...{ validate: 'strict', txSa: [], rxSc: [] },
  };
}

/** An SA of which nothing is said: it is off. */
export function newSa(an: number): FoundSa {
  return { an, pn: 1n, active: false, keyId: null, key: null, ssci: null, salt: null };
}

export function newSite(netns: string | null, isListing: boolean = false): KernelSite {
  return { netns, isListing, links: new Map(), fouPorts: new Set() };
}

/** As many hex digits in a row as half a key, whatever separates them. */
const LIKE_A_KEY = /(?:[0-9a-f][\s.,_-]*){17,}|(?:[0-9a-f]{2}[:\s-]){8,}/gi;

/** `text` without what may be a key: a name of the source may be one that stands in the wrong place. */
export function hideKeys(text: string): string {
  return text.replace(LIKE_A_KEY, '(hidden)');
}

export function remark(where: string, text: string): Remark {
  return { where: hideKeys(where), text: hideKeys(text) };
}

/** A text of the source as a message may show it: short, and never something like a key. */
export function shown(text: string): string {
  return quote(text);
}
