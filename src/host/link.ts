/** Links of this host, whoever made them. */
import { loadAddon } from '../native/load.ts';

/** The MTU of a link, in octets. Throws SystemError (ENODEV). */
export function mtuOf(ifname: string): number {
  return loadAddon().linkInfo(ifname).mtu;
}
