/**
 * Reads packets out of a capture: pcap (`man 5 pcap-savefile`, microseconds or nanoseconds, either byte order) and
 * pcapng (draft-ietf-opsawg-pcapng: section, interface, enhanced and simple packet blocks; others are skipped).
 * Every length is checked before use. A capture that breaks off throws after the packets before the break.
 */
import { L2vpnError } from '../errors.ts';
import type { FirstLayer } from './layers.ts';

export interface CapturedPacket {
  /** Seconds since the epoch; null where the capture has no time (simple packet blocks). */
  time: number | null;
  data: Buffer;
  /** Octets that the packet had on the link. */
  originalLen: number;
  /** What `data` begins with; null: a link type that cannot be read. */
  first: FirstLayer | null;
  linkType: number;
}

const PCAP_MICROSECONDS = 0xa1b2c3d4;
const PCAP_NANOSECONDS = 0xa1b23c4d;
/** Seconds per unit of the fraction in a record's time, by magic number. */
const PCAP_MAGIC: Readonly<Record<number, number>> = { [PCAP_MICROSECONDS]: 1e-6, [PCAP_NANOSECONDS]: 1e-9 };
const PCAP_HEADER_LEN = 24;
const PCAP_RECORD_LEN = 16;
const PCAPNG_SECTION = 0x0a0d0d0a;
const PCAPNG_BYTE_ORDER = 0x1a2b3c4d;
const PCAPNG_INTERFACE = 1;
const PCAPNG_SIMPLE_PACKET = 3;
const PCAPNG_ENHANCED_PACKET = 6;
const OPTION_END = 0;
const OPTION_TSRESOL = 9;
/** Longer than any packet of a link; what claims more is damage. */
const MAX_PACKET_LEN = 1 << 20;
const MAX_BLOCK_LEN = 16 << 20;

/** True where `file` begins as a capture does. */
export function isCapture(file: Buffer): boolean {
  if (file.length < 4) return false;
  const [big, little] = [file.readUInt32BE(0), file.readUInt32LE(0)];
  return big === PCAPNG_SECTION || big in PCAP_MAGIC || little in PCAP_MAGIC;
}

/** The packets of `file`, in order. Throws L2VPN_DATA for what is no capture or breaks off. */
export function readCaptureFile(file: Buffer): Generator<CapturedPacket> {
  if (!isCapture(file)) throw damaged('it is neither pcap nor pcapng');
  return file.readUInt32BE(0) === PCAPNG_SECTION ? readPcapng(file) : readPcap(file);
}

function damaged(what: string): L2vpnError {
  return new L2vpnError('L2VPN_DATA', `the capture cannot be read: ${what}`);
}

/** Reads unsigned numbers in the byte order of a capture. */
class Reader {
  readonly isBig: boolean;
  readonly #file: Buffer;

  constructor(file: Buffer, isBig: boolean) {
    this.isBig = isBig;
    this.#file = file;
  }

  u16(at: number): number {
    return this.isBig ? this.#file.readUInt16BE(at) : this.#file.readUInt16LE(at);
  }

  u32(at: number): number {
    return this.isBig ? this.#file.readUInt32BE(at) : this.#file.readUInt32LE(at);
  }
}

function* readPcap(file: Buffer): Generator<CapturedPacket> {
  if (file.length < PCAP_HEADER_LEN) throw damaged('its header is cut off');
  const big = file.readUInt32BE(0) in PCAP_MAGIC;
  const reader = new Reader(file, big);
  const fraction = PCAP_MAGIC[reader.u32(0)]!;
  const linkType = reader.u32(20) & 0xffff;
  for (let at = PCAP_HEADER_LEN; at < file.length; ) {
    if (at + PCAP_RECORD_LEN > file.length) throw damaged(`it breaks off at octet ${at}`);
    const len = reader.u32(at + 8);
    const from = at + PCAP_RECORD_LEN;
    if (len > MAX_PACKET_LEN) throw damaged(`a packet at octet ${at} claims ${len} octets`);
    if (from + len > file.length) throw damaged(`it breaks off at octet ${at}`);
    const time = reader.u32(at) + reader.u32(at + 4) * fraction;
    yield packetOf(file.subarray(from, from + len), reader.u32(at + 12), linkType, time);
    at = from + len;
  }
}

interface Interface {
  linkType: number;
  snapLen: number;
  /** Seconds per unit of its timestamps. */
  unit: number;
}

