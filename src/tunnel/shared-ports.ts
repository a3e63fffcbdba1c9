/** The local UDP ports of this daemon, by address and port, and the tunnels at each. */
import { canonicalAddress } from '../config/fields.ts';
import type { UdpSettings } from '../host/socket.ts';
import type { StrayFrame } from './door.ts';
import type { PortGuest } from './port-guest.ts';
import { SharedPort, type SharedPortContext } from './shared-port.ts';

export class SharedPorts {
  readonly #context: SharedPortContext;
  readonly #byPlace = new Map<string, SharedPort>();
  readonly #bySocket = new Map<number, SharedPort>();

  constructor(context: SharedPortContext) {
    this.#context = context;
  }

  /** The socket of a tunnel over UDP; the caller closes it after `leave`. Throws L2vpnError. */
  open(gre: UdpSettings, place: string): number {
    const key = `${canonicalAddress(gre.local)} ${gre.port}`;
    const port = this.#byPlace.get(key) ?? new SharedPort(gre, this.#context);
    const fd = port.open(gre, place);
    this.#byPlace.set(key, port);
    this.#bySocket.set(fd, port);
    return fd;
  }

  /** The dynamic tunnel of a socket that `open` has given. */
  enter(guest: PortGuest): void {
    this.#bySocket.get(guest.parts.fd)?.enter(guest);
  }

  /** The peer of `guest` may be elsewhere than it was. */
  follow(guest: PortGuest): void {
    this.#bySocket.get(guest.parts.fd)?.follow(guest);
  }

  /** A frame came to the socket `fd` of a tunnel; whether it is for others of that port, who have it then. */
  stray(fd: number, came: StrayFrame): boolean {
    return this.#bySocket.get(fd)?.stray(fd, came) ?? false;
  }

  /** Before the socket is closed. */
  leave(fd: number): void {
    const port = this.#bySocket.get(fd);
    if (port === undefined) return;
    port.leave(fd);
    this.#bySocket.delete(fd);
    for (const [key, one] of this.#byPlace) if (one === port && port.isEmpty) this.#byPlace.delete(key);
  }
}
