/**
 * The MTU of the TAP: what the LAN may send to it, which is another thing than what the tunnel carries. A bridge drops what is
 * longer without a word, and takes the smallest MTU of its ports for its own; so the TAP has that of the bridge that it
 * joins, and what does not fit the tunnel is answered here.
 */
import type { TapConfig } from '../config/types.ts';
import { mtuOf } from '../host/link.ts';

/** `carried`: what the tunnel carries; the TAP's MTU where there is no bridge, so that the host's own stack goes by it. */
export function tapMtu({ lanMtu, bridge }: TapConfig, carried: number, linkMtu: LinkMtu = linkMtuOf): number {
  if (lanMtu !== 'auto') return lanMtu;
  return bridge === null ? carried : Math.max(linkMtu(bridge) ?? 0, carried);
}

/** The MTU of a link; null: there is none of that name. */
export type LinkMtu = (ifname: string) => number | null;

function linkMtuOf(ifname: string): number | null {
  try {
    return mtuOf(ifname);
  } catch {
    // Whoever puts the TAP into the bridge says what is wrong with it.
    return null;
  }
}
