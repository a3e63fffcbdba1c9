/** Packet numbers of a key that does not outlive the process (one that both ends have agreed on): nothing goes to disk. */
import type { RxPn } from './stored-rx.ts';
import type { TxPn } from './stored-tx.ts';

const NOWHERE = '(in memory)';

/** What a store has for an SA whose numbers need no file; never fails. */
export function unstoredTx(floorPn: bigint): TxPn {
  let next = floorPn;
  const set = async (pn: bigint): Promise<void> => {
    next = pn;
  };
  return {
    get next() {
      return next;
    },
    get reserved() {
      return next;
    },
    locks: null,
    idle: async () => {},
    // Nothing is known of such a key that could be lost.
    fresh: false,
    path: NOWHERE,
    reserve: set,
    close: set,
  };
}

export function unstoredRx(floorPn: bigint): RxPn {
  return {
    lowest: floorPn,
    fresh: false,
    path: NOWHERE,
    save: async () => {},
    idle: async () => {},
    close: async () => {},
  };
}
