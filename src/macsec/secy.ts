/**
 * The MAC Security Entity (802.1AE 10): one TxSC with up to four SAs, RxSCs with up to four SAs each, their keys
 * in a keyring and their counters in shared memory. What a lane has of it, and what the main thread tells a lane
 * about it. `configure.ts` builds and changes it; `protect.ts` and `validate.ts` are what it does to a batch.
 */
import type { Keyring } from '../crypto/aead.ts';
import type { SecTagTemplate } from '../wire/sectag.ts';
import type { MacsecConfig } from './config.ts';
import type { IvBase } from './iv.ts';
import type { PnBlock } from './packet-number.ts';
import type { Replay, ReplayState } from './replay.ts';
import type { SecySettings } from './settings.ts';

/** A transmit SA as a lane uses it. */
export interface TxSa {
  readonly an: number;
  readonly slot: number;
  /** Which of the main thread's SAs it is; see `SaShare`. */
  readonly serial: number;
  active: boolean;
  readonly pn: PnBlock;
  tag: SecTagTemplate;
  readonly iv: IvBase;
  readonly countersAt: number;
}

/** A receive SA as a lane uses it. */
export interface RxSa {
  readonly an: number;
  readonly slot: number;
  readonly serial: number;
  active: boolean;
  replay: Replay;
  readonly iv: IvBase;
  readonly countersAt: number;
  /** Only frames from this PN on say where the peer is. */
  readonly learnFromHigh: number;
  readonly learnFromLow: number;
}

export interface RxSc {
  /** Its place among the counters and the keyring slots. */
  readonly index: number;
  readonly sciHigh: number;
  readonly sciLow: number;
  active: boolean;
  /** Indexed by AN. */
  readonly sa: (RxSa | null)[];
  readonly countersAt: number;
  /** Where its late frames are noted (`seen.ts`). */
  readonly seenLateAt: number;
}

export interface SecY extends SecySettings {
  readonly xpn: boolean;
  readonly icvLen: number;
  /** The two halves of the own SCI. */
  readonly sciHigh: number;
  readonly sciLow: number;
  /** Indexed by AN. */
  readonly txSa: (TxSa | null)[];
  rxSc: RxSc[];
  /** The RxSC and RxSA of a keyring slot: what the second half of `validate` looks up. */
  readonly scOfSlot: (RxSc | null)[];
  readonly saOfSlot: (RxSa | null)[];
  readonly keyring: Keyring;
  /** Shared memory; set once, when it is built. */
  counters: Float64Array;
}

/** What the main thread shares with a lane about an SA: the PN counter of a TxSA, the next PN of an RxSA. */
export interface SaShare {
  /** `PnGrant.shared`; transmit only. */
  readonly pn: SharedArrayBuffer | null;
  /** Where the receiver starts; receive only. */
  readonly nextPn: bigint;
  /** Frames below this PN are late, whatever has come (delay protection). Receive only; absent: 0. */
  readonly lowestPn?: bigint;
  /** Frames below this PN may be recorded ones, from before a crash: they do not move the peer. Receive only; absent: 0. */
  readonly learnFrom?: bigint;
  /** What a lane before this one has seen of the SA. Receive only; absent: nothing is known. */
  readonly replay?: ReplayState | undefined;
  /** The same number as before: the same SA, whose state stays. Absent: always a new one. */
  readonly serial?: number;
}

/** What a lane needs to build its SecY; survives a structured clone. */
export interface SecySpec {
  readonly config: MacsecConfig;
  /** 16 hex digits. */
  readonly sci: string;
  /** Parallel to `config.txSa`. */
  readonly txShare: readonly SaShare[];
  /** Parallel to `config.rxSc` and its `sa`. */
  readonly rxShare: readonly (readonly SaShare[])[];
  /** Parallel to `config.rxSc`: its place among counters and slots, which stays while it lives. Absent: its position. */
  readonly rxIndex?: readonly number[];
  /** Serials of SAs whose counters a lane before this one has left: they are counted on. Absent: none. */
  readonly counted?: readonly number[];
}

/** The RxSC with this SCI, null where there is none. HOT PATH. */
export function findRxSc(secy: SecY, high: number, low: number): RxSc | null {
  const { rxSc } = secy;
  for (let i = 0; i < rxSc.length; i++) {
    const sc = rxSc[i]!;
    if (sc.sciLow === low && sc.sciHigh === high) return sc;
  }
  return null;
}
