/** The main thread's half of a tunnel's Uncontrolled Port: what the receive lane has laid aside comes out here. */

import { UncontrolledExit } from '../datapath/uncontrolled.ts';
import type { Sender, UncontrolledPort } from '../datapath/uncontrolled-port.ts';
import { createUncontrolledRing, type Mark, UncontrolledRing } from '../datapath/uncontrolled-ring.ts';
import { UncontrolledSender } from '../datapath/uncontrolled-sender.ts';
import { type EncapSpec, movingEndpointOf } from '../encap/kinds.ts';
import { endpointText, moveEndpoint } from '../ports/endpoint.ts';
import type { UncontrolledSpec } from '../worker/messages.ts';

export class TunnelUncontrolledPort implements UncontrolledPort {
  readonly etherTypes: readonly number[];
  received: UncontrolledPort['received'] = () => {};
  readonly #shared = createUncontrolledRing();
  readonly #ring = new UncontrolledRing(this.#shared);
  /** A frame that came to the tunnel's socket; `TunnelPort` puts its own here where it may be another tunnel's. */
  arrived: (frame: Uint8Array, sender: Sender) => void = (frame, sender) => this.deliver(frame, sender);
  /** The peer is at another place. */
  moved: () => void = () => {};
  readonly #exit = new UncontrolledExit(this.#ring, (frame, sender) => this.arrived(frame, sender));
  #sender: UncontrolledSender | null = null;
  /** Of a peer that may move. */
  #endpoint: Uint8Array | null = null;
  /** Where the next frame goes too. */
  #answerTo: Sender | null = null;

  constructor(etherTypes: readonly number[]) {
    this.etherTypes = etherTypes;
  }

  /** For the receive lane. */
  get spec(): UncontrolledSpec {
    return { etherTypes: this.etherTypes, ring: this.#shared };
  }

  want(marks: readonly Mark[]): void {
    this.#ring.want(marks);
  }

  /** From now on frames can be sent, by the tunnel's socket. */
  open(encap: EncapSpec, wireFd: number): void {
    this.#sender = new UncontrolledSender(encap, wireFd);
    this.#endpoint = movingEndpointOf(encap);
  }

  /** A frame for this tunnel, by whatever socket it came. */
  deliver(frame: Uint8Array, sender: Sender): void {
    this.received(frame, this.#endpoint === null ? null : sender);
  }

  /** Nothing is sent before the tunnel is open: as on a link that is down. */
  send(frame: Uint8Array): void {
    const answerTo = this.#answerTo;
    this.#answerTo = null;
    this.#sender?.send(frame);
    if (answerTo !== null) this.#sender?.send(frame, answerTo);
  }

  peerIsAt(from: Sender): void {
    this.#answerTo = null;
    if (this.#endpoint === null) return;
    moveEndpoint(this.#endpoint, from);
    this.moved();
  }

  answerTo(from: Sender): void {
    if (this.#endpoint === null) return;
    // There the next frame goes anyway.
    const isThere = endpointText(this.#endpoint) === endpointText(from);
    this.#answerTo = isThere ? null : from;
  }

  /** The worker says that frames wait. */
  told(): void {
    this.#exit.told();
  }

  close(): void {
    this.#exit.close();
    this.#sender = null;
  }
}
