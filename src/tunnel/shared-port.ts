/**
 * The tunnels of one local address and UDP port. Each has a socket of its own, and the kernel tells its packets from the
 * others' (`host/udp-share.ts`):
 *
 *     | peer                        | its socket is connected to                                     |
 *     | `gre.remote` is an address  | that address, any port                                         |
 *     | dynamic, known              | the address and port where it was authentic last               |
 *     | dynamic, not known yet      | its own address and port: it hears nobody                      |
 *     | nobody's                    | the door's socket (`door.ts`), which is connected to nobody    |
 *
 * So each tunnel keeps its lanes, its socket buffer and its trains, and a flood in one of them, or at the door, fills no
 * other's buffer. Only the main thread connects. Lanes send to the endpoint in shared memory, whatever that is.
 *
 * A dynamic tunnel that is alone on its port needs no door: its socket hears everybody, until another tunnel comes.
 */
import type { Logger } from 'pino';
import { closeFds } from '../host/close.ts';
import type { UdpSettings } from '../host/socket.ts';
import { openDoorSocket, openUdpSocket } from '../host/socket.ts';
import { admitOthers, hearOnly, openDeafUdpSocket } from '../host/udp-share.ts';
import { createEndpoint, endpointText } from '../ports/endpoint.ts';
import type { AdmittedPacket } from '../worker/messages.ts';
import { Door, type StrayFrame } from './door.ts';
import { NameTable } from './name-table.ts';
import type { PortGuest } from './port-guest.ts';

export interface SharedPortContext {
  readonly log: Logger;
  admit(packets: readonly AdmittedPacket[]): void;
}

interface OpenDoor {
  readonly fd: number;
  readonly door: Door;
}

export class SharedPort {
  readonly #context: SharedPortContext;
  readonly #gre: UdpSettings;
  readonly #sockets = new Map<number, 'fixed' | 'dynamic'>();
  readonly #guests = new Map<number, PortGuest>();
  readonly #names = new NameTable<PortGuest>();
  /** By where it is: whose socket hears that peer. */
  readonly #heard = new Map<string, PortGuest>();
  #door: OpenDoor | null = null;

  /** `gre`: of the first tunnel. */
  constructor(gre: UdpSettings, context: SharedPortContext) {
    this.#gre = gre;
    this.#context = context;
  }

  get isEmpty(): boolean {
    return this.#sockets.size === 0;
  }

  /** The socket of a further tunnel; the caller closes it after `leave`. Throws L2vpnError. */
  open(gre: UdpSettings, place: string): number {
    const kind = gre.remote === 'dynamic' ? 'dynamic' : 'fixed';
    const fd = this.#open(gre, kind, place);
    this.#sockets.set(fd, kind);
    return fd;
  }

  /** In place of `open`: the socket of a tunnel in a process before. */
  adopt(gre: UdpSettings, fd: number): void {
    this.#sockets.set(fd, gre.remote === 'dynamic' ? 'dynamic' : 'fixed');
  }

  /** The socket of the door; null: there is none. */
  get doorFd(): number | null {
    return this.#door?.fd ?? null;
  }

  /** The door of a process before, whose sockets are heard as they were. */
  adoptDoor(fd: number): void {
    this.#door = this.#newDoor(fd);
  }

  /** The dynamic tunnel of the socket that `open` has given. */
  enter(guest: PortGuest): void {
    this.#guests.set(guest.parts.fd, guest);
    this.#names.add(guest);
    this.follow(guest);
  }

  /** The peer of `guest` may be elsewhere than it was: its socket hears it there. */
  follow(guest: PortGuest): void {
    const place = endpointText(guest.parts.endpoint);
    if (this.#door === null || place === null || this.#heard.get(place) === guest) return;
    // Two sockets that hear one peer would be the kernel's choice; who was authentic there last has it.
    const before = this.#heard.get(place);
    if (before !== undefined) this.#deafen(before);
    this.#forget(guest);
    try {
      hearOnly(guest.parts.fd, guest.parts.endpoint);
    } catch (error) {
      // No route there just now: the door hears it, and the next packet asks again.
      this.#context.log.debug(
        { tunnel: guest.parts.tunnel, error: String(error) },
        `cannot listen to ${place}`,
      );
      return;
    }
    guest.hears = place;
    this.#heard.set(place, guest);
  }

  /** A frame came to the socket `fd` of a tunnel; whether it is for others, who have it then. */
  stray(fd: number, came: StrayFrame): boolean {
    return this.#door?.door.stray(came, this.#guests.get(fd) ?? null) ?? false;
  }

  /** Before the socket is closed. */
  leave(fd: number): void {
    const guest = this.#guests.get(fd);
    if (guest !== undefined) {
      this.#forget(guest);
      this.#names.delete(guest);
      this.#guests.delete(fd);
    }
    this.#sockets.delete(fd);
    if (this.isEmpty) this.#closeDoor();
  }

  #open(gre: UdpSettings, kind: 'fixed' | 'dynamic', place: string): number {
    const isAlone = this.#sockets.size === 0;
    const dynamic = [...this.#sockets.values()].includes('dynamic');
    // Sockets with different fixed peers need nobody to tell them apart.
    if (isAlone || (kind === 'fixed' && !dynamic)) return openUdpSocket(gre, place);
    this.#openDoor(place);
    const door = this.#door!.fd;
    admitOthers(door, true);
    try {
      return kind === 'fixed' ? openUdpSocket(gre, place) : this.#openDeaf(gre, place);
    } finally {
      // A port that nobody else can be bound to, another l2vpnd neither.
      admitOthers(door, false);
    }
  }

  #openDeaf(gre: UdpSettings, place: string): number {
    const fd = openDeafUdpSocket(gre, place);
    // Nor programs of this host, at other ports of the address.
    hearOnly(fd, this.#nobody());
    return fd;
  }

  #openDoor(place: string): void {
    if (this.#door !== null) return;
    for (const [fd, kind] of this.#sockets) if (kind === 'dynamic') admitOthers(fd, true);
    const fd = openDoorSocket(this.#gre, place);
    admitOthers(fd, false);
    this.#door = this.#newDoor(fd);
    // The one that was alone has heard everybody.
    for (const [one, kind] of this.#sockets) if (kind === 'dynamic') hearOnly(one, this.#nobody());
    for (const guest of this.#guests.values()) this.follow(guest);
  }

  #newDoor(fd: number): OpenDoor {
    const { log, admit } = this.#context;
    const { local, port } = this.#gre;
    return { fd, door: new Door(fd, { log, place: `${local} ${port}`, guests: this.#names, admit }) };
  }

  #deafen(guest: PortGuest): void {
    this.#forget(guest);
    hearOnly(guest.parts.fd, this.#nobody());
  }

  #forget(guest: PortGuest): void {
    if (guest.hears !== null) this.#heard.delete(guest.hears);
    guest.hears = null;
  }

  #nobody(): Uint8Array {
    return createEndpoint(this.#gre.local, this.#gre.port);
  }

  #closeDoor(): void {
    this.#door?.door.close();
    if (this.#door !== null) closeFds([this.#door.fd]);
    this.#door = null;
  }
}
