/**
 * A tunnel as the control protocol tells of it: with the keys of `ip -j -s macsec show`, and beside them what the
 * kernel does not have. The daemon makes it (`report/snapshot.ts`); `show`, the metrics and scripts read it.
 */

import type { PnJson } from '../macsec/pn-json.ts';
import type { AgreementSnapshot } from './agreement.ts';
import type { Counters } from './counters.ts';
import type { ShownSettings } from './macsec-settings.ts';
import type { RotationStatus } from './rotate.ts';

export interface SaSnapshot {
  an: number;
  /** Decimal digits in a string where JSON's numbers are not exact. */
  pn: PnJson;
  active: boolean;
  /** The key's identifier as the kernel prints it: 32 hex digits. */
  key: string;
  ssci?: string;
  stats: Counters;
}

export interface RxScSnapshot {
  sci: string;
  active: boolean;
  stats: Counters;
  sa_list: SaSnapshot[];
}

/** The keys of `ip -j -s macsec show`. */
export interface MacsecSnapshot extends ShownSettings {
  cipher_suite: string;
  icv_length: number;
  sci: string;
  encoding_sa: number;
  stats: Counters;
  tx_stats: Counters;
  sa_list: SaSnapshot[];
  rx_sc: RxScSnapshot[];
}

export interface TrafficSnapshot {
  /** At the TAP (`tx`) or from it (`rx`): as the bridge sees them. */
  frames_in: number;
  octets_in: number;
  frames_out: number;
  octets_out: number;
  /** How often at least one frame came in at once: `frames_in / batches` is the mean batch. */
  batches: number;
  /** When a frame last went all the way; null: never. */
  last: string | null;
}

/** A receive SA whose peer began again at packet number 1. */
export interface BeganAgainSnapshot {
  sci: string;
  an: number;
  /** Late frames since the last that was accepted, and the packet number of the last of them (XPN: its lower half). */
  frames: number;
  last_pn: number;
  /** What that means, as `text` in what follows. */
  text: string;
}

/** A peer that sends with an AN that has no receive SA in use. */
export interface UnusedSaSnapshot {
  sci: string;
  an: number;
  text: string;
}

/** A frame with an SCI that no RxSC has. */
export interface UnknownSciSnapshot {
  sci: string;
  text: string;
}

/** What was seen of frames that were refused; anybody can forge it. */
export interface SeenSnapshot {
  began_again: BeganAgainSnapshot[];
  /** Null: the last frame of its channel was accepted, or no such frame came. */
  unused_sa: UnusedSaSnapshot | null;
  /** Of the last such frame ever. */
  unknown_sci: UnknownSciSnapshot | null;
}

/** Whether the peer is heard, as frames from it say, and with key agreement its MKPDUs. */
export interface PeerSnapshot {
  /**
   * `unknown`: nothing authentic has come yet, nor been missed; `lost`: none came for peerTimeoutSeconds while frames were
   * sent, as with key agreement they always are; `unwatched`: peerTimeoutSeconds is 0.
   */
  state: 'unknown' | 'alive' | 'lost' | 'unwatched';
  /** Since when it is alive, or when it was last heard before it was lost; null: not known. */
  since: string | null;
  /** When an authentic frame last came, to the second; null: never. */
  last_authentic: string | null;
}

/** The carrier of a TAP that has it while the peer is there. */
export interface CarrierSnapshot {
  state: 'up' | 'down';
  /** Why, for people. */
  reason: string;
  since: string;
}

/** Control frames between two l2vpnd. */
export interface ControlFramesSnapshot {
  /** The peer that hears us and that we hear, 16 hex digits; null: none. */
  live_sci: string | null;
  /** They are the tunnel's keepalive; false: key agreement watches the peer. */
  keepalive: boolean;
  /** Of frames with a right ICV, and new. */
  frames_in: number;
  frames_out: number;
  /** By reason; reasons that have not occurred are left out. */
  refused: Counters;
}

/** What the path is believed to carry, and why. */
export interface PathSnapshot {
  /** `link`, `route`: of this host; `icmp`: a router said so; `probes`: the peer has answered probes of that size. */
  limit: 'link' | 'route' | 'icmp' | 'probes';
  since: string;
  because: string;
  /** The search by probes between two l2vpnd: `stopped`, `confirming`, `base`, `searching`, `complete`. */
  search: string;
  /** ICMP messages about packets that were too big: `proven`, `plausible`, `refused`. */
  icmp_too_big: Counters;
}

/** The TAP as a port of its bridge. */
export interface BridgeSnapshot {
  /** As configured. */
  name: string;
  /**
   * `waiting`: there is no such bridge; `elsewhere`: somebody has moved the TAP to another; `taken`: somebody has taken it out
   * of this one.
   */
  membership: 'joined' | 'waiting' | 'elsewhere' | 'taken';
  /** As the kernel has it now; null: the TAP is in no bridge. */
  port: { state: string; isolated: boolean; cost: number; priority: number } | null;
  /** As configured; null: those that the bridge gives. */
  vlans: { vid: string; pvid: boolean; untagged: boolean }[] | null;
}

export interface TunnelSnapshot {
  name: string;
  up_since: string;
  ifindex: number;
  ifname: string;
  /** Null: its TAP is to be in none. */
  bridge: BridgeSnapshot | null;
  mtu: number;
  path_mtu: number;
  path: PathSnapshot;
  /** The address in use; `auto` while none is known. */
  local: string;
  /** As configured; `endpoint` is where packets go, null where that is the same or not known yet. */
  remote: string;
  endpoint: string | null;
  /** Why the peer's address, or the own one, is not known yet; null: nothing is to be found, or all is. */
  waits_for: string | null;
  encap: string;
  aead: string | null;
  /** That another runtime does AES-GCM faster on this CPU; null: it does not, or the tunnel has no MACsec. */
  faster_runtime: string | null;
  peer: PeerSnapshot;
  /** Null where the TAP always has carrier. */
  carrier: CarrierSnapshot | null;
  /** Null where the tunnel has none. */
  control_frames: ControlFramesSnapshot | null;
  /** The key change under way or the last one; null: none since the start. */
  rotation: RotationStatus | null;
  /** What key agreement has come to; null with static keys. */
  agreement: AgreementSnapshot | null;
  /** Packet numbers that the encoding SA can still use; null without MACsec. */
  pn_left: PnJson | null;
  tx: TrafficSnapshot;
  rx: TrafficSnapshot;
  /** Packets whose GRE checksum was left to an offload and that were taken, since the SecY verifies them. */
  gre_checksums_left: number;
  /** Frames dropped, by reason; reasons that have not occurred included. */
  drops: Counters;
  /** Null without MACsec, as `macsec` is. */
  seen: SeenSnapshot | null;
  /** ICMP errors that came for packets of this tunnel, by kind; kinds that have not occurred included. */
  icmp: Counters;
  macsec: MacsecSnapshot | null;
}

/** A tunnel that is down, and tried again by itself. */
export interface DownSnapshot {
  name: string;
  ifname: string;
  /** Why it went down, or why it could not come up again. */
  reason: string;
  /** When it went down. */
  since: string;
  /** Between the last try and the next. */
  retry_seconds: number;
}
