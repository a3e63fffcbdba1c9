/** Two whole sites and the link between them, in memory: what goes in at one bridge comes out at the other. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Traffic } from '../../../src/frame/lane-counters.ts';
import { seededRandom } from '../../../src/ports/lossy-port.ts';
import { PROVIDERS } from '../macsec/kit.ts';
import { type Pair, type PairOptions, twoSites } from './kit.ts';

/** `count` frames of 18 to 1444 octets, each with its number in it. */
function numbered(count: number, seed: number): Buffer[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, (_, i) => {
    const frame = Buffer.alloc(18 + Math.floor(random() * 1427), i & 0xff);
    for (let at = 0; at < frame.length; at += 97) frame[at] = random() * 256;
    frame.writeUInt16BE(0x0800, 12);
    frame.writeUInt32BE(i, 14);
    return frame;
  });
}

function hexOf(frames: readonly Buffer[]): string[] {
  return frames.map((frame) => frame.toString('hex'));
}

const numberOf = (frame: Buffer): number => frame.readUInt32BE(14);

/** Every frame that came in left, or is in a drop counter. */
function expectNothingLostInSilence({ a, b }: Pair): void {
  for (const { traffic, drops } of [a.tx, a.rx, b.tx, b.rx]) {
    const dropped = drops.reduce((sum, value) => sum + value, 0);
    expect(traffic[Traffic.outFrames]! + dropped).toBe(traffic[Traffic.inFrames]!);
  }
}

const SETUPS: [string, PairOptions][] = [
  ['MACsec', {}],
  ['MACsec behind an IPv4 header', { ipv4: true }],
  ['MACsec, integrity only', { macsec: { encrypt: false } }],
  ['MACsec without SCI', { macsec: { sendSci: false } }],
  ['MACsec, ICV of 9 octets', { macsec: { icvLen: 9 } }],
  ['MACsec, AES-128 XPN', { macsec: { cipher: 'gcm-aes-xpn-128' } }],
  ['MACsec, GRE key and checksum', { gre: { key: 42, checksum: true }, ipv4: true }],
  ['plain GRETAP', { macsec: null }],
  ['plain GRETAP, GRE key and checksum', { macsec: null, gre: { key: 0xffffffff, checksum: true } }],
];

describe.each(PROVIDERS)('two sites and a good link, AEAD provider $name', (provider) => {
  it.each(SETUPS)('%s: all frames arrive, both ways, in order, unchanged', (_, options) => {
    const pair = twoSites({ provider, ...options });
    const there = numbered(700, 1);
    const back = numbered(500, 2);
    for (const frame of there) pair.hostA.send(frame);
    for (const frame of back) pair.hostB.send(frame);
    pair.settle();
    expect(hexOf(pair.hostB.received())).toEqual(hexOf(there));
    expect(hexOf(pair.hostA.received())).toEqual(hexOf(back));
    expect([pair.a.drops, pair.b.drops]).toEqual([{}, {}]);
    expectNothingLostInSilence(pair);
  });
});

