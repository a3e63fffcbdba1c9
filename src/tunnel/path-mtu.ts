/**
 * What the path to the peer carries: at the start, and again as the kernel hears by ICMP that it has changed. Anybody can
 * forge such a message, for the kernel asks for 8 quoted octets of a packet only; so a path is not believed to carry less
 * than any path in use does. The sockets send whatever is claimed (IP_PMTUDISC_PROBE); the limit is the lanes' own.
 */
import { networkInterfaces } from 'node:os';
import type { GreConfig } from '../encap/config.ts';
import { mtuOf } from '../host/link.ts';
import { pathMtu } from '../host/socket.ts';

const ETHERNET_MTU = 1500;

/** A path is believed to carry less only where the link of the local address does: what IPv6 demands of each (RFC 8200 §5). */
export const LEAST_BELIEVED = 1280;

/** A path that is said to carry something else than before. */
export interface PathClaim {
  readonly octets: number;
  readonly believed: boolean;
}

/** Who knows the MTUs of this host. */
export interface MtuSource {
  /** As the kernel's route has it, whoever said so; null while there is no route. */
  route(gre: GreConfig): number | null;
  /** Of the link that has the local address. */
  link(local: string): number;
}

export class PathMtu {
  readonly #gre: GreConfig;
  readonly #source: MtuSource;
  #octets: number;
  /** What was not believed last; null: the route says what we believe. */
  #doubted: number | null = null;

  /** Asks the kernel; `place` is where the configuration names the path (`tunnels[0].gre`). Throws L2vpnError without a route. */
  constructor(gre: GreConfig, place: string, source: MtuSource = KERNEL) {
    this.#gre = gre;
    this.#source = source;
    this.#octets = gre.remote === 'dynamic' ? source.link(gre.local) : this.#first(place);
  }

  #first(place: string): number {
    const { local, remote } = this.#gre;
    const octets = this.#source.route(this.#gre) ?? pathMtu(local, remote, place);
    return this.#believes(octets) ? octets : Math.min(this.#source.link(local), ETHERNET_MTU);
  }

  /** As it is believed. */
  get octets(): number {
    return this.#octets;
  }

  /**
   * Asks again; what is new, each claim once. A socket with IP_HDRINCL is not told by the kernel what the path beyond the
   * link carries.
   */
  refresh(): PathClaim | null {
    const { remote, df } = this.#gre;
    if (remote === 'dynamic' || !df) return null;
    const octets = this.#source.route(this.#gre);
    if (octets === null) return null;
    return this.#believes(octets) ? this.#believe(octets) : this.#doubt(octets);
  }

  #believes(octets: number): boolean {
    return octets >= LEAST_BELIEVED || octets >= this.#source.link(this.#gre.local);
  }

  #believe(octets: number): PathClaim | null {
    this.#doubted = null;
    if (octets === this.#octets) return null;
    this.#octets = octets;
    return { octets, believed: true };
  }

  #doubt(octets: number): PathClaim | null {
    if (octets === this.#doubted) return null;
    this.#doubted = octets;
    return { octets, believed: false };
  }
}

const KERNEL: MtuSource = {
  route({ local, remote }) {
    try {
      return pathMtu(local, remote, 'gre');
    } catch {
      return null;
    }
  },
  link(local) {
    for (const [ifname, addresses] of Object.entries(networkInterfaces())) {
      if (addresses?.some(({ address }) => address === local)) return mtuOf(ifname);
    }
    return ETHERNET_MTU;
  },
};
