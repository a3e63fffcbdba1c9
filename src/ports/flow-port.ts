/**
 * A UDP socket as a `FramePort` that sends by further sockets, one per source port (RFC 8086 §3.1): which of them a frame
 * leaves by is in `batch.flow`. It receives by the tunnel's own, which has `gre.port`.
 *
 * The batch comes in the order of its ports (`datapath/flows.ts`), so each socket has a stretch of it, and trains stay
 * trains. Where one socket takes no more, the rest of the batch waits for it.
 */
import type { Batch, BatchLayout } from '../frame/batch.ts';
import type { Addon, PortHandle } from '../native/addon.ts';
import { loadAddon } from '../native/load.ts';
import { BatchBinding } from './batch-binding.ts';
import type { FramePort } from './frame-port.ts';
import { sendWithRetry } from './soft-errors.ts';
import type { UdpSocketPort } from './udp-socket-port.ts';

/** The sockets of a tunnel that spreads its flows, and what spreads them. Survives a structured clone. */
export interface FlowSenders {
  readonly fds: readonly number[];
  /** The source port of each. */
  readonly ports: readonly number[];
  /** 32 bits, the same for all lanes of the process, and nobody else's. */
  readonly seed: number;
}

interface Sender {
  readonly fd: number;
  readonly port: PortHandle;
}

export class FlowPort implements FramePort {
  readonly receiveLayout: BatchLayout;
  readonly status: Int32Array = new Int32Array(1);
  readonly traffic: Float64Array;
  readonly #own: UdpSocketPort;
  readonly #endpoint: Uint8Array;
  readonly #addon: Addon = loadAddon();
  readonly #bound: BatchBinding = new BatchBinding(this.#addon);
  readonly #senders: readonly Sender[];
  /** The socket that the lane waits for. */
  #waitFd: number;

  /** `own`: the tunnel's own socket, which is the port's to close from now on. */
  constructor(own: UdpSocketPort, endpoint: Uint8Array, fds: readonly number[], carriesTos: boolean) {
    this.#own = own;
    this.#endpoint = endpoint;
    this.traffic = own.traffic;
    this.receiveLayout = own.receiveLayout;
    this.#waitFd = own.fd;
    this.#senders = fds.map((fd) => {
      const port = this.#addon.openUdpPort(fd);
      if (carriesTos) this.#addon.carryTos(port);
      return { fd, port };
    });
  }

  /** Of the socket that took no more frames, while some wait; else the tunnel's own. */
  get fd(): number {
    return this.#waitFd;
  }

  /** HOT PATH: allocates nothing. */
  receive(batch: Batch, max: number): number {
    return this.#own.receive(batch, max);
  }

  /** HOT PATH: allocates nothing. */
  send(batch: Batch, from: number): number {
    this.#waitFd = this.#own.fd;
    return sendWithRetry(this, batch, from);
  }

  sendFrom(batch: Batch, from: number): number {
    const { count, flow } = batch;
    const bound = this.#bound.of(batch);
    let at = from;
    while (at < count) {
      const sender = this.#senders[flow[at]!]!;
      const end = endOfRun(flow, at, count);
      at = this.#addon.udpSend(sender.port, bound, at, end, this.status, this.#endpoint);
      if (at < end) {
        this.#waitFd = sender.fd;
        return at;
      }
    }
    return at;
  }

  close(): void {
    this.#own.close();
    for (const { port } of this.#senders) this.#addon.closePort(port);
  }
}

/** The first of [at, count) that has another port than frame `at`. HOT PATH. */
function endOfRun(flow: Uint8Array, at: number, count: number): number {
  const first = flow[at];
  let end = at + 1;
  while (end < count && flow[end] === first) end++;
  return end;
}
