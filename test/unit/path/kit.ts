/** ICMP messages that a packet was too big, as a router would send them, and as somebody would forge them. */
import { checksum } from '../../../src/wire/checksum.ts';

export const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ''), 'hex');

export const ROUTER1: readonly number[] = [1, 1, 1, 1];
export const ROUTER2: readonly number[] = [2, 2, 2, 2];
/** The WAN's end on the side of router 1. */
export const WAN1: readonly number[] = [1, 1, 1, 254];
export const V6 = {
  router1: 'fd000001000000000000000000000001',
  router2: 'fd000002000000000000000000000002',
  wan1: 'fd0000010000000000000000000000fe',
};

/** What follows the IP header of a packet of the tunnel: GRE, a frame with SecTAG. `sci` null: none is in the tag. */
export function greFrame(
  options: { sci?: string | null; pn?: number; an?: number; gre?: string } = {},
): Buffer {
  const { sci = '0000001111110001', pn = 7, an = 0, gre = '00006558' } = options;
  const tag = Buffer.concat([
    hex('88e5'),
    Buffer.from([(sci === null ? 0x0c : 0x2c) | an, 0]),
    u32(pn),
    hex(sci ?? ''),
  ]);
  return Buffer.concat([hex(gre), hex('ffffffffffff 000000111111'), tag, Buffer.alloc(64, 0x5a)]);
}

/** The same behind a UDP header; `len` is what that counts. */
export function udpFrame(frame: Buffer, len: number, ports: [number, number] = [4754, 4754]): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(ports[0], 0);
  header.writeUInt16BE(ports[1], 2);
  header.writeUInt16BE(len, 4);
  return Buffer.concat([header, frame]);
}

function u32(value: number): Buffer {
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(value >>> 0);
  return octets;
}

/** An IPv4 header for `dataLen` octets of `protocol`. */
export function ipv4(
  protocol: number,
  src: readonly number[],
  dst: readonly number[],
  dataLen: number,
  df = true,
): Buffer {
  const header = Buffer.from([0x45, 0, 0, 0, 0, 1, df ? 0x40 : 0, 0, 64, protocol, 0, 0, ...src, ...dst]);
  header.writeUInt16BE(20 + dataLen, 2);
  header.writeUInt16BE(checksum(header, 0, 20), 10);
  return header;
}

export function ipv6(nextHeader: number, src: string, dst: string, dataLen: number): Buffer {
  const lead = Buffer.from([0x60, 0, 0, 0, dataLen >> 8, dataLen & 255, nextHeader, 64]);
  return Buffer.concat([lead, hex(src), hex(dst)]);
}

/** What is quoted of a packet: its `protocol`, what follows its IP header, and how long that was in the whole packet. */
export interface Quoted {
  readonly protocol: number;
  readonly transport: Buffer;
  readonly dataLen?: number;
  readonly df?: boolean;
}

/** "Fragmentation needed" from the WAN to router 1 about a packet to router 2, as an IPv4 packet. */
export function fragNeeded(mtu: number, { protocol, transport, dataLen = 1480, df = true }: Quoted): Buffer {
  const quoted = ipv4(protocol, ROUTER1, ROUTER2, dataLen, df);
  const icmp = Buffer.concat([Buffer.from([3, 4, 0, 0, 0, 0, mtu >> 8, mtu & 255]), quoted, transport]);
  icmp.writeUInt16BE(checksum(icmp, 0, icmp.length), 2);
  return Buffer.concat([ipv4(1, WAN1, ROUTER1, icmp.length), icmp]);
}

/** "Packet too big" for the same over IPv6: the message alone. */
export function tooBigV6(mtu: number, { protocol, transport, dataLen = 1460 }: Quoted): Buffer {
  const quoted = ipv6(protocol, V6.router1, V6.router2, dataLen);
  return Buffer.concat([Buffer.from([2, 0, 0, 0]), u32(mtu), quoted, transport]);
}

/** The same as an IPv6 packet from the WAN to router 1, with its checksum. */
export function tooBigV6Packet(mtu: number, quoted: Quoted): Buffer {
  const icmp = tooBigV6(mtu, quoted);
  const header = ipv6(58, V6.wan1, V6.router1, icmp.length);
  const pseudo = Buffer.concat([header.subarray(8, 40), u32(icmp.length), u32(58), icmp]);
  icmp.writeUInt16BE(checksum(pseudo, 0, pseudo.length), 2);
  return Buffer.concat([header, icmp]);
}
