/**
 * What an MKPDU says (IEEE 802.1X-2020 11.11), as plain data: `decode.ts` reads it, `encode.ts` writes it, the
 * participant acts on it. Wrapped keys stay wrapped here; nothing in an MKPDU in this form is secret.
 */
import type { CipherName } from '../../crypto/cipher-suite.ts';

/** A member identifier: 12 random octets as 24 hex digits. */
export type MemberId = string;

export interface Mkpdu {
  readonly basic: BasicSet;
  /** null: the set is absent. An empty list and an absent one say the same. */
  readonly livePeers: PeerList | null;
  readonly potentialPeers: PeerList | null;
  readonly sakUse: SakUse | null;
  readonly distributedSak: DistributedSak | null;
  readonly xpn: XpnSet | null;
  /** The sender is an l2vpnd, and takes control frames; null: it does not say so. */
  readonly linkControl: LinkControl | null;
  /** The ICV stands in a set of its own (type 255). */
  readonly icvIndicator: boolean;
}

/** What an l2vpnd says of itself to its like. */
export interface LinkControl {
  /** The version of control frames (`link/`) that it takes. */
  readonly version: number;
  /** When all is calm a hello each so many milliseconds is enough for it; 0: it does not say. */
  readonly calmHelloMs: number;
}

/** Basic parameter set. */
export interface BasicSet {
  readonly version: number;
  /** 0–255, the lowest is elected. */
  readonly priority: number;
  readonly keyServer: boolean;
  readonly macsecDesired: boolean;
  /** 0 none, 1 integrity, 2 and confidentiality without offset, 3 and offsets of 30 and 50. */
  readonly capability: number;
  /** 16 hex digits. */
  readonly sci: string;
  readonly mi: MemberId;
  /** Message number, 1 – 2^32−1. */
  readonly mn: number;
  /** 1–32 octets, hex. */
  readonly ckn: string;
}

export interface PeerList {
  readonly peers: readonly ListedPeer[];
  /** Version 3, in a live list beside a distributed XPN SAK: the low octet of the key server's SSCI; else 0. */
  readonly keyServerSsci: number;
}

export interface ListedPeer {
  readonly mi: MemberId;
  readonly mn: number;
}

/** A key identifier (KI): the key server's member identifier and the key number. */
export interface KeyIdentifier {
  readonly mi: MemberId;
  /** Key number, 1 – 2^32−1. A peer that does not keep to it may send 0. */
  readonly kn: number;
}

/** One half, latest or old, of a SAK Use set. `ki` null: all its octets are 0. */
export interface UsedKey {
  readonly ki: KeyIdentifier | null;
  readonly an: number;
  readonly tx: boolean;
  readonly rx: boolean;
  /** Lowest PN that the sender still transmits, its low 32 bits; the high ones are in `XpnSet`. Peers send 0 too. */
  readonly lowestPn: number;
}

/** SAK Use set. With `plainTx`, `plainRx` and no key ("no MACsec") it has length 0 on the wire. */
export interface SakUse {
  readonly latest: UsedKey;
  readonly old: UsedKey;
  readonly plainTx: boolean;
  readonly plainRx: boolean;
  readonly delayProtect: boolean;
}

/** Distributed SAK set. `cipher` null: length 0, "no MACsec". */
export interface DistributedSak {
  readonly an: number;
  /** 0 integrity only, 1 encrypted from offset 0, 2 offset 30, 3 offset 50. */
  readonly confidentialityOffset: number;
  /** 0 where `cipher` is null. */
  readonly kn: number;
  readonly cipher: CipherName | null;
  /** The SAK under the KEK (RFC 3394): 24 or 40 octets; empty where `cipher` is null. */
  readonly wrapped: Uint8Array;
}

/** XPN set (MKA version 2 and later). */
export interface XpnSet {
  /** Seconds that the sender asks its peers to wait for it; 0: none. */
  readonly suspensionTime: number;
  readonly latestLowestPnHigh: number;
  readonly oldLowestPnHigh: number;
}
