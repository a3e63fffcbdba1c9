/**
 * Which offloads a TAP has (`TUNSETOFFLOAD`, linux/if_tun.h). With them the kernel hands over super-frames of up
 * to 64 KB (TSO, USO) and unfinished checksums, and the addon does what a NIC would.
 */
import type { Addon } from '../native/addon.ts';
import { loadAddon } from '../native/load.ts';

const { JOIN_TCP, JOIN_UDP } = loadAddon().constants;

const CSUM = 0x01;
const TSO4 = 0x02;
const TSO6 = 0x04;
const TSO_ECN = 0x08;
const USO4 = 0x20;
const USO6 = 0x40;

/** From the best that a kernel may have down to none; the USO flags came with Linux 6.2, as a pair. */
const LADDER: readonly number[] = [
  CSUM | TSO4 | TSO6 | TSO_ECN | USO4 | USO6,
  CSUM | TSO4 | TSO6 | TSO_ECN,
  CSUM | TSO4 | TSO6,
  CSUM,
];

/** Turns on what the kernel has; returns what `tapWrite` may join. Doing so again changes nothing. */
export function negotiateOffloads(addon: Addon, fd: number): number {
  const flags = LADDER.find((step) => addon.setTapOffload(fd, step)) ?? 0;
  return JOIN_TCP | ((flags & USO4) !== 0 ? JOIN_UDP : 0);
}
