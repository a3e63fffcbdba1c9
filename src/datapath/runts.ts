/** What is shorter than an Ethernet header is no frame, in either direction. */
import type { Batch } from '../frame/batch.ts';
import type { Drop } from '../frame/drop.ts';
import { ETHERNET_LEN } from '../wire/ethernet.ts';

/** Gives frames shorter than an Ethernet header the verdict `reason`. HOT PATH: allocates nothing. */
export function dropRunts(batch: Batch, reason: Drop): void {
  const { count, len, verdict } = batch;
  for (let i = 0; i < count; i++) if (verdict[i] === 0 && len[i]! < ETHERNET_LEN) verdict[i] = reason;
}
