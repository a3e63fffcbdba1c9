/** ICVs of MKPDUs (IEEE 802.1X-2020 9.4.1). An ICK makes many of them: its cipher is kept as long as the key is. */
import type { KeyObject } from 'node:crypto';
import { Cmac } from '../../crypto/cmac.ts';

const kept = new WeakMap<KeyObject, Cmac>();

/** The ICV over `parts`, one behind the other: 16 octets in a new Buffer. */
export function icvOf(ick: KeyObject, ...parts: readonly Uint8Array[]): Buffer {
  let cmac = kept.get(ick);
  if (cmac === undefined) {
    cmac = new Cmac(ick);
    kept.set(ick, cmac);
  }
  return cmac.of(...parts);
}
