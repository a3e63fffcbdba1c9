/**
 * The class of the inner packet on the outer one (`gre.tos: "inherit"`), two stages over a batch of clear frames:
 *   - on the way out, before anything is encrypted, the octet with DSCP and ECN is read off each frame, and stays beside it
 *     in `batch.tos` until the outer header is made: the normal mode of RFC 6040 §4.1, and RFC 2983's uniform model inwards
 *   - on the way in, when nothing unauthentic is left, the outer header's ECN field, which is in `batch.tos`, goes into the
 *     inner packet (RFC 6040 §4.2)
 * The outer header is not authentic, as nothing on the path that may mark it could be. Who can change it can make TCP slow
 * down, as who drops packets can.
 */
import type { Batch } from '../frame/batch.ts';
import { Drop } from '../frame/drop.ts';
import { decapsulateEcn, trafficClassAt } from '../wire/traffic-class.ts';

/** Notes the class of each living frame; 0 where it is no IP packet. HOT PATH: allocates nothing. */
export function noteTrafficClass({ count, at, len, verdict, arena, tos }: Batch): void {
  for (let i = 0; i < count; i++) {
    if (verdict[i] === 0) tos[i] = trafficClassAt(arena, at[i]!, at[i]! + len[i]!);
  }
}

/** What the path has marked goes into the living frames, or drops them. HOT PATH: allocates nothing. */
export function takeOverEcn({ count, at, len, verdict, arena, tos }: Batch): void {
  for (let i = 0; i < count; i++) {
    if (verdict[i] !== 0 || decapsulateEcn(arena, at[i]!, at[i]! + len[i]!, tos[i]!)) continue;
    verdict[i] = Drop.CeOnNotEct;
  }
}
