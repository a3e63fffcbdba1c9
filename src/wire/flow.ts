/**
 * Which flow a frame belongs to, as a number: of its Ethernet addresses, VLAN tags and EtherType, IP addresses, and ports. The
 * fragments of a packet have its ports in the first one only, so no fragment is told by them. With a `seed` that nobody
 * knows, nobody outside can choose frames that collide.
 *
 * Frames that IEEE 802.1Q 8.6.6 wants in order (of the same addresses, VLAN and priority) and that belong to one flow have one
 * number.
 */
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from './ethernet.ts';
import { IPPROTO_TCP, IPPROTO_UDP } from './ip.ts';
import { IPV4_LEN, ipv4HeaderLen, ipv4ProtocolAt, isIpv4Fragment } from './ipv4.ts';
import { IPV6_LEN, ipv6NextHeaderAt } from './ipv6.ts';
import { payloadAt, payloadTypeAt } from './vlan.ts';

const IPPROTO_DCCP = 33;
const IPPROTO_ESP = 50;
const IPPROTO_SCTP = 132;
const IPPROTO_UDPLITE = 136;

const OFF_IPV4_ADDRESSES = 12;
const OFF_IPV6_ADDRESSES = 8;
const WORD = 4;

/** Protocols whose first 4 octets tell flows apart: two ports, or an SPI. */
function hasPorts(protocol: number): boolean {
  return (
    protocol === IPPROTO_TCP ||
    protocol === IPPROTO_UDP ||
    protocol === IPPROTO_ESP ||
    protocol === IPPROTO_SCTP ||
    protocol === IPPROTO_DCCP ||
    protocol === IPPROTO_UDPLITE
  );
}

/** One word more (the mixing of MurmurHash3, public domain). */
function mixed(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  const h = hash ^ k;
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}

/** Every bit of the hash by every bit of what went in; 31 of them, as V8 would allocate a larger number. */
function finished(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 1;
}

/** The words of [at, end), a multiple of 4 octets. */
function mixedWords(hash: number, view: DataView, at: number, end: number): number {
  let h = hash;
  for (let word = at; word < end; word += WORD) h = mixed(h, view.getInt32(word));
  return h;
}

/**
 * The number, of 31 bits, of the frame in `buf[at, end)`, which has an Ethernet header; `view` is over the same memory. HOT
 * PATH: allocates nothing, reads nothing past `end`.
 */
export function flowOf(buf: Uint8Array, view: DataView, at: number, end: number, seed: number): number {
  // The addresses are three words; tags and EtherType behind them one word each, the last one half of one.
  let hash = mixedWords(seed, view, at, at + 3 * WORD);
  const ipAt = payloadAt(buf, at, end);
  if (ipAt < 0) return finished(hash);
  for (let tag = at + 3 * WORD; tag + 2 < ipAt; tag += WORD) hash = mixed(hash, view.getInt32(tag));
  const type = payloadTypeAt(buf, ipAt);
  hash = mixed(hash, type);
  if (type === ETHERTYPE_IPV4) return finished(ofIpv4(buf, view, ipAt, end, hash));
  if (type === ETHERTYPE_IPV6) return finished(ofIpv6(buf, view, ipAt, end, hash));
  return finished(hash);
}

function ofIpv4(buf: Uint8Array, view: DataView, at: number, end: number, seed: number): number {
  const headerLen = ipv4HeaderLen(buf, at, end - at);
  if (headerLen === 0) return seed;
  const protocol = ipv4ProtocolAt(buf, at);
  const hash = mixed(mixedWords(seed, view, at + OFF_IPV4_ADDRESSES, at + IPV4_LEN), protocol);
  return isIpv4Fragment(buf, at) ? hash : withPorts(hash, view, protocol, at + headerLen, end);
}

/** What extension headers say is not looked at, so a fragment's neither. */
function ofIpv6(buf: Uint8Array, view: DataView, at: number, end: number, seed: number): number {
  if (end - at < IPV6_LEN || buf[at]! >> 4 !== 6) return seed;
  const next = ipv6NextHeaderAt(buf, at);
  const addresses = mixedWords(seed, view, at + OFF_IPV6_ADDRESSES, at + IPV6_LEN);
  return hasPorts(next) ? withPorts(mixed(addresses, next), view, next, at + IPV6_LEN, end) : addresses;
}

function withPorts(hash: number, view: DataView, protocol: number, at: number, end: number): number {
  return hasPorts(protocol) && at + WORD <= end ? mixed(hash, view.getInt32(at)) : hash;
}
