/** Packets for the tests of cutting and joining, and their checksums, written for clarity: an oracle, not fast. */

export interface PacketSpec {
  readonly version: 4 | 6;
  readonly protocol: 'tcp' | 'udp';
  /** Tags between the MAC addresses and the EtherType: `8100 0005`, as octets. */
  readonly tags?: Uint8Array;
  readonly srcPort?: number;
  readonly seq?: number;
  readonly ack?: number;
  readonly flags?: number;
  readonly window?: number;
  readonly tcpOptions?: Uint8Array;
  readonly ipOptions?: Uint8Array;
  /** A whole hop-by-hop options header behind an IPv6 header. */
  readonly hopByHop?: Uint8Array;
  readonly id?: number;
  readonly df?: boolean;
  readonly tos?: number;
  readonly ttl?: number;
  readonly payload: Uint8Array;
}

export const FIN = 0x01;
export const SYN = 0x02;
export const PSH = 0x08;
export const ACK = 0x10;
export const URG = 0x20;
export const CWR = 0x80;

const MACS = Buffer.from('020000000001020000000002', 'hex');
const NONE = new Uint8Array(0);

/** Where the parts of a frame begin. */
export interface Layout {
  readonly l3: number;
  readonly l4: number;
  readonly payload: number;
}

export function layoutOf(spec: PacketSpec): Layout {
  const l3 = 14 + (spec.tags ?? NONE).length;
  const l4 =
    l3 + (spec.version === 4 ? 20 + (spec.ipOptions ?? NONE).length : 40 + (spec.hopByHop ?? NONE).length);
  return { l3, l4, payload: l4 + (spec.protocol === 'udp' ? 8 : 20 + (spec.tcpOptions ?? NONE).length) };
}

