/** The class of a frame on its way through two sites: on the outer header in the middle, and what the path did to it at the end. */
import { describe, expect, it } from 'vitest';
import { createBatch, resetBatch } from '../../../src/frame/batch.ts';
import type { MacsecConfig } from '../../../src/macsec/config.ts';
import { type MemoryPort, memoryPortPair } from '../../../src/ports/memory-port.ts';
import { macsecConfig, rxScOf, saOf } from '../macsec/kit.ts';
import { End, SCI_A } from '../site/kit.ts';
import { ethernetFrame, ipv4Packet, ipv6Packet, onesSum, VLAN } from './ip-frames.ts';

const OFF_TOS = 1;

function v4(tos: number): Buffer {
  const packet = ipv4Packet(Buffer.alloc(40, 7));
  packet[1] = tos;
  packet.writeUInt16BE(0, 10);
  packet.writeUInt16BE(~onesSum(packet.subarray(0, 20)) & 0xffff, 10);
  return packet;
}

function v6(tos: number): Buffer {
  const packet = ipv6Packet(Buffer.alloc(40, 7));
  packet.writeUInt16BE(0x6000 + (tos << 4), 0);
  return packet;
}

function push(port: MemoryPort, frames: readonly Buffer[]): void {
  const batch = createBatch(2000, frames.length);
  resetBatch(batch);
  frames.forEach((frame, i) => {
    batch.arena.set(frame, batch.at[i]!);
    batch.len[i] = frame.length;
    batch.verdict[i] = 0;
  });
  batch.count = frames.length;
  port.send(batch, 0);
}

function pull(port: MemoryPort): Buffer[] {
  const batch = createBatch(2000, 128);
  resetBatch(batch);
  port.receive(batch, 128);
  return Array.from({ length: batch.count }, (_, i) =>
    Buffer.from(batch.arena.subarray(batch.at[i]!, batch.at[i]! + batch.len[i]!)),
  );
}

/** Frames from one site's LAN to its peer's, over a path that is `path`'s: it may change outer packets. */
function carried(
  frames: readonly Buffer[],
  path: (packet: Buffer) => void,
  macsec: MacsecConfig | null,
  inheritsTos = true,
): { packets: Buffer[]; delivered: Buffer[]; drops: Record<string, number> } {
  const site = () => {
    const [tap, lan] = memoryPortPair();
    const [wire, wan] = memoryPortPair();
    return { end: new End({ macsec, sci: SCI_A, tap, wire, ipv4: true, inheritsTos }), lan, wan };
  };
  const [near, far] = [site(), site()];
  push(near.lan, frames);
  near.end.transmit.run();
  const packets = pull(near.wan);
  for (const packet of packets) path(packet);
  push(far.wan, packets);
  far.end.receive.run();
  return { packets, delivered: pull(far.lan), drops: far.end.drops };
}

const SECURED = macsecConfig({ txSa: [saOf()], rxSc: [rxScOf([saOf()], SCI_A)] });

describe.each<[string, MacsecConfig | null]>([
  ['with MACsec', SECURED],
  ['in clear', null],
])('gre.tos "inherit", %s', (_, macsec) => {
  const frames = [
    ethernetFrame('0800', v4(0xb8)),
    ethernetFrame('0800', v4(0x2a), { tags: VLAN }),
    ethernetFrame('86dd', v6(0x49)),
    ethernetFrame('86dd', v6(0x03)),
    ethernetFrame('0806', Buffer.alloc(28, 1)),
  ];

  it('outer headers have the class of the inner ones, others 0; nothing else of a frame changes', () => {
    const { packets, delivered, drops } = carried(frames, () => {}, macsec);
    expect(packets.map((packet) => packet[OFF_TOS])).toEqual([0xb8, 0x2a, 0x49, 0x03, 0]);
    expect(delivered).toEqual(frames);
    expect(drops).toEqual({});
  });

  it('what the path marks arrives marked; who does not understand a mark loses the packet, and it is counted', () => {
    const mark = (packet: Buffer): void => {
      packet[OFF_TOS]! |= 3;
    };
    const { delivered, drops } = carried(frames, mark, macsec);
    expect(delivered).toEqual([
      ethernetFrame('0800', v4(0x2b), { tags: VLAN }),
      ethernetFrame('86dd', v6(0x4b)),
      ethernetFrame('86dd', v6(0x03)),
      ethernetFrame('0806', Buffer.alloc(28, 1)),
    ]);
    expect(drops).toEqual({ CeOnNotEct: 1 });
  });

  it('DSCP that the path rewrites stays outside', () => {
    const rewrite = (packet: Buffer): void => {
      packet[OFF_TOS] = (packet[OFF_TOS]! & 3) | 0x20;
    };
    expect(carried(frames, rewrite, macsec).delivered).toEqual(frames);
  });

  it('off, the outer header says nothing, and what it comes to say is not heard', () => {
    const mark = (packet: Buffer): void => {
      packet[OFF_TOS] = 3;
    };
    const { packets, delivered } = carried(frames, mark, macsec, false);
    expect(delivered).toEqual(frames);
    expect(packets).toHaveLength(5);
    expect(carried(frames, () => {}, macsec, false).packets.every((packet) => packet[OFF_TOS] === 0)).toBe(
      true,
    );
  });
});

it('an outer mark on a frame that is not authentic is never looked at', () => {
  const forge = (packet: Buffer): void => {
    packet[OFF_TOS] = 3;
    packet[packet.length - 1]! ^= 1;
  };
  const { delivered, drops } = carried([ethernetFrame('0800', v4(0xb8))], forge, SECURED);
  expect(delivered).toEqual([]);
  expect(drops).toEqual({ InPktsNotValid: 1 });
});
