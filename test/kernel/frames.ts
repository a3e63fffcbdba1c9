/** Inner frames of every kind that a bridge hands to a tunnel. */
import { ETHERTYPE_TEST, macOctets } from './craft.ts';

const HOST_A = '02:00:00:00:05:01';
const HOST_B = '02:00:00:00:05:02';

/** A frame of `length` octets all told, Ethernet header included; `seed` makes it unlike its neighbours. */
export function frameOf(
  length: number,
  seed: number,
  dst: string = HOST_B,
  etherType: number = ETHERTYPE_TEST,
): Buffer {
  const frame = Buffer.alloc(length);
  macOctets(dst).copy(frame, 0);
  macOctets(HOST_A).copy(frame, 6);
  frame.writeUInt16BE(etherType, 12);
  for (let i = 14; i < length; i++) frame[i] = (i * 7 + seed * 31 + length) & 0xff;
  return frame;
}

/** Every length from the bare header to well above where SL ends. */
export const SHORT_FRAMES: Buffer[] = Array.from({ length: 80 - 14 + 1 }, (_, i) => frameOf(14 + i, i));

/** Around the largest that fits an inner MTU. */
export function longFrames(mtu: number): Buffer[] {
  return [256, 511, 512, 1024, 1280, mtu - 1, mtu].map((payload, i) => frameOf(14 + payload, i));
}

/** An ARP request as a host sends it: 42 octets. */
const ARP: Buffer = Buffer.concat([
  ...[macOctets('ff:ff:ff:ff:ff:ff'), macOctets(HOST_A), Buffer.from('08060001080006040001', 'hex')],
  ...[macOctets(HOST_A), Buffer.from([10, 9, 0, 77]), Buffer.alloc(6), Buffer.from([10, 9, 0, 78])],
]);

/** Broadcast, multicast, VLAN, QinQ, LLC, and protocols that a bridge passes on untouched. */
export function mixedFrames(mtu: number): Buffer[] {
  return [
    ARP,
    frameOf(60, 1, 'ff:ff:ff:ff:ff:ff'),
    frameOf(60, 2, '01:00:5e:00:00:fb'),
    frameOf(90, 3, '33:33:00:00:00:01'),
    frameOf(64, 4, '01:00:0c:cc:cc:cd'),
    vlan(0x8100, 7, frameOf(46, 5)),
    vlan(0x8100, 4095 & 0xffe, frameOf(14 + mtu - 4, 6)),
    vlan(0x88a8, 100, vlan(0x8100, 200, frameOf(64, 7))),
    frameOf(70, 8, HOST_B, 0x0027),
    frameOf(14 + mtu, 9),
  ];
}

/** `count` frames of many lengths, each different. */
export function manyFrames(count: number, mtu: number): Buffer[] {
  return Array.from({ length: count }, (_, i) => {
    const frame = frameOf(60 + ((i * 97) % (mtu - 46)), i);
    frame.writeUInt32BE(i, 14);
    return frame;
  });
}

/** The same frames, all from one station. */
export function fromStation(frames: readonly Buffer[], mac: string): Buffer[] {
  return frames.map((frame) => Buffer.concat([frame.subarray(0, 6), macOctets(mac), frame.subarray(12)]));
}

function vlan(tpid: number, id: number, frame: Buffer): Buffer {
  const tag = Buffer.alloc(4);
  tag.writeUInt16BE(tpid, 0);
  tag.writeUInt16BE(id, 2);
  return Buffer.concat([frame.subarray(0, 12), tag, frame.subarray(12)]);
}
