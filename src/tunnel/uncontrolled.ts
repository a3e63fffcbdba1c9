/** The main thread's half of a tunnel's Uncontrolled Port: what the receive lane has laid aside comes out here. */

import {
  createUncontrolledRing,
  openUncontrolledSender,
  UncontrolledExit,
  type UncontrolledSender,
} from '../datapath/uncontrolled.ts';
import type { UncontrolledPort } from '../datapath/uncontrolled-port.ts';
import type { EncapSpec } from '../encap/kinds.ts';
import type { UncontrolledSpec } from '../worker/messages.ts';

export class TunnelUncontrolledPort implements UncontrolledPort {
  readonly etherTypes: readonly number[];
  received: (frame: Uint8Array) => void = () => {};
  readonly #ring = createUncontrolledRing();
  readonly #exit = new UncontrolledExit(this.#ring, (frame) => this.received(frame));
  #sender: UncontrolledSender | null = null;

  constructor(etherTypes: readonly number[]) {
    this.etherTypes = etherTypes;
  }

  /** For the receive lane. */
  get spec(): UncontrolledSpec {
    return { etherTypes: this.etherTypes, ring: this.#ring };
  }

  /** From now on frames can be sent, by the tunnel's socket. */
  open(encap: EncapSpec, wireFd: number): void {
    this.#sender = openUncontrolledSender(encap, wireFd);
  }

  /** Nothing is sent before the tunnel is open: as on a link that is down. */
  send(frame: Uint8Array): void {
    this.#sender?.send(frame);
  }

  /** The worker says that frames wait. */
  told(): void {
    this.#exit.told();
  }

  close(): void {
    this.#exit.close();
    this.#sender?.close();
    this.#sender = null;
  }
}
