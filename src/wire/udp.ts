/**
 * The UDP header (RFC 768):
 *
 *      0               2               4               6               8
 *      | source port   | dest. port    | length        | checksum      |
 *
 * Read only: the kernel writes it.
 */
import { type Field, hex } from './field.ts';
import { u16At } from './octets.ts';

export const UDP_LEN = 8;
const OFF_DST_PORT = 2;
const OFF_LEN = 4;
const OFF_CHECKSUM = 6;

// Of the header at `at`, whose 8 octets are there.

export function udpSrcPortAt(buf: Uint8Array, at: number): number {
  return u16At(buf, at);
}

export function udpDstPortAt(buf: Uint8Array, at: number): number {
  return u16At(buf, at + OFF_DST_PORT);
}

/** Octets of header and payload. */
export function udpLenAt(buf: Uint8Array, at: number): number {
  return u16At(buf, at + OFF_LEN);
}

/** The header at `at` for people. */
export function describeUdp(buf: Uint8Array, at: number): Field[] {
  return [
    { name: 'source port', value: String(udpSrcPortAt(buf, at)) },
    { name: 'destination port', value: String(udpDstPortAt(buf, at)) },
    { name: 'length', value: String(udpLenAt(buf, at)) },
    { name: 'checksum', value: hex(u16At(buf, at + OFF_CHECKSUM), 4) },
  ];
}
