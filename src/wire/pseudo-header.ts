/**
 * The pseudo header that the checksums of TCP, UDP and ICMPv6 cover beside their own octets (RFC 9293 §3.1, RFC 8200 §8.1):
 * both addresses, the protocol, the length.
 */
import { u16At } from './octets.ts';

const OFF_ADDRESSES_V4 = 12;
const OFF_ADDRESSES_V6 = 8;
const ADDRESSES_LEN_V4 = 8;
const ADDRESSES_LEN_V6 = 32;

/**
 * Its sum, not folded, for `len` octets of `protocol` in the packet whose IP header begins at `at` and is there. HOT PATH:
 * allocates nothing.
 */
export function pseudoSum(buf: Uint8Array, at: number, protocol: number, len: number): number {
  const v6 = buf[at]! >> 4 === 6;
  const from = at + (v6 ? OFF_ADDRESSES_V6 : OFF_ADDRESSES_V4);
  const end = from + (v6 ? ADDRESSES_LEN_V6 : ADDRESSES_LEN_V4);
  let sum = protocol + len;
  for (let i = from; i < end; i += 2) sum += u16At(buf, i);
  return sum;
}
