/**
 * A clear frame that does not fit the tunnel is answered, as a router would: ICMP "fragmentation needed" (RFC 1191) or ICMPv6
 * "packet too big" (RFC 8201), with what the tunnel carries. The answer comes from the address that the packet was sent to,
 * as a tunnel has none in the LAN; the Ethernet addresses are swapped, VLAN tags stay. Not answered: what is not IP, what no
 * error may answer (`wire/answerable.ts`), IPv4 without DF (fragments of which are sent, `fragmenting-port.ts`).
 */
import type { Batch } from '../frame/batch.ts';
import { Drop } from '../frame/drop.ts';
import { isIpv4Answerable, isIpv6Answerable } from '../wire/answerable.ts';
import { ETHERNET_LEN, ETHERTYPE_IPV4, ETHERTYPE_IPV6, isGroupMac, OFF_SRC_MAC } from '../wire/ethernet.ts';
import { TOO_BIG_LEN, writeTooBig } from '../wire/icmp.ts';
import { IPPROTO_ICMP, IPPROTO_ICMPV6 } from '../wire/ip.ts';
import { writeIpv4Answer, writeIpv6Answer } from '../wire/ip-answer.ts';
import { IPV4_LEN, ipv4HasDf, ipv4TotalLenAt } from '../wire/ipv4.ts';
import { IPV6_LEN, ipv6TotalLenAt } from '../wire/ipv6.ts';
import { payloadAt, payloadTypeAt } from '../wire/vlan.ts';
import type { DropAnswer } from './answers.ts';
import { FlowLimit } from './flow-limit.ts';
import type { LaneMtu } from './lane-mtu.ts';

/** Octets of an answer's packet, at most: what every host takes (RFC 1812 §4.3.2.3, RFC 4443 §2.4 c). */
const LONGEST_V4 = 576;
const LONGEST_V6 = 1280;
/** Of an answer with Ethernet header and two tags. */
export const LONGEST_ANSWER: number = ETHERNET_LEN + 8 + LONGEST_V6;
/** A flow that goes on as before is told again so often. */
const FLOW_INTERVAL_MS = 100;
/** Both addresses, in either header. */
const [V4_ADDRESSES, V6_ADDRESSES] = [12, 8];

export class TooBigAnswer implements DropAnswer {
  readonly reason: Drop = Drop.OutPktsTooLong;
  readonly #mtu: LaneMtu;
  readonly #flows: FlowLimit;

  /** `nowMs` is monotonic. */
  constructor(mtu: LaneMtu, nowMs?: () => number) {
    this.#mtu = mtu;
    this.#flows = new FlowLimit(FLOW_INTERVAL_MS, nowMs);
  }

  answer(batch: Batch, i: number, reply: Batch): boolean {
    const { arena } = batch;
    const at = batch.at[i]!;
    // Of a frame that was longer than its slot, the octets are not there.
    if (batch.len[i]! > batch.room) return false;
    const end = at + batch.len[i]!;
    if (isGroupMac(arena, at) || isGroupMac(arena, at + OFF_SRC_MAC)) return false;
    const ipAt = payloadAt(arena, at, end);
    if (ipAt < 0) return false;
    const mtu = this.#mtu.inner - (ipAt - at - ETHERNET_LEN);
    switch (payloadTypeAt(arena, ipAt)) {
      case ETHERTYPE_IPV4:
        return this.#answerIpv4(arena, at, ipAt, end, mtu, reply);
      case ETHERTYPE_IPV6:
        return this.#answerIpv6(arena, at, ipAt, end, mtu, reply);
      default:
        return false;
    }
  }

  #answerIpv4(arena: Buffer, at: number, ipAt: number, end: number, mtu: number, reply: Batch): boolean {
    if (!isIpv4Answerable(arena, ipAt, end) || !ipv4HasDf(arena, ipAt)) return false;
    const packetLen = Math.min(ipv4TotalLenAt(arena, ipAt), end - ipAt);
    if (packetLen <= mtu || !this.#flows.take(arena, ipAt + V4_ADDRESSES, ipAt + IPV4_LEN)) return false;
    const quoteLen = Math.min(packetLen, LONGEST_V4 - IPV4_LEN - TOO_BIG_LEN);
    const answerAt = this.#begin(arena, at, ipAt, reply);
    writeIpv4Answer(reply.arena, answerAt, TOO_BIG_LEN + quoteLen, arena, ipAt);
    this.#finish(reply, answerAt, answerAt + IPV4_LEN, IPPROTO_ICMP, mtu, arena, ipAt, quoteLen);
    return true;
  }

  #answerIpv6(arena: Buffer, at: number, ipAt: number, end: number, mtu: number, reply: Batch): boolean {
    if (!isIpv6Answerable(arena, ipAt, end)) return false;
    const packetLen = Math.min(ipv6TotalLenAt(arena, ipAt), end - ipAt);
    if (packetLen <= mtu || !this.#flows.take(arena, ipAt + V6_ADDRESSES, ipAt + IPV6_LEN)) return false;
    const quoteLen = Math.min(packetLen, LONGEST_V6 - IPV6_LEN - TOO_BIG_LEN);
    const answerAt = this.#begin(arena, at, ipAt, reply);
    writeIpv6Answer(reply.arena, answerAt, TOO_BIG_LEN + quoteLen, arena, ipAt);
    this.#finish(reply, answerAt, answerAt + IPV6_LEN, IPPROTO_ICMPV6, mtu, arena, ipAt, quoteLen);
    return true;
  }

  /** The Ethernet header, with its tags, of an answer behind the frames of `reply`; returns where its packet begins. */
  #begin(arena: Buffer, at: number, ipAt: number, reply: Batch): number {
    const to = reply.at[reply.count]!;
    arena.copy(reply.arena, to, at, ipAt);
    arena.copy(reply.arena, to, at + OFF_SRC_MAC, at + 2 * OFF_SRC_MAC);
    arena.copy(reply.arena, to + OFF_SRC_MAC, at, at + OFF_SRC_MAC);
    return to + ipAt - at;
  }

  /** The quoted packet and the message before it; counts the answer. */
  #finish(
    reply: Batch,
    answerAt: number,
    messageAt: number,
    protocol: number,
    mtu: number,
    arena: Buffer,
    ipAt: number,
    quoteLen: number,
  ): void {
    const end = messageAt + TOO_BIG_LEN + quoteLen;
    arena.copy(reply.arena, messageAt + TOO_BIG_LEN, ipAt, ipAt + quoteLen);
    writeTooBig(reply.arena, answerAt, messageAt, end, protocol, mtu);
    reply.len[reply.count] = end - reply.at[reply.count]!;
    reply.verdict[reply.count] = Drop.None;
    reply.count++;
  }
}
