/** The in-memory twins of the real ports, and the bad link. */
import { describe, expect, it } from 'vitest';
import { createBatch, resetBatch } from '../../../src/frame/batch.ts';
import { Drop } from '../../../src/frame/drop.ts';
import type { FramePort } from '../../../src/ports/frame-port.ts';
import { lossyPort } from '../../../src/ports/lossy-port.ts';
import { memoryPortPair } from '../../../src/ports/memory-port.ts';

/** Receives until nothing waits, `max` frames at a time. */
function drain(port: FramePort, max = 16): string[] {
  const batch = createBatch(100, 16);
  const got: string[] = [];
  for (;;) {
    resetBatch(batch);
    const count = port.receive(batch, max);
    if (count === 0) return got;
    expect(count).toBeLessThanOrEqual(max);
    for (let i = 0; i < count; i++) {
      if (batch.verdict[i] !== Drop.None) got.push(`verdict ${batch.verdict[i]}`);
      else got.push(batch.arena.toString('latin1', batch.at[i]!, batch.at[i]! + batch.len[i]!));
    }
  }
}

describe('a pair of memory ports', () => {
  it('delivers what is alive, in order, and no more than asked for', () => {
    const [near, far] = memoryPortPair();
    const batch = createBatch(100, 4);
    resetBatch(batch);
    for (const [i, text] of ['one', 'two', 'three'].entries()) {
      batch.len[i] = batch.arena.write(text, batch.at[i]!);
      batch.verdict[i] = i === 1 ? Drop.InPktsLate : Drop.None;
    }
    batch.count = 3;
    expect(near.send(batch, 0)).toBe(3);
    expect(drain(far, 1)).toEqual(['one', 'three']);
    expect(near.waiting).toBe(0);
  });

  it('makes frames wait when its peer is full', () => {
    const [near, far] = memoryPortPair({ capacity: 2 });
    const batch = createBatch(100, 4);
    resetBatch(batch);
    batch.len.fill(1);
    batch.count = 4;
    expect(near.send(batch, 0)).toBe(2);
    expect(drain(far)).toHaveLength(2);
    expect(near.send(batch, 2)).toBe(4);
  });

  it('can change what is delivered, as a raw IPv4 socket does', () => {
    const [near, far] = memoryPortPair({ deliver: (frame) => Buffer.concat([Buffer.from('IP'), frame]) });
    const batch = createBatch(100, 1);
    resetBatch(batch);
    batch.len[0] = batch.arena.write('gre', batch.at[0]!);
    batch.count = 1;
    near.send(batch, 0);
    expect(drain(far)).toEqual(['IPgre']);
  });

  it('gives a frame that is longer than a slot a verdict, not a truncation', () => {
    const [, far] = memoryPortPair();
    far.push(Buffer.alloc(5000));
    expect(drain(far)).toEqual([`verdict ${Drop.Oversized}`]);
  });
});

describe('a bad link', () => {
  const sent = Array.from({ length: 400 }, (_, i) => `frame ${i}`);

  function through(options: Parameters<typeof lossyPort>[1]): string[] {
    const [, far] = memoryPortPair();
    for (const text of sent) far.push(Buffer.from(text));
    return drain(lossyPort(far, options));
  }

  it('without faults changes nothing', () => expect(through({ seed: 1 })).toEqual(sent));

  it('does the same for the same seed, and something else for another', () => {
    const options = { loss: 0.2, duplicate: 0.2, reorder: 0.2, corrupt: 0.1 };
    expect(through({ seed: 5, ...options })).toEqual(through({ seed: 5, ...options }));
    expect(through({ seed: 5, ...options })).not.toEqual(through({ seed: 6, ...options }));
  });

  it('loses about as many as it says', () => {
    const got = through({ seed: 2, loss: 0.25 });
    expect(got.length).toBeGreaterThan(260);
    expect(got.length).toBeLessThan(340);
  });

  it('reorders and doubles without losing', () => {
    const got = through({ seed: 3, reorder: 0.3, duplicate: 0.1 });
    expect(new Set(got)).toEqual(new Set(sent));
    expect(got.length).toBeGreaterThan(sent.length);
    expect(got).not.toEqual([...got].sort((a, b) => Number(a.slice(6)) - Number(b.slice(6))));
  });

  it('alters one bit of a frame', () => {
    const got = through({ seed: 4, corrupt: 1 });
    expect(got).toHaveLength(sent.length);
    for (const [i, text] of got.entries()) expect(bitsApart(text, sent[i]!)).toBe(1);
  });

  function bitsApart(a: string, b: string): number {
    const [left, right] = [Buffer.from(a, 'latin1'), Buffer.from(b, 'latin1')];
    return left.reduce(
      (sum, octet, i) => sum + (octet ^ right[i]!).toString(2).replaceAll('0', '').length,
      0,
    );
  }
});
