/**
 * Whose a frame says it is: the SCI in its SecTAG, or with ES its source address and port 1 (802.1AE 9.9), or none. `at`
 * is where a frame begins whose SecTAG is all there.
 */
import type { Batch } from '../frame/batch.ts';
import { OFF_SRC_MAC } from '../wire/ethernet.ts';
import { endStationSciLow } from '../wire/sci.ts';
import { OFF_SCI, TCI_ES, TCI_SC, tciAt } from '../wire/sectag.ts';
import { findRxSc, type RxSc, type SecY } from './secy.ts';
import { noteUnknownSci } from './seen.ts';

/** The RxSC that the frame belongs to; without SC bit as recent kernels do it. Null: none. HOT PATH. */
export function rxScOf(secy: SecY, view: DataView, at: number, tci: number): RxSc | null {
  if ((tci & TCI_SC) !== 0)
    return findRxSc(secy, view.getUint32(at + OFF_SCI), view.getUint32(at + OFF_SCI + 4));
  if ((tci & TCI_ES) !== 0)
    return findRxSc(secy, view.getUint32(at + OFF_SRC_MAC), endStationSciLow(view, at));
  return secy.rxSc.length === 1 && secy.rxSc[0]!.active ? secy.rxSc[0]! : null;
}

/** Has the frame at `at`, with SC or ES, the SCI of this SecY? HOT PATH. */
export function isOwnSci(secy: SecY, view: DataView, at: number, tci: number): boolean {
  if ((tci & TCI_SC) !== 0)
    return view.getUint32(at + OFF_SCI) === secy.sciHigh && view.getUint32(at + OFF_SCI + 4) === secy.sciLow;
  return view.getUint32(at + OFF_SRC_MAC) === secy.sciHigh && endStationSciLow(view, at) === secy.sciLow;
}

/** Notes the SCI of frame `i`, with SC or ES, unless it is our own. HOT PATH. */
export function noteSci(secy: SecY, { view, at, arena }: Batch, i: number): void {
  const from = at[i]!;
  const tci = tciAt(arena, from);
  if (isOwnSci(secy, view, from, tci)) return;
  if ((tci & TCI_SC) !== 0)
    noteUnknownSci(secy.counters, view.getUint32(from + OFF_SCI), view.getUint32(from + OFF_SCI + 4));
  else noteUnknownSci(secy.counters, view.getUint32(from + OFF_SRC_MAC), endStationSciLow(view, from));
}
