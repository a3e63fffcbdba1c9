/** Ethernet frames with IP in them, made here and by nothing of src/; their checksums by a slow reference. */
export const hex = (text: string): Buffer => Buffer.from(text.replace(/[\s:]+/g, ''), 'hex');

export function u16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff]);
}

/** The folded ones' complement sum of the 16-bit words of `octets` (RFC 1071 §4.1). */
export function onesSum(...parts: readonly Uint8Array[]): number {
  const octets = Buffer.concat(parts);
  let sum = 0;
  for (let i = 0; i < octets.length; i += 2) {
    sum += (octets[i]! << 8) | (octets[i + 1] ?? 0);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return sum;
}

const DST = '02 00 00 00 00 0b';
const SRC = '02 00 00 00 00 0a';
export const VLAN = '8100 0064';
export const QINQ = '88a8 00c8 8100 0064';

export interface FrameOptions {
  /** VLAN tags in front of the EtherType, as hex. */
  readonly tags?: string;
  readonly dst?: string;
  readonly src?: string;
}

export function ethernetFrame(etherType: string, payload: Uint8Array, options: FrameOptions = {}): Buffer {
  const { tags = '', dst = DST, src = SRC } = options;
  return Buffer.concat([hex(`${dst}${src}${tags}${etherType}`), payload]);
}

export interface Ipv4Options {
  readonly src?: string;
  readonly dst?: string;
  readonly protocol?: number;
  readonly id?: number;
  /** Flags and offset. */
  readonly fragment?: number;
  readonly options?: string;
}

/** An IPv4 packet. */
export function ipv4Packet(payload: Uint8Array, changes: Ipv4Options = {}): Buffer {
  const {
    src = 'c0a80101',
    dst = 'c0a80102',
    protocol = 17,
    id = 7,
    fragment = 0x4000,
    options = '',
  } = changes;
  const more = hex(options);
  const headerLen = 20 + more.length;
  const header = Buffer.concat([
    Buffer.from([0x40 | (headerLen / 4), 0]),
    u16(headerLen + payload.length),
    u16(id),
    u16(fragment),
    Buffer.from([64, protocol, 0, 0]),
    hex(src + dst),
    more,
  ]);
  header.writeUInt16BE(~onesSum(header) & 0xffff, 10);
  return Buffer.concat([header, payload]);
}

export interface Ipv6Options {
  readonly src?: string;
  readonly dst?: string;
  readonly next?: number;
  /** Extension headers, as hex; `next` names the first. */
  readonly extensions?: string;
}

export function ipv6Packet(payload: Uint8Array, changes: Ipv6Options = {}): Buffer {
  const {
    src = `fd00${'00'.repeat(13)}01`,
    dst = `fd00${'00'.repeat(13)}02`,
    next = 17,
    extensions = '',
  } = changes;
  const more = hex(extensions);
  const head = Buffer.concat([hex('60000000'), u16(more.length + payload.length), Buffer.from([next, 64])]);
  return Buffer.concat([head, hex(src + dst), more, payload]);
}

/** The pseudo header of `len` octets of `protocol` in `packet`. */
export function pseudoHeader(packet: Buffer, protocol: number, len: number): Buffer {
  const addresses = packet[0]! >> 4 === 4 ? packet.subarray(12, 20) : packet.subarray(8, 40);
  return Buffer.concat([addresses, u16(protocol), u16(len)]);
}

/** Writes the checksum at `sumAt` of the last `len` octets of `packet`, which are of `protocol`. */
export function withChecksum(packet: Buffer, protocol: number, len: number, sumAt: number): Buffer {
  const upper = packet.subarray(packet.length - len);
  upper.writeUInt16BE(0, sumAt);
  upper.writeUInt16BE(~onesSum(pseudoHeader(packet, protocol, len), upper) & 0xffff, sumAt);
  return packet;
}

/** Is the checksum of the last `len` octets of `packet` right? */
export function isSummed(packet: Buffer, protocol: number, len: number): boolean {
  return onesSum(pseudoHeader(packet, protocol, len), packet.subarray(packet.length - len)) === 0xffff;
}

/** A TCP header with `options` (a multiple of 4 octets) and data; its checksum is 0. */
export function tcpSegment(flags: number, options: string, data: Uint8Array = Buffer.alloc(0)): Buffer {
  const more = hex(options);
  const head = hex('a001 0016 01020304 00000000 00 00 fff0 0000 0000');
  head[12] = ((20 + more.length) / 4) << 4;
  head[13] = flags;
  return Buffer.concat([head, more, data]);
}

export const SYN = 0x02;
export const SYN_ACK = 0x12;
export const ACK = 0x10;
/** MSS, SACK permitted, timestamps, nothing, window scale. */
export const mssOptions = (mss: number): string =>
  `0204 ${u16(mss).toString('hex')} 0402 080a 00112233 00000000 01 030307`;

export function tcpOverIpv4(segment: Buffer, changes: Ipv4Options = {}): Buffer {
  return withChecksum(ipv4Packet(segment, { ...changes, protocol: 6 }), 6, segment.length, 16);
}

export function tcpOverIpv6(segment: Buffer, changes: Ipv6Options = {}): Buffer {
  return withChecksum(ipv6Packet(segment, { next: 6, ...changes }), 6, segment.length, 16);
}
