/** Links of this host, whoever made them. */
import type { LinkState } from '../native/addon.ts';
import { loadAddon } from '../native/load.ts';

export type { LinkState };

/** The MTU of a link, in octets. Throws SystemError (ENODEV). */
export function mtuOf(ifname: string): number {
  return loadAddon().linkInfo(ifname).mtu;
}

/** The link of this index as it is now, whatever it is called; null: there is none. Throws SystemError. */
export function linkState(index: number): LinkState | null {
  return loadAddon().linkState(index);
}

/** Its index; 0: there is no such link. */
export function linkIndex(ifname: string): number {
  return loadAddon().linkIndex(ifname);
}

/** Makes `ifname` a port of `bridge`. Throws SystemError: ENODEV, EBUSY where it is one of some bridge already. */
export function addToBridge(bridge: string, ifname: string): void {
  loadAddon().addToBridge(bridge, ifname);
}
