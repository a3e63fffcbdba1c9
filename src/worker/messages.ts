/** What the main thread and a worker tell each other. Frames never pass here, nor counters: those are shared memory. */
import type { AeadProvider } from '../crypto/aead.ts';
import type { MssClamp } from '../datapath/mss-clamp.ts';
import type { EncapSpec } from '../encap/kinds.ts';
import type { ReplayState } from '../macsec/replay.ts';
import type { SecySpec } from '../macsec/secy.ts';

/** One lane, as the worker has to build it. Survives a structured clone. */
export interface LaneSpec {
  readonly direction: 'transmit' | 'receive';
  /** For messages. */
  readonly tunnel: string;
  readonly tapFd: number;
  readonly wireFd: number;
  readonly encap: EncapSpec;
  /** Null: plain GRETAP. */
  readonly secy: SecySpec | null;
  readonly lowerMtu: number;
  readonly mssClamp: MssClamp;
  /** The longest frame from the TAP, or packet from the wire. */
  readonly maxLen: number;
  readonly counters: SharedArrayBuffer;
  /** Receive: which untagged frames go to the main thread, and by which ring; null: none do. */
  readonly uncontrolled: UncontrolledSpec | null;
  /** Receive: the ring for frames that name another tunnel of the same port (`datapath/strays.ts`); null: there is none. */
  readonly strays: SharedArrayBuffer | null;
}

/** A datagram that came to another socket of a tunnel's local port. Nobody has verified it. */
export interface AdmittedPacket {
  readonly tunnel: string;
  /** From the GRE header on. */
  readonly packet: Uint8Array;
  /** An endpoint's octets. */
  readonly sender: Uint8Array;
}

export interface UncontrolledSpec {
  readonly etherTypes: readonly number[];
  readonly ring: SharedArrayBuffer;
  /** What rings when frames wait: number `bell` of the `bells`. */
  readonly bells: SharedArrayBuffer;
  readonly bell: number;
}

/** What a lane that has ended has seen of a receive SA, by the SA's serial. */
export interface LeftReplay {
  readonly serial: number;
  readonly replay: ReplayState;
}

export interface WorkerSpec {
  readonly provider: AeadProvider['name'];
  readonly eventFd: number;
  /** One 32-bit word: how often the loop has come round because it was woken. */
  readonly turns: SharedArrayBuffer;
  readonly lanes: readonly LaneSpec[];
  /** Of the lanes, and of those that are to come soon: the warm-up runs these. */
  readonly kinds: readonly EncapSpec['kind'][];
}

/** Main thread to worker; the eventfd says that one waits. A grant needs no message, only the wake-up. */
export type ToWorker =
  | { readonly type: 'stop' }
  /** For the receive lanes of tunnels that are this worker's. */
  | { readonly type: 'admit'; readonly packets: readonly AdmittedPacket[] }
  /** Further lanes: a tunnel was added. */
  | { readonly type: 'add'; readonly id: number; readonly lanes: readonly LaneSpec[] }
  /**
   * Drain and close the lanes of a tunnel; `done` says what they have seen. `leaves`: what waits at their ports stays there, for
   * lanes that come after them.
   */
  | { readonly type: 'remove'; readonly id: number; readonly tunnel: string; readonly leaves: boolean }
  /** The path to the tunnel's peer carries more or less than before. */
  | { readonly type: 'mtu'; readonly id: number; readonly tunnel: string; readonly lowerMtu: number }
  /** The SecY of a tunnel's lanes has a new configuration. */
  | { readonly type: 'secy'; readonly id: number; readonly tunnel: string; readonly spec: SecySpec };

/** What is answered by `done`. */
export type ToRequest = Extract<ToWorker, { readonly id: number }>;

export type FromWorker =
  | { readonly type: 'running' }
  /** A lane of the tunnel is short of granted packet numbers. */
  | { readonly type: 'pn-low'; readonly tunnel: string }
  /** Bells have rung: frames for the control plane wait. */
  | { readonly type: 'uncontrolled' }
  /** The receive lane has learned the tunnel's peer at another place. */
  | { readonly type: 'moved'; readonly tunnel: string }
  /** Frames that name another tunnel wait in the ring of this one. */
  | { readonly type: 'strays'; readonly tunnel: string }
  /** The request `id` is carried out; with `fault`, it is not, and this is why. */
  | {
      readonly type: 'done';
      readonly id: number;
      readonly fault?: string;
      readonly left?: readonly LeftReplay[];
    }
  /** Every lane is drained; the worker ends. */
  | { readonly type: 'stopped' }
  /** A port of the tunnel is gone, and with it the lane; the others run. */
  | { readonly type: 'failed'; readonly tunnel: string; readonly reason: string; readonly errno: string };