describe('two sites and a bad link', () => {
  it('each frame arrives at most once and unchanged, and every other is counted', () => {
    const pair = twoSites({
      ipv4: true,
      link: { seed: 7, loss: 0.05, duplicate: 0.1, reorder: 0.1, corrupt: 0.02 },
    });
    const sent = numbered(5000, 3);
    for (const frame of sent) pair.hostA.send(frame);
    pair.settle();
    const got = pair.hostB.received();
    const numbers = got.map(numberOf);
    expect(new Set(numbers).size).toBe(numbers.length);
    for (const frame of got) expect(frame.equals(sent[numberOf(frame)]!)).toBe(true);
    // 5 % lost; 2 % altered, of which some only where nobody looks (outer addresses).
    expect(got.length).toBeGreaterThan(5000 * 0.91);
    expect(got.length).toBeLessThan(5000 * 0.97);
    expect(pair.b.drops.InPktsLate).toBeGreaterThan(300);
    expect(pair.b.drops.InPktsNotValid).toBeGreaterThan(30);
    expectNothingLostInSilence(pair);
  });

  it('doubling and disorder within the replay window lose nothing', () => {
    const pair = twoSites({ link: { seed: 8, duplicate: 0.3, reorder: 0.3 } });
    const sent = numbered(3000, 4);
    for (const frame of sent) pair.hostA.send(frame);
    pair.settle();
    const got = pair.hostB.received();
    expect(got.map(numberOf).sort((x, y) => x - y)).toEqual(sent.map((_, i) => i));
    expect(got.map(numberOf)).not.toEqual(sent.map((_, i) => i));
  });

  it('with a window of 0 what arrives is in order', () => {
    const pair = twoSites({ macsec: { replayWindow: 0 }, link: { seed: 9, reorder: 0.2, duplicate: 0.1 } });
    for (const frame of numbered(2000, 5)) pair.hostA.send(frame);
    pair.settle();
    const numbers = pair.hostB.received().map(numberOf);
    expect(numbers.length).toBeGreaterThan(1000);
    expect(numbers).toEqual([...numbers].sort((x, y) => x - y));
  });

  it('without the bitmap a duplicate inside the window arrives, as with Linux', () => {
    const pair = twoSites({ macsec: { replayBitmap: false }, link: { seed: 10, duplicate: 1 } });
    for (const frame of numbered(100, 6)) pair.hostA.send(frame);
    pair.settle();
    expect(pair.hostB.received()).toHaveLength(200);
  });

  it('links as bad as one likes: at most once, unchanged, nothing lost in silence', () => {
    const rate = fc.double({ min: 0, max: 0.5, noNaN: true });
    const link = fc.record({ seed: fc.nat(), loss: rate, duplicate: rate, reorder: rate, corrupt: rate });
    const macsec = fc.record({
      encrypt: fc.boolean(),
      sendSci: fc.boolean(),
      replayWindow: fc.constantFrom(0, 1, 32, 1000),
    });
    fc.assert(
      fc.property(link, macsec, fc.boolean(), fc.nat(), (bad, changes, checksum, seed) => {
        const pair = twoSites({ macsec: changes, gre: { key: null, checksum }, link: bad });
        const sent = numbered(200, seed);
        for (const frame of sent) pair.hostA.send(frame);
        pair.settle();
        const numbers = new Set<number>();
        for (const frame of pair.hostB.received()) {
          expect(frame.equals(sent[numberOf(frame)]!)).toBe(true);
          expect(numbers.has(numberOf(frame))).toBe(false);
          numbers.add(numberOf(frame));
        }
        expectNothingLostInSilence(pair);
      }),
      { numRuns: 30 },
    );
  });
});

describe('ports that are full halfway', () => {
  it.each([
    ['the wire', { wireCapacity: 10 }],
    ['the TAP', { tapCapacity: 7 }],
    ['both', { wireCapacity: 3, tapCapacity: 5 }],
  ])('%s: nothing is lost, and order is kept', (_, options) => {
    const pair = twoSites(options);
    const sent = numbered(600, 11);
    const got: Buffer[] = [];
    let next = 0;
    for (let round = 0; round < 2000 && got.length < sent.length; round++) {
      while (next < sent.length && pair.hostA.send(sent[next]!)) next++;
      pair.settle();
      got.push(...pair.hostB.received());
    }
    expect(hexOf(got)).toEqual(hexOf(sent));
    expect([pair.a.drops, pair.b.drops]).toEqual([{}, {}]);
    expectNothingLostInSilence(pair);
  });
});

describe('what is no tunnel traffic', () => {
  it('noise on the wire reaches no TAP, and every packet is counted', () => {
    const pair = twoSites({ ipv4: true });
    const random = seededRandom(12);
    for (let i = 0; i < 5000; i++) {
      const noise = Buffer.from(Array.from({ length: random() * 200 }, () => random() * 256));
      if (i % 3 === 0 && noise.length > 28) {
        noise[0] = 0x45;
        noise.writeUInt32BE(0x6558, 20);
        if (i % 2 === 0 && noise.length > 40) noise.writeUInt32BE(0x88e52c00, 36);
      }
      pair.wireB.push(noise);
    }
    pair.settle();
    expect(pair.hostB.received()).toEqual([]);
    expect(pair.b.rx.drops.reduce((sum, value) => sum + value, 0)).toBe(5000);
    expect(Object.keys(pair.b.drops)).toEqual(
      expect.arrayContaining(['OuterHeader', 'GreShort', 'InPktsNoTag']),
    );
  });

  it('a site without MACsec never passes a frame of one with it off as clear, nor the other way', () => {
    const secured = twoSites();
    const clear = twoSites({ macsec: null });
    clear.hostA.send(numbered(1, 1)[0]!);
    clear.a.transmit.run();
    secured.wireB.push(clear.wireB.shift()!);
    secured.settle();
    expect(secured.hostB.received()).toEqual([]);
    expect(secured.b.drops).toEqual({ InPktsNoTag: 1 });
  });
});
