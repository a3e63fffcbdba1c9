/** The local UDP ports of this daemon, by address and port, and the tunnels at each. */
import { canonicalAddress } from '../config/fields.ts';
import { closeFds } from '../host/close.ts';
import type { FdSink, FdSource } from '../host/descriptors.ts';
import type { UdpSettings } from '../host/socket.ts';
import type { StrayFrame } from './door.ts';
import type { PortGuest } from './port-guest.ts';
import { SharedPort, type SharedPortContext } from './shared-port.ts';

/** By local address and port: the door, as a place among the descriptors that go over. */
export type HandedDoors = ReadonlyMap<string, number>;

function placeOf({ local, port }: UdpSettings): string {
  return `${canonicalAddress(local)} ${port}`;
}

export class SharedPorts {
  readonly #context: SharedPortContext;
  readonly #byPlace = new Map<string, SharedPort>();
  readonly #bySocket = new Map<number, SharedPort>();
  /** Doors of a process before, by place, that no tunnel has taken yet. */
  readonly #doors = new Map<string, number>();

  constructor(context: SharedPortContext) {
    this.#context = context;
  }

  /** The socket of a tunnel over UDP; the caller closes it after `leave`. Throws L2vpnError. */
  open(gre: UdpSettings, place: string): number {
    const port = this.#at(gre);
    try {
      const fd = port.open(gre, place);
      this.#bySocket.set(fd, port);
      return fd;
    } finally {
      this.#forgetEmpty();
    }
  }

  /** In place of `open`: the socket of a tunnel in a process before. */
  adopt(gre: UdpSettings, fd: number): void {
    const port = this.#at(gre);
    port.adopt(gre, fd);
    const door = this.#doors.get(placeOf(gre));
    if (door !== undefined) port.adoptDoor(door);
    this.#doors.delete(placeOf(gre));
    this.#bySocket.set(fd, port);
  }

  /** The doors of this process, for another one. */
  handOn(sink: FdSink): HandedDoors {
    const doors = new Map<string, number>();
    for (const [place, { doorFd }] of this.#byPlace) if (doorFd !== null) doors.set(place, sink.add(doorFd));
    return doors;
  }

  /** Doors of a process before, before any of its sockets. */
  goOn(handed: HandedDoors, source: FdSource): void {
    for (const [place, at] of handed) this.#doors.set(place, source.take(at));
  }

  /** Those of ports that nobody has taken. */
  closeUnclaimedDoors(): void {
    closeFds([...this.#doors.values()]);
    this.#doors.clear();
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
    this.#forgetEmpty();
  }

  #at(gre: UdpSettings): SharedPort {
    const place = placeOf(gre);
    const known = this.#byPlace.get(place) ?? new SharedPort(gre, this.#context);
    this.#byPlace.set(place, known);
    return known;
  }

  #forgetEmpty(): void {
    for (const [place, one] of this.#byPlace) if (one.isEmpty) this.#byPlace.delete(place);
  }
}
