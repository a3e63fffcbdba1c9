/** Links of this host, whoever made them. */
import { randomInt } from 'node:crypto';
import type { LinkState } from '../native/addon.ts';
import { loadAddon } from '../native/load.ts';

export type { LinkState };

/** The MTU of a link, in octets. Throws SystemError (ENODEV). */
export function mtuOf(ifname: string): number {
  return loadAddon().linkInfo(ifname).mtu;
}

/** Fewer are as fast deleted one by one, as their descriptors are closed. */
const WORTH_A_GROUP = 8;
const LARGEST_GROUP = 0x7fff_ffff;

/**
 * Deletes many links of ours at once; their descriptors are to be closed after. The kernel takes a sixtieth of a second
 * for each that is deleted alone, and hardly more for a thousand together. What fails is left to the descriptors.
 */
export function deleteLinks(ifindexes: readonly number[]): void {
  if (ifindexes.length < WORTH_A_GROUP) return;
  try {
    // A number that no administrator has chosen.
    loadAddon().deleteLinks(Int32Array.from(ifindexes), randomInt(LARGEST_GROUP >> 1, LARGEST_GROUP) | 1);
  } catch {
    // The descriptors do it too.
  }
}

/** The link of this index as it is now, whatever it is called; null: there is none. Throws SystemError. */
export function linkState(index: number): LinkState | null {
  return loadAddon().linkState(index);
}

/** Its index; 0: there is no such link. */
export function linkIndex(ifname: string): number {
  return loadAddon().linkIndex(ifname);
}

/** `ifname` is a port of `bridge` no more. Throws SystemError: ENODEV, EINVAL where it is none. */
export function takeFromBridge(bridge: string, ifname: string): void {
  loadAddon().takeFromBridge(bridge, ifname);
}

/** Makes `ifname` a port of `bridge`. Throws SystemError: ENODEV, EBUSY where it is one of some bridge already. */
export function addToBridge(bridge: string, ifname: string): void {
  loadAddon().addToBridge(bridge, ifname);
}
