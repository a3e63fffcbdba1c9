/** What may be read of a tunnel while it runs: by `show`, the metrics, the log. Figures are those of the moment. */
import type { TapConfig } from '../config/types.ts';
import type { GreConfig } from '../encap/config.ts';
import type { BridgePortInfo } from '../host/bridge-port.ts';
import type { MacsecConfig } from '../macsec/config.ts';
import type { PathView } from './path.ts';
import type { Membership } from './tap-watch.ts';
import type { TunnelTotals } from './totals.ts';

/** The TAP and its bridge. */
export interface BridgePortView {
  readonly membership: Membership;
  /** As the kernel has it; null where it is in no bridge. */
  readonly info: BridgePortInfo | null;
}

export interface TunnelView {
  readonly name: string;
  /** When it came up; a reload that restarts it for a moment changes nothing of it. */
  readonly upSince: Date;
  readonly tap: TapConfig;
  /** With the addresses in use; what was not found yet is as in the file. */
  readonly gre: GreConfig;
  /** Null where the file names both addresses (or `dynamic`). */
  readonly ends: EndsView | null;
  /** Its keys come by key agreement (MKA), not from the file. */
  readonly agreesKeys: boolean;
  /** After how many seconds without an authentic frame the peer is lost; 0: it is not watched. */
  readonly peerTimeoutSeconds: number;
  /** Of the TAP, as it is called now. */
  readonly ifname: string;
  readonly ifindex: number;
  /** Null: its TAP is to be in no bridge. Asks the kernel. */
  readonly bridgePort: BridgePortView | null;
  /** What it carries now; the TAP may have another. */
  readonly mtu: number;
  /** What the path is believed to carry. */
  readonly pathMtu: number;
  readonly path: PathView;
  /** Octets that the tunnel adds to an inner packet. */
  readonly overhead: number;
  /** Null where the TAP always has carrier. */
  readonly carrier: CarrierView | null;
  /** Where packets go, `address:port`; null where that is `gre.remote`, or not known yet. */
  readonly endpoint: string | null;
  /** Null without MACsec. */
  readonly secy: SecyView | null;
  /** The counters of all lanes, added up. */
  totals(): TunnelTotals;
}

/** Ends whose addresses were to be found. */
export interface EndsView {
  /** As in the file: an address, `auto`; an address, a host name. */
  readonly local: string;
  readonly remote: string;
  /** What is missing, for people; null: nothing. */
  readonly waitsFor: string | null;
}

/** The carrier of a TAP that has it while the peer is there. */
export interface CarrierView {
  readonly isUp: boolean;
  /** Why, for people. */
  readonly reason: string;
  readonly since: Date;
}

export interface SecyView {
  /** Own SCI, 16 hex digits. */
  readonly sci: string;
  /** As it runs. */
  readonly config: MacsecConfig;
  /** The transmit SA that encodes; null while there is none. */
  readonly encoding: TxSaView | null;
  /** A transmit SA of `config`. */
  txSa(an: number): TxSaView;
  /** Where the RxSC `sci` of `config` has its counters. */
  rxPlace(sci: string): number;
}

export interface TxSaView {
  readonly an: number;
  /** Tells an SA from another that had its AN before. */
  readonly serial: number;
  /** The first PN of this run, and one past the last that the SA has. */
  readonly start: bigint;
  readonly end: bigint;
  /** PNs below this are taken by lanes, used or not. */
  readonly taken: bigint;
}
