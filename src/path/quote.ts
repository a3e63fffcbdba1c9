/**
 * Is the packet that an ICMP error quotes one that we have sent? Whoever does not see our packets can know the addresses, the
 * ports and that it is GRE; hardly the SCI, and not which packet numbers were sent in the last seconds. Whoever does see them
 * can drop them as well, and needs to forge nothing.
 *
 *   1. it was longer than the MTU that is named, and might not be fragmented
 *   2. UDP: a port of ours and the peer's; the length is that of the packet
 *   3. the GRE header is ours, key and all
 *   4. the SecTAG: a transmit SA of ours, our SCI, a packet number that was sent a moment ago
 *
 * What the quote is too short to show is not held against it: then it is plausible, no more.
 */
import { ETHERNET_LEN, ETHERTYPE_LINK_CONTROL, ETHERTYPE_MACSEC, etherTypeAt } from '../wire/ethernet.ts';
import { type GreOptions, greHeaderLen, isGreQuoteOf } from '../wire/gre.ts';
import { IPPROTO_UDP } from '../wire/ip.ts';
import { AN_MASK, formatSciAt, hasSecTag, pnAt, tciAt } from '../wire/sectag.ts';
import { UDP_LEN, udpDstPortAt, udpLenAt, udpSrcPortAt } from '../wire/udp.ts';
import type { QuotedPacket, TooBig } from './too-big.ts';

/** What packets of ours look like. */
export interface OwnPackets {
  /** Null: GRE right in IP. */
  readonly udp: { readonly localPorts: readonly number[]; readonly remotePort: number } | null;
  readonly gre: GreOptions;
  /** Null without MACsec: nothing in a packet is hard to guess then. */
  readonly secy: OwnSecTags | null;
}

export interface OwnSecTags {
  /** 16 hex digits. */
  readonly sci: string;
  /** Was a packet with this AN and these lower 32 bits of the packet number sent a moment ago? */
  isRecent(an: number, pnLow: number): boolean;
}

/** What a quote comes to; the reasons of a refusal are half sentences about the quoted packet. */
export type Judgement =
  /** `probe`: one of our probes, which tells by itself that it was too big: nothing follows. */
  | { readonly verdict: 'proven' | 'plausible' | 'probe' }
  | { readonly verdict: 'refused'; readonly why: string };

const PROVEN: Judgement = { verdict: 'proven' };
const PROBE: Judgement = { verdict: 'probe' };
const PLAUSIBLE: Judgement = { verdict: 'plausible' };

function refused(why: string): Judgement {
  return { verdict: 'refused', why };
}

/** Judges a message whose quoted packet went from us to the peer, by its addresses. */
export function judgeQuote({ mtu, packet }: TooBig, own: OwnPackets): Judgement {
  if (packet.totalLen <= mtu) return refused('fits the MTU that is named');
  if (!packet.df) return refused('might be fragmented');
  if ((packet.protocol === IPPROTO_UDP) !== (own.udp !== null)) return refused('has another IP protocol');
  const { octets, end } = packet;
  const greAt = own.udp === null ? packet.at : packet.at + UDP_LEN;
  if (own.udp !== null) {
    if (end < greAt) return refused('is cut off within its UDP header');
    if (!isOwnUdp(packet, own.udp)) return refused('has other UDP ports, or another length');
    if (end === greAt) return PLAUSIBLE;
  }
  if (!isGreQuoteOf(octets, greAt, end, own.gre)) return refused('has another GRE header');
  return judgeFrame(octets, greAt + greHeaderLen(own.gre), end, own.secy);
}

function isOwnUdp({ octets, at, totalLen }: QuotedPacket, udp: NonNullable<OwnPackets['udp']>): boolean {
  if (!udp.localPorts.includes(udpSrcPortAt(octets, at))) return false;
  if (udpDstPortAt(octets, at) !== udp.remotePort) return false;
  return udpLenAt(octets, at) < totalLen;
}

function judgeFrame(octets: Uint8Array, at: number, end: number, secy: OwnSecTags | null): Judgement {
  if (secy === null || end < at + ETHERNET_LEN) return PLAUSIBLE;
  if (etherTypeAt(octets, at) === ETHERTYPE_LINK_CONTROL) return PROBE;
  if (etherTypeAt(octets, at) !== ETHERTYPE_MACSEC) return refused('has no SecTAG');
  if (!hasSecTag(octets, at, end - at)) return PLAUSIBLE;
  const sci = formatSciAt(octets, at);
  if (sci !== null && sci !== secy.sci) return refused(`has another SCI (${sci})`);
  const pn = pnAt(octets, at);
  if (!secy.isRecent(tciAt(octets, at) & AN_MASK, pn)) {
    return refused(`has a packet number (${pn}) that was not sent a moment ago`);
  }
  return PROVEN;
}
