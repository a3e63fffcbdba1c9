/** How a batch is spread over source ports: each port has a stretch of it, and no flow is put out of order. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FlowSpread } from '../../../src/datapath/flows.ts';
import { type Batch, createBatch, resetBatch } from '../../../src/frame/batch.ts';
import { Drop } from '../../../src/frame/drop.ts';
import { ethernetFrame, ipv4Packet, u16 } from './ip-frames.ts';

const PORTS = 16;
const SENDERS = { fds: Array.from({ length: PORTS }, (_, i) => i), ports: [], seed: 0xfeed_f00d };

/** A frame of flow `flow` that says which one of the batch it is. */
function frameOf(flow: number, number: number): Buffer {
  return ethernetFrame(
    '0800',
    ipv4Packet(Buffer.concat([u16(1024 + flow), u16(53), u16(12), u16(0), u16(number)])),
  );
}

function batchOf(flows: readonly number[]): Batch {
  const batch = createBatch(100, Math.max(1, flows.length));
  resetBatch(batch);
  flows.forEach((flow, i) => {
    const frame = frameOf(flow, i);
    batch.arena.set(frame, batch.at[i]!);
    batch.len[i] = frame.length;
    batch.verdict[i] = 0;
  });
  batch.count = flows.length;
  return batch;
}

/** Number and port of each frame, in the order in which they lie. */
function order(batch: Batch): { number: number; port: number; verdict: number }[] {
  return Array.from({ length: batch.count }, (_, i) => ({
    number: batch.arena.readUInt16BE(batch.at[i]! + batch.len[i]! - 2),
    port: batch.flow[i]!,
    verdict: batch.verdict[i]!,
  }));
}

describe('a batch of many flows', () => {
  it('lies in the order of its ports; frames of one flow have one port and their order; none is lost', () => {
    const flows = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 128 });
    const spread = new FlowSpread(SENDERS);
    fc.assert(
      fc.property(flows, (wanted) => {
        const batch = batchOf(wanted);
        spread.spread(batch);
        const got = order(batch);
        expect(got.map(({ number }) => number).sort((a, b) => a - b)).toEqual(wanted.map((_, i) => i));
        expect(got.map(({ port }) => port)).toEqual(got.map(({ port }) => port).sort((a, b) => a - b));
        for (const flow of new Set(wanted)) {
          const own = got.filter(({ number }) => wanted[number] === flow);
          expect(new Set(own.map(({ port }) => port)).size).toBe(1);
          expect(own.map(({ number }) => number)).toEqual(
            own.map(({ number }) => number).sort((a, b) => a - b),
          );
        }
      }),
    );
  });

  it('uses every port', () => {
    const batch = batchOf(Array.from({ length: 128 }, (_, i) => i));
    new FlowSpread(SENDERS).spread(batch);
    expect(new Set(batch.flow).size).toBe(PORTS);
  });

  it('keeps the verdicts of its frames', () => {
    const batch = batchOf(Array.from({ length: 64 }, (_, i) => i));
    for (let i = 0; i < 64; i += 3) batch.verdict[i] = Drop.TapRunt;
    new FlowSpread(SENDERS).spread(batch);
    for (const { number, verdict } of order(batch)) {
      expect(verdict).toBe(number % 3 === 0 ? Drop.TapRunt : Drop.None);
    }
  });

  it('has the same ports in every lane of a process, and others with another seed', () => {
    const ports = (seed: number): number[] => {
      const batch = batchOf(Array.from({ length: 128 }, (_, i) => i));
      new FlowSpread({ ...SENDERS, seed }).spread(batch);
      return order(batch)
        .sort((a, b) => a.number - b.number)
        .map(({ port }) => port);
    };
    expect(ports(1)).toEqual(ports(1));
    expect(ports(1)).not.toEqual(ports(2));
  });
});

it('a batch of one flow is left as it is', () => {
  const batch = batchOf(new Array<number>(128).fill(7));
  const at = [...batch.at];
  new FlowSpread(SENDERS).spread(batch);
  expect([...batch.at]).toEqual(at);
  expect(new Set(batch.flow).size).toBe(1);
});
