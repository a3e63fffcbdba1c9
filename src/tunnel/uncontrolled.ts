/**
 * The main thread's half of a tunnel's Uncontrolled Port: what the receive lane has laid aside comes out here, and goes to
 * whose it is. Key agreement and control frames use it side by side, by their EtherTypes.
 */

import { UNCONTROLLED_LOOKS, UncontrolledExit, type UncontrolledTaker } from '../datapath/uncontrolled.ts';
import type { Sender, UncontrolledPort } from '../datapath/uncontrolled-port.ts';
import { createUncontrolledRing, type Mark, UncontrolledRing } from '../datapath/uncontrolled-ring.ts';
import { UncontrolledSender } from '../datapath/uncontrolled-sender.ts';
import { type EncapSpec, movingEndpointOf } from '../encap/kinds.ts';
import { endpointText, moveEndpoint } from '../ports/endpoint.ts';
import { ETHERNET_LEN, etherTypeAt } from '../wire/ethernet.ts';
import type { UncontrolledSpec } from '../worker/messages.ts';

export class TunnelUncontrolledPort {
  readonly #shared = createUncontrolledRing();
  readonly #ring = new UncontrolledRing(this.#shared);
  /** A frame that came to the tunnel's socket; `PortSeat` puts its own here, as it may be another tunnel's. */
  arrived: UncontrolledTaker = (frame, sender, cameLen) => this.deliver(frame, sender, cameLen);
  /** The peer is at another place. */
  moved: () => void = () => {};
  readonly #exit = new UncontrolledExit(this.#ring, (frame, sender, cameLen) =>
    this.arrived(frame, sender, cameLen),
  );
  readonly #users: PortUser[] = [];
  #sender: UncontrolledSender | null = null;
  /** Of a peer that may move. */
  #endpoint: Uint8Array | null = null;

  /** A further user, before the lanes are there: untagged frames of `etherTypes` are for it. */
  use(etherTypes: readonly number[]): UncontrolledPort {
    const user = new PortUser(etherTypes, {
      want: () => this.#ring.want(this.#users.flatMap(({ marks }) => marks)),
      send: (frame, answerTo) => this.#send(frame, answerTo),
      moveTo: (to) => {
        if (this.#endpoint === null) return;
        moveEndpoint(this.#endpoint, to);
        this.moved();
      },
      isElsewhere: (from) => this.#endpoint !== null && endpointText(this.#endpoint) !== endpointText(from),
    });
    this.#users.push(user);
    return user;
  }

  /** For the receive lane. */
  get spec(): UncontrolledSpec {
    return {
      etherTypes: this.#users.flatMap(({ etherTypes }) => etherTypes),
      ring: this.#shared,
      bells: UNCONTROLLED_LOOKS.bells,
      bell: this.#exit.bell,
    };
  }

  /** From now on frames can be sent, by the tunnel's socket. */
  open(encap: EncapSpec, wireFd: number): void {
    this.#sender = new UncontrolledSender(encap, wireFd);
    this.#endpoint = movingEndpointOf(encap);
  }

  /** Of the frames that are for it. */
  get etherTypes(): readonly number[] {
    return this.#users.flatMap(({ etherTypes }) => etherTypes);
  }

  /** A frame for this tunnel, or what SLOT_FRAME_LEN has room for, by whatever socket it came. */
  deliver(frame: Uint8Array, sender: Sender, cameLen: number): void {
    this.#handOn(frame, this.#endpoint === null ? null : sender, cameLen);
  }

  close(): void {
    this.#exit.close();
    this.#sender = null;
  }

  /** Nothing is sent before the tunnel is open: as on a link that is down. */
  #send(frame: Uint8Array, answerTo: Sender | null): void {
    this.#sender?.send(frame);
    if (answerTo !== null) this.#sender?.send(frame, answerTo);
  }

  #handOn(frame: Uint8Array, from: Sender | null, cameLen: number): void {
    if (frame.length < ETHERNET_LEN) return;
    const type = etherTypeAt(frame, 0);
    this.#users.find(({ etherTypes }) => etherTypes.includes(type))?.received(frame, from, cameLen);
  }
}

/** What users of one port share. */
interface SharedPort {
  /** The marks of a user are others now. */
  want(): void;
  send(frame: Uint8Array, answerTo: Sender | null): void;
  moveTo(to: Sender): void;
  /** The peer may move, and is not there. */
  isElsewhere(from: Sender): boolean;
}

class PortUser implements UncontrolledPort {
  readonly etherTypes: readonly number[];
  received: UncontrolledPort['received'] = () => {};
  marks: readonly Mark[] = [];
  readonly #port: SharedPort;
  /** Where the next frame goes too. */
  #answerTo: Sender | null = null;

  constructor(etherTypes: readonly number[], port: SharedPort) {
    this.etherTypes = etherTypes;
    this.#port = port;
  }

  want(marks: readonly Mark[]): void {
    this.marks = marks;
    this.#port.want();
  }

  send(frame: Uint8Array): void {
    const answerTo = this.#answerTo;
    this.#answerTo = null;
    this.#port.send(frame, answerTo);
  }

  peerIsAt(from: Sender): void {
    this.#answerTo = null;
    this.#port.moveTo(from);
  }

  answerTo(from: Sender): void {
    // Where the peer is the next frame goes anyway.
    this.#answerTo = this.#port.isElsewhere(from) ? from : null;
  }
}