/** RFC 1071, octet by octet. */
export function internetSum(octets: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < octets.length; i += 2) sum += (octets[i]! << 8) | (octets[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return sum;
}

export function pseudoHeader(frame: Buffer, { l3, l4 }: Layout): Buffer {
  const isIpv4 = frame[l3]! >> 4 === 4;
  const addresses = isIpv4 ? frame.subarray(l3 + 12, l3 + 20) : frame.subarray(l3 + 8, l3 + 40);
  const tail = Buffer.alloc(8);
  tail.writeUInt32BE(frame.length - l4, 0);
  tail[7] = isIpv4 ? frame[l3 + 9]! : protocolBehind(frame, l3);
  return Buffer.concat([addresses, tail]);
}

function protocolBehind(frame: Buffer, l3: number): number {
  return frame[l3 + 6] === 0 ? frame[l3 + 40]! : frame[l3 + 6]!;
}

/** Whether IPv4 header and layer 4 checksums are right. */
export function hasRightChecksums(frame: Buffer, layout: Layout): boolean {
  const { l3, l4 } = layout;
  const isIpv4 = frame[l3]! >> 4 === 4;
  if (isIpv4 && internetSum(frame.subarray(l3, l3 + (frame[l3]! & 15) * 4)) !== 0xffff) return false;
  return internetSum(Buffer.concat([pseudoHeader(frame, layout), frame.subarray(l4)])) === 0xffff;
}

function ipv4Header(spec: PacketSpec, l4Len: number): Buffer {
  const header = Buffer.concat([Buffer.alloc(20), spec.ipOptions ?? NONE]);
  header[0] = 0x40 | (header.length / 4);
  header[1] = spec.tos ?? 0;
  header.writeUInt16BE(header.length + l4Len, 2);
  header.writeUInt16BE((spec.id ?? 0) & 0xffff, 4);
  header[6] = (spec.df ?? true) ? 0x40 : 0;
  header[8] = spec.ttl ?? 64;
  header[9] = spec.protocol === 'tcp' ? 6 : 17;
  header.set([10, 0, 0, 1, 10, 0, 0, 2], 12);
  header.writeUInt16BE(~internetSum(header) & 0xffff, 10);
  return header;
}

function ipv6Header(spec: PacketSpec, l4Len: number): Buffer {
  const header = Buffer.concat([Buffer.alloc(40), spec.hopByHop ?? NONE]);
  const protocol = spec.protocol === 'tcp' ? 6 : 17;
  header.writeUInt32BE(0x60000000 + (spec.tos ?? 0) * 0x100000 + 0x12345, 0);
  header.writeUInt16BE(header.length - 40 + l4Len, 4);
  header[6] = spec.hopByHop === undefined ? protocol : 0;
  if (spec.hopByHop !== undefined) header[40] = protocol;
  header[7] = spec.ttl ?? 64;
  header.set(Buffer.from('fd000000000000000000000000000001fd000000000000000000000000000002', 'hex'), 8);
  return header;
}

function l4Header(spec: PacketSpec): Buffer {
  const header = Buffer.alloc(spec.protocol === 'udp' ? 8 : 20);
  header.writeUInt16BE(spec.srcPort ?? 1000, 0);
  header.writeUInt16BE(2000, 2);
  if (spec.protocol === 'udp') {
    header.writeUInt16BE(8 + spec.payload.length, 4);
    return header;
  }
  const options = spec.tcpOptions ?? NONE;
  header.writeUInt32BE((spec.seq ?? 0) >>> 0, 4);
  header.writeUInt32BE(spec.ack ?? 7, 8);
  header[12] = (5 + options.length / 4) << 4;
  header[13] = spec.flags ?? ACK;
  header.writeUInt16BE(spec.window ?? 500, 14);
  return Buffer.concat([header, options]);
}

/** The whole frame, every checksum right; layer 4's replaced by the pseudo header's sum where `partial`. */
export function buildFrame(spec: PacketSpec, partial = false): Buffer {
  const l4 = Buffer.concat([l4Header(spec), spec.payload]);
  const ip = spec.version === 4 ? ipv4Header(spec, l4.length) : ipv6Header(spec, l4.length);
  const type = Buffer.from(spec.version === 4 ? '0800' : '86dd', 'hex');
  const frame = Buffer.concat([MACS, spec.tags ?? NONE, type, ip, l4]);
  const layout = layoutOf(spec);
  const sumAt = layout.l4 + (spec.protocol === 'tcp' ? 16 : 6);
  const pseudo = pseudoHeader(frame, layout);
  if (partial) frame.writeUInt16BE(internetSum(pseudo), sumAt);
  else {
    const sum = ~internetSum(Buffer.concat([pseudo, frame.subarray(layout.l4)])) & 0xffff;
    frame.writeUInt16BE(sum === 0 && spec.protocol === 'udp' ? 0xffff : sum, sumAt);
  }
  return frame;
}

const GSO = { tcp4: 1, tcp6: 4, udp: 5 } as const;

/** struct virtio_net_hdr (linux/virtio_net.h), in the machine's order. */
export function vnetHeader(spec: PacketSpec, gsoSize: number): Buffer {
  const { l4, payload } = layoutOf(spec);
  const header = Buffer.alloc(10);
  header[0] = 1;
  if (gsoSize > 0) {
    header[1] = spec.protocol === 'udp' ? GSO.udp : spec.version === 4 ? GSO.tcp4 : GSO.tcp6;
    if (((spec.flags ?? 0) & CWR) !== 0) header[1] |= 0x80;
    header.writeUInt16LE(payload, 2);
    header.writeUInt16LE(gsoSize, 4);
  }
  header.writeUInt16LE(l4, 6);
  header.writeUInt16LE(spec.protocol === 'tcp' ? 16 : 6, 8);
  return header;
}

/** Octets that differ from place to place. */
export function octets(length: number, seed = 1): Buffer {
  return Buffer.from(Array.from({ length }, (_, i) => (i * 31 + seed * 17 + (i >> 8)) & 0xff));
}

/** The frames that `spec` is to be cut into, built one by one. */
export function cutByHand(spec: PacketSpec, mss: number): Buffer[] {
  const frames: Buffer[] = [];
  const { payload } = spec;
  for (let at = 0, n = 0; at < payload.length; at += mss, n++) {
    const last = at + mss >= payload.length;
    let flags = spec.flags ?? ACK;
    if (n > 0) flags &= ~CWR;
    if (!last) flags &= ~(FIN | PSH);
    frames.push(
      buildFrame({
        ...spec,
        flags,
        id: (spec.id ?? 0) + n,
        seq: ((spec.seq ?? 0) + at) >>> 0,
        payload: payload.subarray(at, at + mss),
      }),
    );
  }
  return frames;
}
