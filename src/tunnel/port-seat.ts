/** A tunnel over UDP at its local port, which it may share with others. */
import { StrayExit } from '../datapath/strays.ts';
import type { GreConfig } from '../encap/config.ts';
import type { OpenedWire } from '../encap/encap.ts';
import type { EncapSpec } from '../encap/kinds.ts';
import { movingEndpointOf } from '../encap/kinds.ts';
import { type NamedByKeys, PortGuest } from './port-guest.ts';
import type { SharedPorts } from './shared-ports.ts';
import type { TunnelUncontrolledPort } from './uncontrolled.ts';

/** The tunnel that sits there. */
export interface Seated extends NamedByKeys {
  readonly name: string;
  readonly uncontrolled: TunnelUncontrolledPort | null;
}

export class PortSeat {
  readonly strays: StrayExit;
  readonly #fd: number;
  readonly #greKey: number | null;
  readonly #ports: SharedPorts;
  /** Null: the peer is where it is. */
  readonly #guest: PortGuest | null;
  readonly #uncontrolled: TunnelUncontrolledPort | null;

  /** By the socket that `ports` has opened for `tunnel`. */
  constructor(tunnel: Seated, gre: GreConfig, { fd, spec }: OpenedWire<EncapSpec>, ports: SharedPorts) {
    const { name, uncontrolled } = tunnel;
    const endpoint = movingEndpointOf(spec);
    const parts = { tunnel: name, fd, greKey: gre.key, spec, keys: tunnel, uncontrolled };
    this.#fd = fd;
    this.#greKey = gre.key;
    this.#ports = ports;
    this.#guest = endpoint === null ? null : new PortGuest({ ...parts, endpoint });
    this.#uncontrolled = uncontrolled;
    this.strays = new StrayExit((frame, sender, cameLen) => {
      ports.stray(fd, { frame, sender, cameLen, greKey: gre.key });
    });
  }

  /** From now on the peer is heard, and what is not this tunnel's goes to the others. */
  enter(): void {
    const guest = this.#guest;
    const uncontrolled = this.#uncontrolled;
    if (uncontrolled !== null) {
      uncontrolled.moved = () => this.follow();
      uncontrolled.arrived = (frame, sender, cameLen) => {
        const came = { frame, sender, cameLen, greKey: this.#greKey };
        if (!this.#ports.stray(this.#fd, came)) uncontrolled.deliver(frame, sender, cameLen);
      };
    }
    if (guest !== null) this.#ports.enter(guest);
  }

  /** The peer may be elsewhere than it was. */
  follow(): void {
    if (this.#guest !== null) this.#ports.follow(this.#guest);
  }

  /** Before the socket is closed. */
  close(): void {
    this.strays.close();
    this.#ports.leave(this.#fd);
  }
}
