/** What the main thread and a worker tell each other. Frames never pass here, nor counters: those are shared memory. */
import type { AeadProvider } from '../crypto/aead.ts';
import type { SecySpec } from '../macsec/secy.ts';
import type { GreOptions } from '../wire/gre.ts';

/** One lane, as the worker has to build it. Survives a structured clone. */
export interface LaneSpec {
  readonly direction: 'transmit' | 'receive';
  /** For messages. */
  readonly tunnel: string;
  readonly tapFd: number;
  readonly wireFd: number;
  /** A raw IPv4 socket gives the outer header with a packet; UDP and IPv6 do not. */
  readonly outerIpv4: boolean;
  /** Where the UDP peer is, in shared memory (`createEndpoint`); null: a raw socket, which knows its peer. */
  readonly endpoint: Uint8Array | null;
  /** The peer's endpoint is learned from its authentic frames. */
  readonly learns: boolean;
  /** Null: plain GRETAP. */
  readonly secy: SecySpec | null;
  readonly gre: GreOptions;
  readonly lowerMtu: number;
  /** The outer header to send, where the socket has IP_HDRINCL. */
  readonly ipv4: Uint8Array | null;
  /** The longest frame from the TAP, or packet from the wire. */
  readonly maxLen: number;
  readonly counters: SharedArrayBuffer;
}

export interface WorkerSpec {
  readonly provider: AeadProvider['name'];
  readonly eventFd: number;
  readonly lanes: readonly LaneSpec[];
}

/** Main thread to worker; the eventfd says that one waits. A grant needs no message, only the wake-up. */
export type ToWorker =
  | { readonly type: 'stop' }
  /** Further lanes: a tunnel was added. */
  | { readonly type: 'add'; readonly id: number; readonly lanes: readonly LaneSpec[] }
  /** Drain and close the lanes of a tunnel. */
  | { readonly type: 'remove'; readonly id: number; readonly tunnel: string }
  /** The path to the tunnel's peer carries more or less than before. */
  | { readonly type: 'mtu'; readonly id: number; readonly tunnel: string; readonly lowerMtu: number }
  /** The SecY of a tunnel's lanes has a new configuration. */
  | { readonly type: 'secy'; readonly id: number; readonly tunnel: string; readonly spec: SecySpec };

export type FromWorker =
  | { readonly type: 'running' }
  /** A lane of the tunnel is short of granted packet numbers. */
  | { readonly type: 'pn-low'; readonly tunnel: string }
  /** The request `id` is carried out. */
  | { readonly type: 'done'; readonly id: number }
  /** Every lane is drained; the worker ends. */
  | { readonly type: 'stopped' }
  /** A port is gone; the worker has ended. */
  | { readonly type: 'failed'; readonly tunnel: string; readonly reason: string };
