/**
 * The TCP header (RFC 9293 §3.1), as far as the MSS option of a SYN (§3.2) is concerned:
 *
 *      0               4               8               12      13      14              16      18      20
 *      | ports         | sequence no.  | acknowledgem. | offset| flags | window        | sum   | urgent| options …
 *
 *     offset: the upper 4 bits, in units of 4 octets      flags: 0x02 SYN
 *     an option:  | 0 end |    | 1 nothing |    | kind | length | …    the MSS:  | 2 | 4 | MSS     |
 */
import { adjustedChecksum, checksum } from './checksum.ts';
import { IPPROTO_TCP } from './ip.ts';
import { putU16, u16At } from './octets.ts';
import { pseudoSum } from './pseudo-header.ts';

/** Without options. */
export const TCP_LEN = 20;
const OFF_DATA_OFFSET = 12;
const OFF_FLAGS = 13;
const OFF_CHECKSUM = 16;

const FLAG_SYN = 0x02;

const OPTION_END = 0;
const OPTION_NOTHING = 1;
const OPTION_MSS = 2;
const MSS_OPTION_LEN = 4;
const OFF_MSS = 2;

/** Is the segment at `at`, whose 20 octets are there, a SYN or a SYN-ACK? */
export function isSyn(buf: Uint8Array, at: number): boolean {
  return (buf[at + OFF_FLAGS]! & FLAG_SYN) !== 0;
}

/**
 * Where the MSS stands in the header at `at`, of a segment that ends at `end` and has 20 octets at least; −1: there is
 * none, or what is there is no header. Reads nothing past `end`, allocates nothing.
 */
export function mssAt(buf: Uint8Array, at: number, end: number): number {
  const optionsEnd = at + (buf[at + OFF_DATA_OFFSET]! >> 4) * 4;
  if (optionsEnd > end) return -1;
  for (let option = at + TCP_LEN; option + MSS_OPTION_LEN <= optionsEnd; ) {
    const kind = buf[option]!;
    if (kind === OPTION_END) return -1;
    const len = kind === OPTION_NOTHING ? 1 : buf[option + 1]!;
    if (kind === OPTION_MSS) return len === MSS_OPTION_LEN ? option + OFF_MSS : -1;
    // A length below that of kind and length is none.
    if (kind !== OPTION_NOTHING && len < 2) return -1;
    option += len;
  }
  return -1;
}

/**
 * Lowers the MSS of the SYN at `at`, which ends at `end` and whose IP header begins at `ipAt`, to `most`, and corrects its
 * checksum. A right checksum stays right and a wrong one wrong. Returns whether the MSS was larger. Allocates nothing.
 */
export function lowerMss(buf: Uint8Array, ipAt: number, at: number, end: number, most: number): boolean {
  const mss = mssAt(buf, at, end);
  if (mss < 0) return false;
  const was = u16At(buf, mss);
  if (was <= most) return false;
  if (!isLeftToOffload(buf, ipAt, at, end)) {
    const odd = ((mss - at) & 1) !== 0;
    const sum = u16At(buf, at + OFF_CHECKSUM);
    // At an odd offset the octets belong to two words; the sum of both is that of one word with its octets swapped.
    const next = odd ? adjustedChecksum(sum, swapped(was), swapped(most)) : adjustedChecksum(sum, was, most);
    putU16(buf, at + OFF_CHECKSUM, next);
  }
  putU16(buf, mss, most);
  return true;
}

/**
 * Has the sender left the checksum to its network card, which is none? The field holds the sum of the pseudo header then,
 * which an option does not change. One in 65 536 whole checksums looks like that.
 */
function isLeftToOffload(buf: Uint8Array, ipAt: number, at: number, end: number): boolean {
  const pseudo = pseudoSum(buf, ipAt, IPPROTO_TCP, end - at);
  // Over no octets: the complement of the pseudo header's sum.
  if (u16At(buf, at + OFF_CHECKSUM) !== (~checksum(buf, at, at, pseudo) & 0xffff)) return false;
  return checksum(buf, at, end, pseudo) !== 0;
}

function swapped(word: number): number {
  return ((word & 0xff) << 8) | (word >> 8);
}
