/** Super-frames of every kind that the kernel cuts, for the unit tests and for the comparison with the kernel. */
import { ACK, CWR, FIN, octets, type PacketSpec, PSH } from './packets.ts';

export const VLAN: Buffer = Buffer.from('81000005', 'hex');
export const QINQ: Buffer = Buffer.from('88a8000681000005', 'hex');
/** Two no-operations and a timestamp (RFC 7323). */
export const TIMESTAMPS: Buffer = Buffer.from('0101080a0000000100000002', 'hex');
/** Next header, to be filled in; 8 octets; PadN. */
export const HOP_BY_HOP: Buffer = Buffer.from('0000010400000000', 'hex');
export const IP_OPTIONS: Buffer = Buffer.from('01010100', 'hex');

export interface Shape {
  readonly name: string;
  readonly spec: PacketSpec;
  readonly mss: number;
}

const tcp4 = (payload: number, changes: Partial<PacketSpec> = {}): PacketSpec => ({
  version: 4,
  protocol: 'tcp',
  payload: octets(payload),
  ...changes,
});
const tcp6 = (payload: number, changes: Partial<PacketSpec> = {}): PacketSpec =>
  tcp4(payload, { version: 6, ...changes });
const udp4 = (payload: number, changes: Partial<PacketSpec> = {}): PacketSpec =>
  tcp4(payload, { protocol: 'udp', ...changes });
const udp6 = (payload: number, changes: Partial<PacketSpec> = {}): PacketSpec =>
  tcp6(payload, { protocol: 'udp', ...changes });

export const SHAPES: readonly Shape[] = [
  { name: 'TCP over IPv4', spec: tcp4(60_000, { id: 0xfffe, seq: 0xffffff00 }), mss: 1378 },
  { name: 'TCP over IPv6', spec: tcp6(5000, { tcpOptions: TIMESTAMPS }), mss: 1358 },
  { name: 'TCP with FIN, PSH and CWR', spec: tcp4(4000, { flags: ACK | FIN | PSH | CWR }), mss: 1000 },
  { name: 'one tag', spec: tcp4(9001, { tags: VLAN, tcpOptions: TIMESTAMPS }), mss: 1374 },
  { name: 'two tags', spec: tcp6(3000, { tags: QINQ }), mss: 1300 },
  { name: 'IPv4 options', spec: tcp4(3000, { ipOptions: IP_OPTIONS }), mss: 700 },
  { name: 'an IPv6 extension header', spec: udp6(3000, { hopByHop: HOP_BY_HOP }), mss: 512 },
  { name: 'UDP over IPv4', spec: udp4(3901, { id: 9, df: false }), mss: 100 },
  { name: 'UDP over IPv6', spec: udp6(2800), mss: 1400 },
];