function* readPcapng(file: Buffer): Generator<CapturedPacket> {
  let reader = new Reader(file, true);
  let interfaces: Interface[] = [];
  for (let at = 0; at < file.length; ) {
    if (at + 12 > file.length) throw damaged(`it breaks off at octet ${at}`);
    const isSection = file.readUInt32BE(at) === PCAPNG_SECTION;
    if (isSection) {
      reader = new Reader(file, file.readUInt32BE(at + 8) === PCAPNG_BYTE_ORDER);
      if (reader.u32(at + 8) !== PCAPNG_BYTE_ORDER)
        throw damaged(`the section at octet ${at} has no byte order`);
      interfaces = [];
    }
    const len = reader.u32(at + 4);
    if (len < 12 || len % 4 !== 0 || len > MAX_BLOCK_LEN)
      throw damaged(`the block at octet ${at} claims ${len} octets`);
    if (at + len > file.length) throw damaged(`it breaks off at octet ${at}`);
    const type = isSection ? PCAPNG_SECTION : reader.u32(at);
    if (type === PCAPNG_INTERFACE) interfaces.push(readInterface(reader, at, len));
    else if (type === PCAPNG_ENHANCED_PACKET) yield enhancedPacket(file, reader, at, len, interfaces);
    else if (type === PCAPNG_SIMPLE_PACKET) yield simplePacket(file, reader, at, len, interfaces);
    at += len;
  }
}

/** Interface description block, and of its options the resolution of timestamps. */
function readInterface(reader: Reader, at: number, len: number): Interface {
  if (len < 20) throw damaged(`the interface at octet ${at} is cut off`);
  const found: Interface = { linkType: reader.u16(at + 8), snapLen: reader.u32(at + 12), unit: 1e-6 };
  for (let option = at + 16; option + 4 <= at + len - 4; ) {
    const [code, optionLen] = [reader.u16(option), reader.u16(option + 2)];
    if (code === OPTION_END) break;
    if (code === OPTION_TSRESOL && optionLen === 1 && option + 8 <= at + len - 4)
      found.unit = resolution(reader.u32(option + 4), reader);
    option += 4 + ((optionLen + 3) & ~3);
  }
  return found;
}

/** if_tsresol: a power of 10, or of 2 where its top bit is set. It is the first octet of the word in the file. */
function resolution(word: number, reader: Reader): number {
  const octet = reader.isBig ? word >>> 24 : word & 0xff;
  return (octet & 0x80) !== 0 ? 2 ** -(octet & 0x7f) : 10 ** -octet;
}

function enhancedPacket(
  file: Buffer,
  reader: Reader,
  at: number,
  len: number,
  interfaces: Interface[],
): CapturedPacket {
  const from = interfaces[len >= 32 ? reader.u32(at + 8) : -1];
  if (from === undefined) throw damaged(`the packet at octet ${at} is of no interface`);
  const capturedLen = reader.u32(at + 20);
  if (capturedLen > len - 32) throw damaged(`a packet at octet ${at} claims ${capturedLen} octets`);
  const time = (reader.u32(at + 12) * 0x1_0000_0000 + reader.u32(at + 16)) * from.unit;
  return packetOf(file.subarray(at + 28, at + 28 + capturedLen), reader.u32(at + 24), from.linkType, time);
}

function simplePacket(
  file: Buffer,
  reader: Reader,
  at: number,
  len: number,
  interfaces: Interface[],
): CapturedPacket {
  const [from] = interfaces;
  if (from === undefined || len < 16) throw damaged(`the packet at octet ${at} is of no interface`);
  const originalLen = reader.u32(at + 8);
  const capturedLen = Math.min(originalLen, len - 16, from.snapLen === 0 ? originalLen : from.snapLen);
  return packetOf(file.subarray(at + 12, at + 12 + capturedLen), originalLen, from.linkType, null);
}

/** What the packets of a capture begin with (https://www.tcpdump.org/linktypes.html). */
const LINKTYPE_ETHERNET = 1;
/** Raw IP as most systems number it, and as OpenBSD does: meant to be private, and found in files. */
const DLT_RAW = 12;
const DLT_RAW_OPENBSD = 14;
const LINKTYPE_RAW = 101;
/** What `tcpdump -i any` writes; the newer one since libpcap 1.10. */
const LINKTYPE_LINUX_SLL = 113;
const LINKTYPE_LINUX_SLL2 = 276;
const LINKTYPE_IPV4 = 228;
const LINKTYPE_IPV6 = 229;

/** Octets of the pseudo-headers of the two. */
const SLL_LEN = 16;
const SLL2_LEN = 20;

/** Takes off what is no protocol of the wire. */
function packetOf(data: Buffer, originalLen: number, linkType: number, time: number | null): CapturedPacket {
  const packet = (first: FirstLayer | null, from = 0): CapturedPacket => ({
    time,
    data: data.subarray(from),
    originalLen: Math.max(originalLen - from, 0),
    first,
    linkType,
  });
  switch (linkType) {
    case LINKTYPE_ETHERNET:
      return packet('ethernet');
    case DLT_RAW:
    case DLT_RAW_OPENBSD:
    case LINKTYPE_RAW:
    case LINKTYPE_IPV4:
    case LINKTYPE_IPV6:
      return packet('ip');
    case LINKTYPE_LINUX_SLL:
      return packet('ip', SLL_LEN);
    case LINKTYPE_LINUX_SLL2:
      return packet('ip', SLL2_LEN);
    default:
      return packet(null);
  }
}
