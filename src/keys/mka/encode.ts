/**
 * An MKPDU as an Ethernet frame with its ICV (IEEE 802.1X-2020 11.11, 9.4.1). Sets go in the ascending order of their
 * types: every peer takes it, while the standard's own order, peer lists last, is refused by some.
 */
import type { KeyObject } from 'node:crypto';
import { EAPOL_LEN, writeMkaEapol } from '../../wire/eapol.ts';
import { ETHERNET_LEN, ETHERTYPE_EAPOL, OFF_ETHERTYPE, OFF_SRC_MAC } from '../../wire/ethernet.ts';
import { ICV_LEN } from './decode.ts';
import { icvOf } from './icv.ts';
import type { Mkpdu } from './mkpdu.ts';
import { basicLen, writeBasic } from './sets/basic.ts';
import { distributedSakLen, writeDistributedSak } from './sets/distributed-sak.ts';
import { SET_HEADER_LEN, SetType, writeSetHeader } from './sets/header.ts';
import { LINK_CONTROL_SET_LEN, writeLinkControl } from './sets/link-control.ts';
import { peerListLen, writePeerList } from './sets/peer-list.ts';
import { sakUseLen, writeSakUse } from './sets/sak-use.ts';
import { writeXpn, XPN_SET_LEN } from './sets/xpn.ts';

/** The group address that MKPDUs go to (the PAE address, 802.1X table 11-1): the only one that all peers take. */
export const PAE_GROUP_MAC: Uint8Array = Uint8Array.of(0x01, 0x80, 0xc2, 0x00, 0x00, 0x03);

/** One set: octets, and what writes them at an offset. */
type Part = [len: number, write: (buf: Buffer, at: number) => void];

/**
 * The frame that says `mkpdu`, with an ICV by `ick`, from `srcMac` (that of the SCI) to `dstMac`. Trusts its caller;
 * throws a RangeError for more peers than a list can hold, or numbers out of their range.
 */
export function encodeMkpdu(
  mkpdu: Mkpdu,
  ick: KeyObject,
  srcMac: Uint8Array,
  dstMac: Uint8Array = PAE_GROUP_MAC,
): Buffer {
  const parts = partsOf(mkpdu);
  const bodyLen = parts.reduce((sum, [len]) => sum + len, 0) + ICV_LEN;
  const frame = Buffer.allocUnsafe(ETHERNET_LEN + EAPOL_LEN + bodyLen).fill(0);
  frame.set(dstMac, 0);
  frame.set(srcMac, OFF_SRC_MAC);
  frame.writeUInt16BE(ETHERTYPE_EAPOL, OFF_ETHERTYPE);
  writeMkaEapol(frame, ETHERNET_LEN, bodyLen);
  let at = ETHERNET_LEN + EAPOL_LEN;
  for (const [len, write] of parts) {
    write(frame, at);
    at += len;
  }
  frame.set(icvOf(ick, frame.subarray(0, at)), at);
  return frame;
}

function partsOf(mkpdu: Mkpdu): Part[] {
  const { basic, livePeers, potentialPeers, sakUse, distributedSak, xpn } = mkpdu;
  const parts: Part[] = [[basicLen(basic), (buf, at) => writeBasic(buf, at, basic)]];
  if (livePeers !== null)
    parts.push([peerListLen(livePeers), (buf, at) => writePeerList(buf, at, SetType.LivePeers, livePeers)]);
  if (potentialPeers !== null) {
    const write: Part[1] = (buf, at) => writePeerList(buf, at, SetType.PotentialPeers, potentialPeers);
    parts.push([peerListLen(potentialPeers), write]);
  }
  if (sakUse !== null) parts.push([sakUseLen(sakUse), (buf, at) => writeSakUse(buf, at, sakUse)]);
  if (distributedSak !== null) {
    const write: Part[1] = (buf, at) => writeDistributedSak(buf, at, distributedSak);
    parts.push([distributedSakLen(distributedSak), write]);
  }
  if (xpn !== null) parts.push([XPN_SET_LEN, (buf, at) => writeXpn(buf, at, xpn)]);
  const { linkControl } = mkpdu;
  if (linkControl !== null)
    parts.push([LINK_CONTROL_SET_LEN, (buf, at) => writeLinkControl(buf, at, linkControl)]);
  if (mkpdu.icvIndicator) parts.push([SET_HEADER_LEN, writeIcvIndicator]);
  return parts;
}

/** Its body is the ICV, which follows in any case. */
function writeIcvIndicator(buf: Buffer, at: number): void {
  writeSetHeader(buf, at, SetType.IcvIndicator, 0, 0, ICV_LEN);
}
