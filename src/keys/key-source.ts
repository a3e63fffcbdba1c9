/** Who decides the SAs of a tunnel: the file, with the rotations ordered by hand (`static.ts`); key agreement (`agreed.ts`). */
import type { RekeyStatus, RotateBody, RotationStatus } from '../api/rotate.ts';
import type { TunnelConfig } from '../config/types.ts';
import type { CipherName } from '../crypto/cipher-suite.ts';
import type { UncontrolledPort } from '../datapath/uncontrolled-port.ts';
import type { LinkKeys } from '../link/link-control.ts';
import type { MacsecConfig } from '../macsec/config.ts';
import type { SaControl } from '../tunnel/sa-control.ts';
import type { SaSet } from '../tunnel/sa-set.ts';
import type { HandedAgreement } from './mka/agreement.ts';
import type { MkaSnapshot } from './mka/snapshot.ts';

/** What the file says of a tunnel's keys. */
export interface FiledKeys {
  /** SAs in it; none with key agreement. */
  readonly macsec: MacsecConfig;
  /** Null with static keys. */
  readonly mka: TunnelConfig['mka'];
}

/** The SAs of a tunnel with static keys as they run, apart from what the file names. */
export interface RunningSas {
  readonly sas: SaSet;
  /** Which SAs the file names (`channelIds` of `kept-sas.ts`). */
  readonly filed: readonly string[];
}

/** The peer, as key agreement sees it. */
export interface PeerState {
  readonly hasLivePeer: boolean;
  /** It is live, and user data is sent to it. */
  readonly isSecured: boolean;
  /** It is an l2vpnd. */
  readonly takesControlFrames: boolean;
}

/** Null with static keys. */
export type AgreedLiveness = {
  /** Since the last MKPDU of a live peer; null: none is live. */
  readonly heardAgoMs: number | null;
} | null;

/** What key agreement has come to, and the SAs that the SecY has of it, for another process. */
export interface HandedKeys {
  readonly sci: string;
  readonly cipher: CipherName;
  readonly sas: SaSet;
  /** Of the clock that its times are of (`clockZeroMs`). */
  readonly zeroMs: number;
  readonly agreement: HandedAgreement;
}

export interface KeySource {
  /** What its peers send it by the Uncontrolled Port; empty: nothing. */
  readonly etherTypes: readonly number[];
  /**
   * Called once, before the tunnel has TAP and lanes. SAs may be installed now or at any time later; when this resolves
   * the tunnel is opened. `port` carries frames between the key sources of both ends; null where the tunnel has none.
   * Throws L2vpnError; the tunnel is not opened then.
   */
  start(sas: SaControl, port: UncontrolledPort | null): Promise<void>;
  /** The tunnel's lanes run, after `stop` again: what is sent goes out, what comes is received. */
  linkUp(): void;
  /** Orders nothing more from now on; SAs stay as they are. */
  stop(): void;
  /** Stopped, what the source of the same tunnel in another process goes on from; null: from the file and the state directory. */
  readonly handed: HandedKeys | null;
  /** What another source of the same tunnel would go on from; null: from the file alone. */
  readonly running: RunningSas | null;
  /**
   * The file has changed from `before` (with keys or prints of them) to `after`, in the caller's turn; `keep` comes when
   * all of the reload has been done. Resolves with what undoes it. Throws L2vpnError, with all as it was.
   */
  reload(before: FiledKeys, after: FiledKeys): Promise<() => Promise<void>>;
  /** After a reload that has succeeded as a whole. */
  keep(before: FiledKeys, after: FiledKeys): Promise<void>;
  /** The last rotation by hand; null: none. */
  readonly rotation: RotationStatus | null;
  /** What key agreement has come to; null with static keys. */
  readonly agreement: MkaSnapshot | null;
  /** What it knows of the peer by itself; null with static keys: nothing. */
  readonly peer: PeerState | null;
  /** `listener` is called when `peer` may be another. Must not throw. */
  onPeer(listener: () => void): void;
  /** What control frames are made with, as it is now: the same object as long as it is the same. */
  linkKeys(): LinkKeys;
  /** Of that, whether the peer is live: cheap to ask for. */
  readonly liveness: AgreedLiveness;
  /** An operator wants new keys; in the caller's turn. Throws L2vpnError. */
  rotate(body: RotateBody): Promise<RotationStatus | RekeyStatus>;
  /** And does not want them any more. Throws L2vpnError. */
  abort(): Promise<RotationStatus>;
}
