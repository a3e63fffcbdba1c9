/**
 * Sends frames of the main thread by the tunnel's socket, in its encapsulation: beside the lanes and what waits in them,
 * and whatever state the TAP is in. They go ahead of data on the way too, with DSCP CS6 (RFC 4594 3.2: what keeps a
 * network running), whatever `gre.tos` says.
 */
import type { Encap } from '../encap/encap.ts';
import { type EncapSpec, encapBeside, endpointOf } from '../encap/kinds.ts';
import { type Batch, createBatch, HEADROOM, resetBatch } from '../frame/batch.ts';
import { Drop } from '../frame/drop.ts';
import { sendPacket } from '../ports/packet-sender.ts';

/** DSCP CS6, no ECN. */
const TOS_CS6 = 0xc0;
/** A probe may be longer than any path of today carries. */
const MAX_FRAME_LEN = 16_384;

/** Frames are sent one by one, so all senders of a thread share it. */
let shared: Batch | null = null;

export class UncontrolledSender {
  readonly #encap: Encap;
  readonly #fd: number;
  readonly #endpoint: Uint8Array | null;

  /** Over the socket `fd`, which stays its owner's. */
  constructor(spec: EncapSpec, fd: number) {
    this.#encap = encapBeside(spec, TOS_CS6);
    this.#fd = fd;
    this.#endpoint = endpointOf(spec);
  }

  /**
   * Sends a whole Ethernet frame to the peer, or to `to` (an endpoint's octets); returns why it was not sent,
   * `Drop.None` when it was. What finds the socket's queue full is not sent later. Never throws for what the network
   * does.
   */
  send(frame: Uint8Array, to: Uint8Array | null = this.#endpoint): Drop {
    if (frame.length > MAX_FRAME_LEN) return Drop.OutPktsTooLong;
    shared ??= createBatch(MAX_FRAME_LEN, 1);
    resetBatch(shared);
    shared.arena.set(frame, HEADROOM);
    shared.len[0] = frame.length;
    shared.verdict[0] = Drop.None;
    shared.count = 1;
    this.#encap.push(shared);
    const { arena, at, len } = shared;
    return sendPacket(this.#fd, arena.subarray(at[0]!, at[0]! + len[0]!), TOS_CS6, to);
  }
}
