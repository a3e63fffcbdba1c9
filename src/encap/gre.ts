/** The GRE header as a stage over a batch: what both encapsulations have in common. */
import type { Batch } from '../frame/batch.ts';
import { Drop } from '../frame/drop.ts';
import { ETHERNET_LEN } from '../wire/ethernet.ts';
import {
  checkGre,
  GRE_LEN,
  GRE_OPTION_LEN,
  GreFault,
  type GreOptions,
  greHeaderLen,
  greHeaderLenAt,
  isGreChecksumLeft,
  writeGre,
} from '../wire/gre.ts';
import type { EncapHeaders, OverheadPart } from './encap.ts';

/** Indexed by `GreFault`. */
const DROP_OF_GRE_FAULT: readonly Drop[] = [
  Drop.None,
  Drop.GreShort,
  Drop.GreFlags,
  Drop.GreProto,
  Drop.GreKey,
  Drop.GreChecksum,
];

export function greOptionsOf({ key, checksum }: EncapHeaders): GreOptions {
  return { key, checksum };
}

/** GRE and what it carries: the inner Ethernet header counts too, since an MTU does not. */
export function greOverhead({ key, checksum }: EncapHeaders): OverheadPart[] {
  const parts = [{ name: 'GRE', octets: GRE_LEN }];
  if (checksum) parts.push({ name: 'GRE checksum', octets: GRE_OPTION_LEN });
  if (key !== null) parts.push({ name: 'GRE key', octets: GRE_OPTION_LEN });
  return [...parts, { name: 'Ethernet', octets: ETHERNET_LEN }];
}

/** The longest GRE header that a peer may send: ours, and a sequence number, which is skipped. */
export function greHeaderMax(config: EncapHeaders): number {
  return greHeaderLen(greOptionsOf(config)) + GRE_OPTION_LEN;
}

/** Puts a GRE header before each living frame. HOT PATH: allocates nothing. */
export function pushGre(batch: Batch, gre: GreOptions): void {
  const { count, at, len, verdict, arena } = batch;
  const added = greHeaderLen(gre);
  for (let i = 0; i < count; i++) {
    if (verdict[i] !== 0) continue;
    const greAt = at[i]! - added;
    writeGre(arena, greAt, at[i]! + len[i]!, gre);
    at[i] = greAt;
    len[i] = len[i]! + added;
  }
}

/** Takes the GRE header off each living packet, which begins with it. HOT PATH: allocates nothing. */
export function pullGre(batch: Batch, gre: GreOptions): void {
  const { count, verdict, at } = batch;
  for (let i = 0; i < count; i++) if (verdict[i] === 0) verdict[i] = pullGreAt(batch, i, at[i]!, gre);
}

/**
 * Takes the packets that `pullGre` or `pullGreAt` refused for their checksum alone, if it was left to an offload; returns how
 * many. For tunnels whose SecY verifies them. A packet that was refused begins where it began: `outer` says how long what is
 * before its GRE header is. HOT PATH: allocates nothing.
 */
export function takeUnsummed(
  batch: Batch,
  outerLen: (buf: Uint8Array, at: number, len: number) => number,
): number {
  const { count, verdict, at, len, arena } = batch;
  let taken = 0;
  for (let i = 0; i < count; i++) {
    if (verdict[i] !== Drop.GreChecksum) continue;
    const greAt = at[i]! + outerLen(arena, at[i]!, len[i]!);
    if (!isGreChecksumLeft(arena, greAt)) continue;
    takeOff(batch, i, greAt);
    verdict[i] = Drop.None;
    taken++;
  }
  return taken;
}

/** Takes what is before `greAt` and the GRE header there off packet `i`; its verdict. HOT PATH: allocates nothing. */
export function pullGreAt(batch: Batch, i: number, greAt: number, gre: GreOptions): Drop {
  const { at, len, arena } = batch;
  const end = at[i]! + len[i]!;
  const fault = checkGre(arena, greAt, end, gre);
  if (fault !== GreFault.None) return DROP_OF_GRE_FAULT[fault]!;
  takeOff(batch, i, greAt);
  return Drop.None;
}

/** Packet `i` begins behind the GRE header at `greAt`. HOT PATH. */
function takeOff({ at, len, arena }: Batch, i: number, greAt: number): void {
  const end = at[i]! + len[i]!;
  at[i] = greAt + greHeaderLenAt(arena, greAt);
  len[i] = end - at[i]!;
}
