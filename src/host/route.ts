/** What this host itself allows packets to a peer: the MTU of the link they leave by, and the administrator's word. */
import { networkInterfaces } from 'node:os';
import { loadAddon } from '../native/load.ts';
import { linkState, mtuOf } from './link.ts';

const ETHERNET_MTU = 1500;

export interface Route {
  /** Octets of the longest packet: what the link takes, or less where the route says so. */
  readonly mtu: number;
  /** The route says so (`ip route … mtu N`), not the link. */
  readonly ofRoute: boolean;
  /** `ip route … mtu lock N`: the administrator knows the path. */
  readonly locked: boolean;
}

/** The route from `local` to `remote`, without what ICMP has made the kernel believe; null: there is none at the moment. */
export function routeTo(local: string, remote: string): Route | null {
  try {
    const { ifindex, mtu, locked } = loadAddon().routeTo(local, remote);
    const link = linkState(ifindex)?.mtu ?? 0;
    if (link === 0) return null;
    const ofRoute = mtu > 0 && mtu < link;
    return { mtu: ofRoute ? mtu : link, ofRoute, locked: locked && mtu > 0 };
  } catch {
    return null;
  }
}

/** Index of the link that packets from `local` to `remote` leave by; null: there is no route. */
export function linkTo(local: string, remote: string): number | null {
  try {
    return loadAddon().routeTo(local, remote).ifindex;
  } catch {
    return null;
  }
}

/** The MTU of the link that has `local`: what is known while nobody knows where the peer is. */
export function linkMtuOf(local: string): number {
  for (const [ifname, addresses] of Object.entries(networkInterfaces())) {
    if (addresses?.some(({ address }) => address === local)) return mtuOf(ifname);
  }
  return ETHERNET_MTU;
}
