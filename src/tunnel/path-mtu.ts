/** What the path to the peer carries, as the kernel's route has it: at the start, and again as ICMP lowers it. */
import { networkInterfaces } from 'node:os';
import type { GreConfig } from '../encap/config.ts';
import { mtuOf } from '../host/link.ts';
import { pathMtu } from '../host/socket.ts';

const ETHERNET_MTU = 1500;

export class PathMtu {
  readonly #gre: GreConfig;
  #octets: number;

  /** Asks the kernel; `place` is where the configuration names the path (`tunnels[0].gre`). Throws L2vpnError without a route. */
  constructor(gre: GreConfig, place: string) {
    this.#gre = gre;
    this.#octets = gre.remote === 'dynamic' ? linkMtu(gre.local) : pathMtu(gre.local, gre.remote, place);
  }

  /** As the kernel had it last. */
  get octets(): number {
    return this.#octets;
  }

  /**
   * Asks again; true where it has changed. A socket with IP_HDRINCL is not told by the kernel what the path beyond the
   * link carries.
   */
  refresh(): boolean {
    const { remote, df } = this.#gre;
    if (remote === 'dynamic' || !df) return false;
    const octets = pathMtuNow(this.#gre);
    if (octets === null || octets === this.#octets) return false;
    this.#octets = octets;
    return true;
  }
}

/** Null while there is no route. */
function pathMtuNow({ local, remote }: GreConfig): number | null {
  try {
    return pathMtu(local, remote, 'gre');
  } catch {
    return null;
  }
}

/** What is known of the path while the peer is not: the MTU of the link that has the local address. */
function linkMtu(local: string): number {
  for (const [ifname, addresses] of Object.entries(networkInterfaces())) {
    if (addresses?.some(({ address }) => address === local)) return mtuOf(ifname);
  }
  return ETHERNET_MTU;
}
