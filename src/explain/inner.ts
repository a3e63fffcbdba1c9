/** Walks what a tunnel carries: GRE, the Ethernet header, and on to a SecTAG, VLAN tags, EAPOL or an MKPDU. Never throws. */
import { describeMkpdu } from '../keys/mka/describe.ts';
import { describeEapol, EAPOL_LEN, EAPOL_TYPE_MKA, eapolBodyLenAt, eapolTypeAt } from '../wire/eapol.ts';
import {
  describeEthernet,
  ETHERNET_LEN,
  ETHERTYPE_EAPOL,
  ETHERTYPE_LINK_CONTROL,
  ETHERTYPE_MACSEC,
  etherTypeAt,
  etherTypeName,
} from '../wire/ethernet.ts';
import { describeGre, GRE_LEN, GRE_PROTO_TEB, greHeaderLenAt, greProtocolAt } from '../wire/gre.ts';
import { describeVlan, isVlan, VLAN_LEN, vlanEtherTypeAt } from '../wire/vlan.ts';
import { decodeControl } from './control.ts';
import { add, type Decoded } from './layers.ts';
import { decodeSecTag } from './tag.ts';

export function decodeGre(packet: Buffer, at: number, decoded: Decoded): void {
  const len = at + 1 < decoded.end ? greHeaderLenAt(packet, at) : GRE_LEN;
  decoded.greAt = at;
  if (!add(decoded, 'GRE', at, len, () => describeGre(packet, at))) return;
  if (greProtocolAt(packet, at) !== GRE_PROTO_TEB) return;
  decodeFrame(packet, at + len, decoded);
}

/** The frame that the tunnel carries: addresses, then a SecTAG or an EtherType. */
export function decodeFrame(packet: Buffer, at: number, decoded: Decoded): void {
  const name = decoded.greAt < 0 ? 'Ethernet' : 'inner Ethernet';
  if (!add(decoded, name, at, ETHERNET_LEN, () => describeEthernet(packet, at))) return;
  decoded.frameAt = at;
  const type = etherTypeAt(packet, at);
  if (type === ETHERTYPE_LINK_CONTROL) decodeControl(packet, at, decoded);
  else if (type === ETHERTYPE_MACSEC) decoded.layers.push(...decodeSecTag(packet, at, decoded.end));
  else decodeVlans(packet, type, at + ETHERNET_LEN, decoded);
}

/** The tags of a frame in clear, the first named by `etherType`. What is behind them is the hosts' matter, if no EAPOL. */
function decodeVlans(packet: Buffer, etherType: number, from: number, decoded: Decoded): void {
  let [type, at] = [etherType, from];
  while (isVlan(type)) {
    if (!add(decoded, etherTypeName(type), at, VLAN_LEN, () => describeVlan(packet, at))) return;
    type = vlanEtherTypeAt(packet, at);
    at += VLAN_LEN;
  }
  if (type === ETHERTYPE_EAPOL) decodeEapol(packet, at, decoded);
}

function decodeEapol(packet: Buffer, at: number, decoded: Decoded): void {
  if (!add(decoded, 'EAPOL', at, EAPOL_LEN, () => describeEapol(packet, at))) return;
  const [len, there] = [eapolBodyLenAt(packet, at), decoded.end - at - EAPOL_LEN];
  if (len > there)
    decoded.layers.at(-1)!.fault = `cut off: the header counts ${len} octets of body, ${there} are there`;
  if (eapolTypeAt(packet, at) === EAPOL_TYPE_MKA)
    decoded.layers.push(...describeMkpdu(packet, at + EAPOL_LEN, len, decoded.end));
}
