/** The layers of a protected frame: the SecTAG, then what it protects. Never throws, reads nothing past `end`. */
import { MACS_LEN } from '../wire/ethernet.ts';
import { describeSecTag, hasSecTag, secTagLen, tciAt } from '../wire/sectag.ts';
import type { Layer } from './layers.ts';

/** The layers behind the addresses of the frame at `frameAt`: SecTAG, then secure data and ICV together. */
export function decodeSecTag(packet: Buffer, frameAt: number, end: number): Layer[] {
  const at = frameAt + MACS_LEN;
  const there = end - frameAt;
  if (!hasSecTag(packet, frameAt, there)) {
    const fault = `cut off: ${there - MACS_LEN} octets are there, a SecTAG has 8 or 16`;
    return [{ name: 'SecTAG', at, len: there - MACS_LEN, fields: [], fault }];
  }
  const len = secTagLen(tciAt(packet, frameAt));
  const secured = { name: 'secure data and ICV', at: at + len, len: end - at - len, fields: [] };
  return [{ name: 'SecTAG', at, len, fields: describeSecTag(packet, frameAt) }, secured];
}
