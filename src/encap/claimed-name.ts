/**
 * Whose a packet claims to be, before anybody has verified it: the SCI of a SecTAG, the CKN of an MKPDU, or the SCI in a
 * control frame of another l2vpnd. It chooses who is to judge the packet and nothing else, since anybody can write it.
 * Never throws, reads nothing past the packet, keeps none of it.
 */
import { basicLenAt, cknAt } from '../keys/mka/sets/basic.ts';
import { OFF_LINK_SCI, PROTOCOL } from '../link/frame.ts';
import { EAPOL_LEN, EAPOL_TYPE_MKA, eapolTypeAt } from '../wire/eapol.ts';
import {
  ETHERNET_LEN,
  ETHERTYPE_EAPOL,
  ETHERTYPE_LINK_CONTROL,
  ETHERTYPE_MACSEC,
  etherTypeAt,
  OFF_SRC_MAC,
} from '../wire/ethernet.ts';
import { greHeaderLenAt, greKeyAt, looksLikeGretap } from '../wire/gre.ts';
import { u32At } from '../wire/octets.ts';
import { OFF_SCI_PORT, PORT_END_STATION, SCI_LEN } from '../wire/sci.ts';
import { hasSecTag, OFF_SCI, TCI_ES, TCI_SC, tciAt } from '../wire/sectag.ts';

/** What the packets of a tunnel are told by: `sci` or `ckn` and hex digits. */
export type ClaimedName = `${'sci' | 'ckn'} ${string}`;

export interface Claim {
  readonly name: ClaimedName;
  readonly greKey: number | null;
  /** Where the inner frame begins. */
  readonly frameAt: number;
}

/** Of the GRE packet in `buf[at, end)`; null: it names nobody. */
export function claimOf(buf: Buffer, at: number, end: number): Claim | null {
  if (!looksLikeGretap(buf, at, end)) return null;
  const frameAt = at + greHeaderLenAt(buf, at);
  if (frameAt > end) return null;
  const name = claimedNameOf(buf, frameAt, end);
  return name === null ? null : { name, greKey: greKeyAt(buf, at), frameAt };
}

/** Of the Ethernet frame in `buf[at, end)`. */
export function claimedNameOf(buf: Buffer, at: number, end: number): ClaimedName | null {
  if (end - at < ETHERNET_LEN) return null;
  switch (etherTypeAt(buf, at)) {
    case ETHERTYPE_MACSEC:
      return sciOfFrame(buf, at, end);
    case ETHERTYPE_EAPOL:
      return cknOfFrame(buf, at, end);
    case ETHERTYPE_LINK_CONTROL:
      return sciOfControl(buf, at, end);
    default:
      return null;
  }
}

export function sciName(sci: string): ClaimedName {
  return `sci ${sci}`;
}

export function cknName(ckn: string): ClaimedName {
  return `ckn ${ckn}`;
}

/** That of the SecTAG, or with ES the source address and port 1. */
function sciOfFrame(buf: Buffer, at: number, end: number): ClaimedName | null {
  if (!hasSecTag(buf, at, end - at)) return null;
  const tci = tciAt(buf, at);
  if ((tci & TCI_SC) !== 0) return sciName(hexOf(buf, at + OFF_SCI, SCI_LEN));
  if ((tci & TCI_ES) === 0) return null;
  return sciName(hexOf(buf, at + OFF_SRC_MAC, OFF_SCI_PORT) + END_STATION);
}

const END_STATION = PORT_END_STATION.toString(16).padStart(4, '0');

function cknOfFrame(buf: Buffer, at: number, end: number): ClaimedName | null {
  const eapolAt = at + ETHERNET_LEN;
  const basicAt = eapolAt + EAPOL_LEN;
  if (basicAt > end || eapolTypeAt(buf, eapolAt) !== EAPOL_TYPE_MKA) return null;
  return basicLenAt(buf, basicAt, end) === 0 ? null : cknName(cknAt(buf, basicAt));
}

function sciOfControl(buf: Buffer, at: number, end: number): ClaimedName | null {
  const sciAt = at + OFF_LINK_SCI;
  if (sciAt + SCI_LEN > end || u32At(buf, at + ETHERNET_LEN) !== PROTOCOL) return null;
  return sciName(hexOf(buf, sciAt, SCI_LEN));
}

function hexOf(buf: Buffer, at: number, len: number): string {
  return buf.toString('hex', at, at + len);
}
