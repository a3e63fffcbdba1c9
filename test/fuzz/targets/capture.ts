/** The reader of captures: bad ones end with an L2vpnError, good ones give packets that lie in the file. */
import { L2vpnError } from '../../../src/errors.ts';
import { readCaptureFile } from '../../../src/explain/capture-file.ts';
import { formatPacket, jsonOfPacket } from '../../../src/explain/format.ts';
import { decode } from '../../../src/explain/outer.ts';
import { demand, type FuzzTarget } from '../target.ts';

/** Sound or not, no capture of this many octets can hold more packets. */
const LEAST_PACKET_LEN = 16;

/** What is read from `octets` in front of octets of `fill`: the packets, then how it ended. */
function read(octets: Buffer, fill: number): string[] {
  const arena = Buffer.alloc(octets.length + 64, fill);
  octets.copy(arena);
  const file = arena.subarray(0, octets.length);
  const said: string[] = [];
  try {
    for (const packet of readCaptureFile(file)) {
      demand(packet.data.length <= file.length, 'a packet is longer than its capture');
      const decoded = packet.first === null ? null : decode(packet.data, packet.first, [4754]);
      said.push(
        formatPacket(1, packet, decoded, null),
        JSON.stringify(jsonOfPacket(1, packet, decoded, null)),
      );
      demand(
        said.length <= 2 + (2 * file.length) / LEAST_PACKET_LEN,
        'more packets than the capture has room for',
      );
    }
  } catch (error) {
    if (!(error instanceof L2vpnError) || error.code !== 'L2VPN_DATA') throw error;
    said.push(error.message);
  }
  return said;
}

const words = (little: boolean, ...values: number[]): Buffer => {
  const octets = Buffer.alloc(4 * values.length);
  for (const [i, value] of values.entries()) {
    if (little) octets.writeUInt32LE(value, 4 * i);
    else octets.writeUInt32BE(value, 4 * i);
  }
  return octets;
};

const PACKET = Buffer.from(
  '4500002800010000402f0000020202020101010100006558ffffffffffff0200000000020806',
  'hex',
);
const PADDED = Buffer.concat([PACKET, Buffer.alloc(-PACKET.length & 3)]);

function pcap(little: boolean, magic: number, linkType: number, prefix = 0): Buffer {
  const data = Buffer.concat([Buffer.alloc(prefix), PACKET]);
  const record = [words(little, 1e9, 5, data.length, data.length), data];
  return Buffer.concat([words(little, magic, 0x00040002, 0, 0, 65535, linkType), ...record, ...record]);
}

function block(little: boolean, type: number, ...body: Buffer[]): Buffer {
  const len = 12 + body.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([words(little, type, len), ...body, words(little, len)]);
}

function pcapng(little: boolean): Buffer {
  const linkType = little ? words(true, 101) : words(false, 101 << 16);
  const resolution = Buffer.from(little ? '0900010009000000' : '0009000109000000', 'hex');
  return Buffer.concat([
    block(little, 0x0a0d0d0a, words(little, 0x1a2b3c4d, 1, 0xffffffff, 0xffffffff)),
    block(little, 1, linkType, words(little, 0), resolution, words(little, 0)),
    block(little, 5, words(little, 0, 0, 0)),
    block(little, 6, words(little, 0, 1, 2, PACKET.length, PACKET.length), PADDED),
    block(little, 3, words(little, PACKET.length), PADDED),
  ]);
}

export const capture: FuzzTarget = {
  name: 'capture',
  maxLen: 600,
  seeds: () => [
    pcap(true, 0xa1b2c3d4, 101),
    pcap(false, 0xa1b2c3d4, 101),
    pcap(true, 0xa1b23c4d, 1, 14),
    pcap(true, 0xa1b2c3d4, 113, 16),
    pcap(true, 0xa1b2c3d4, 276, 20),
    pcapng(true),
    pcapng(false),
  ],
  run(input) {
    const said = read(input, 0xa5);
    demand(said.join('\n') === read(input, 0x00).join('\n'), 'octets behind the capture decide what is read');
  },
};
