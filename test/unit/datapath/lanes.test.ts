/** The lanes' own part: headers on and off, drops under their names, and what they wait for. */
import { describe, expect, it } from 'vitest';
import { createBatch, HEADROOM, resetBatch, TAILROOM } from '../../../src/frame/batch.ts';
import { Traffic } from '../../../src/frame/lane-counters.ts';
import { MemoryPort, memoryPortPair } from '../../../src/ports/memory-port.ts';
import { frameOf, hex, macsecConfig, rxScOf, saOf } from '../macsec/kit.ts';
import { drain, End, runOut, SCI_A, SCI_B, twoSites } from '../site/kit.ts';

const ARP = hex(`ff ff ff ff ff ff  02 00 00 00 aa 02  08 06  00 01 08 00 06 04 00 01
  02 00 00 00 aa 02  0a 00 00 01  00 00 00 00 00 00  0a 00 00 02`);

/** What a's transmit lane puts on the wire for `frames`. */
function transmitted(frames: readonly Buffer[], options: Parameters<typeof twoSites>[0] = {}): Buffer[] {
  const pair = twoSites(options);
  for (const frame of frames) pair.hostA.send(frame);
  runOut(pair.a, pair.a.transmit);
  return drain(pair.wireB);
}

/** What b's receive lane makes of `packets`. */
function received(packets: readonly Buffer[], options: Parameters<typeof twoSites>[0] = {}) {
  const pair = twoSites(options);
  for (const packet of packets) pair.wireB.push(packet);
  runOut(pair.b, pair.b.receive);
  return { frames: pair.hostB.received(), drops: pair.b.drops };
}

describe('the transmit lane (Linux macsec over gretap)', () => {
  it('sends the reference frame as a kernel pair does', () => {
    const [packet] = transmitted([ARP], { ipv4: true });
    expect(packet!.length).toBe(20 + 4 + 42 + 32);
    expect(packet!.toString('hex', 0, 20)).toBe(
      '450000620001400040 2f0000 01010101 02020202'.replace(/ /g, ''),
    );
    expect(packet!.toString('hex', 20, 52)).toBe(
      hex(
        '00 00 65 58  ff ff ff ff ff ff  02 00 00 00 aa 02  88 e5 2c 1e  00 00 00 01  00 00 00 11 11 11 00 01',
      ).toString('hex'),
    );
  });

  it('sends a plain GRETAP frame with nothing but GRE before it', () => {
    expect(transmitted([ARP], { macsec: null })).toEqual([Buffer.concat([hex('00 00 65 58'), ARP])]);
  });

  it.each([0, 1, 13])('drops a frame of %i octets, which is none', (len) => {
    const pair = twoSites();
    pair.hostA.send(frameOf(60).subarray(0, len));
    pair.hostA.send(frameOf(60));
    pair.settle();
    expect(pair.hostB.received()).toEqual([frameOf(60)]);
    expect(pair.a.drops).toEqual({ TapRunt: 1 });
  });

  it.each([
    ['MACsec', {}, 1444],
    ['plain GRETAP', { macsec: null }, 1476],
  ] as const)('%s: drops, counts and never cuts what does not fit', (_, options, longest) => {
    const pair = twoSites(options);
    for (const len of [longest, longest + 1, 1990, longest]) pair.hostA.send(frameOf(len));
    pair.settle();
    expect(pair.hostB.received()).toEqual([frameOf(longest), frameOf(longest)]);
    expect(pair.a.drops).toEqual({ OutPktsTooLong: 2 });
  });

  it('takes no more from the TAP than it has packet numbers for, and goes on after a grant', () => {
    const [, tap] = memoryPortPair();
    const [wire, far] = memoryPortPair();
    const macsec = macsecConfig({ txSa: [saOf({ pn: 2n ** 32n - 5n })] });
    const end = new End({ macsec, sci: SCI_A, wire, tap, pns: 2 });
    for (let i = 0; i < 4; i++) tap.push(frameOf(60));
    runOut(end, end.transmit);
    expect([far.waiting, tap.waiting, end.transmit.waitFd]).toEqual([2, 2, -1]);
    expect(end.drops).toEqual({});
  });

  it('empties the TAP into a counter when every packet number is used', () => {
    const [, tap] = memoryPortPair();
    const [wire, far] = memoryPortPair();
    const macsec = macsecConfig({ txSa: [saOf({ pn: 2n ** 32n - 2n })] });
    const end = new End({ macsec, sci: SCI_A, wire, tap });
    for (let i = 0; i < 6; i++) tap.push(frameOf(60));
    runOut(end, end.transmit);
    expect([far.waiting, tap.waiting]).toEqual([2, 0]);
    expect(end.drops).toEqual({ PnExhausted: 4 });
  });

  it('counts what came in at the TAP and what left on the wire', () => {
    const pair = twoSites();
    for (const len of [60, 13, 100]) pair.hostA.send(frameOf(len));
    pair.settle();
    const { traffic } = pair.a.tx;
    expect([traffic[Traffic.inFrames], traffic[Traffic.inOctets], traffic[Traffic.outFrames]]).toEqual([
      3, 173, 2,
    ]);
    expect(traffic[Traffic.outOctets]).toBe(160 + 2 * 36);
    expect(Date.now() - traffic[Traffic.lastMs]!).toBeLessThan(60_000);
  });
});

describe('the receive lane', () => {
  const good = transmitted([ARP])[0]!;
  const clear = Buffer.concat([hex('00 00 65 58'), ARP]);
  const KEY_7 = { key: 7, checksum: false };
  const SUMMED = { key: null, checksum: true };

  it.each<[string, Buffer, Parameters<typeof twoSites>[0], Record<string, number>]>([
    ['nothing at all', Buffer.alloc(0), {}, { GreShort: 1 }],
    ['3 octets', hex('00 00 65'), {}, { GreShort: 1 }],
    ['GRE and nothing behind it', hex('00 00 65 58'), {}, { InnerRunt: 1 }],
    ['GRE and 13 octets', clear.subarray(0, 17), { macsec: null }, { InnerRunt: 1 }],
    ['GRE routing', Buffer.concat([hex('40 00 65 58'), ARP]), {}, { GreFlags: 1 }],
    ['GRE version 1', Buffer.concat([hex('00 01 65 58'), ARP]), {}, { GreFlags: 1 }],
    ['IPv4 in GRE', Buffer.concat([hex('00 00 08 00'), ARP]), {}, { GreProto: 1 }],
    ['a key that nobody asked for', Buffer.concat([hex('20 00 65 58 00 00 00 07'), ARP]), {}, { GreKey: 1 }],
    ['another key', Buffer.concat([hex('20 00 65 58 00 00 00 08'), ARP]), { gre: KEY_7 }, { GreKey: 1 }],
    ['no key', clear, { gre: KEY_7 }, { GreKey: 1 }],
    ['no checksum', clear, { gre: SUMMED }, { GreChecksum: 1 }],
    [
      'a wrong checksum',
      Buffer.concat([hex('80 00 65 58 12 34 00 00'), ARP]),
      { gre: SUMMED },
      { GreChecksum: 1 },
    ],
    ['no SecTAG', clear, {}, { InPktsNoTag: 1 }],
    ['a SecTAG cut after the EtherType', good.subarray(0, 18), {}, { SecTagRunt: 1 }],
    ['a SecTAG cut in its SCI', good.subarray(0, 30), {}, { SecTagRunt: 1 }],
    ['an ICV cut', good.subarray(0, good.length - 1), {}, { InPktsBadTag: 1 }],
    ['no IPv4 header where there must be one', good, { ipv4: true }, { OuterHeader: 1 }],
    [
      'an IPv4 header and no GRE',
      hex('45 00 00 14 00 00 00 00 40 2f 00 00 01 01 01 01 02 02 02 02'),
      { ipv4: true },
      { GreShort: 1 },
    ],
    [
      'more than the slot holds',
      Buffer.concat([clear, Buffer.alloc(4000)]),
      { macsec: null },
      { Oversized: 1 },
    ],
  ])('%s: dropped under its name', (_, packet, options, drops) => {
    expect(received([packet], options)).toEqual({ frames: [], drops });
  });

  it('skips a GRE sequence number, and IPv4 options', () => {
    const sequence = Buffer.concat([hex('10 00 65 58 00 00 00 09'), good.subarray(4)]);
    expect(received([sequence]).frames).toEqual([ARP]);
    const options = hex('46 00 00 00 00 00 00 00 40 2f 00 00 01 01 01 01 02 02 02 02 01 01 01 00');
    expect(received([Buffer.concat([options, good])], { ipv4: true }).frames).toEqual([ARP]);
  });

  it.each([
    ['a raw socket', false],
    ['a raw IPv4 socket', true],
  ])(
    'from %s takes a GRE checksum that was left to an offload where the SecY proves the frame, and counts it',
    (_, ipv4) => {
      const outer = ipv4
        ? hex('45 00 00 00 00 00 00 00 40 2f 00 00 01 01 01 01 02 02 02 02')
        : Buffer.alloc(0);
      const left = Buffer.concat([outer, hex('80 00 65 58 00 00 00 00'), good.subarray(4)]);
      const altered = Buffer.from(left);
      altered[altered.length - 1]! ^= 1;
      const pair = twoSites({ gre: SUMMED, ipv4 });
      for (const packet of [altered, left]) pair.wireB.push(packet);
      runOut(pair.b, pair.b.receive);
      expect(pair.hostB.received()).toEqual([ARP]);
      expect(pair.b.drops).toEqual({ InPktsNotValid: 1 });
      expect(pair.b.rx.traffic[Traffic.greChecksumsLeft]).toBe(2);
    },
  );

  it.each<[string, Parameters<typeof twoSites>[0]]>([
    ['in clear', { macsec: null }],
    ['with "validate": "check"', { macsec: { validate: 'check' } }],
  ])('takes none %s', (_, options) => {
    const left = Buffer.concat([
      hex('80 00 65 58 00 00 00 00'),
      options?.macsec === null ? ARP : good.subarray(4),
    ]);
    expect(received([left], { ...options, gre: SUMMED })).toEqual({ frames: [], drops: { GreChecksum: 1 } });
  });

  it('goes on after whatever was wrong', () => {
    const { frames, drops } = received([hex('00'), good, hex('00 00 65 58'), good]);
    expect(frames).toEqual([ARP]);
    expect(drops).toEqual({ GreShort: 1, InnerRunt: 1, InPktsLate: 1 });
  });
});

describe('what a lane waits for', () => {
  it('the near end for frames, the far end for room', () => {
    const [, tap] = memoryPortPair();
    const [wire, far] = memoryPortPair({ capacity: 1 });
    const end = new End({ macsec: macsecConfig({ rxSc: [rxScOf([saOf()], SCI_B)] }), sci: SCI_A, wire, tap });
    expect(end.transmit.run()).toBe(false);
    expect(end.transmit.waitEvents).toBe(1);
    tap.push(frameOf(60));
    tap.push(frameOf(61));
    expect(end.transmit.run()).toBe(false);
    expect(end.transmit.waitEvents).toBe(4);
    far.shift();
    end.transmit.run();
    expect([far.waiting, end.transmit.waitEvents]).toEqual([1, 1]);
  });

  it('reads nothing more while frames wait to be sent', () => {
    const [, tap] = memoryPortPair();
    const [wire] = memoryPortPair({ capacity: 1 });
    const end = new End({ macsec: macsecConfig(), sci: SCI_A, wire, tap });
    for (let i = 0; i < 300; i++) tap.push(frameOf(60));
    for (let i = 0; i < 10; i++) end.transmit.run();
    expect(tap.waiting).toBe(300 - 128);
  });
});

describe('a batch', () => {
  it('has room for headers and ICV around the longest frame in every slot', () => {
    for (const longest of [1, 60, 1476, 1518, 9018, 65_535]) {
      const batch = createBatch(longest, 4);
      resetBatch(batch);
      for (let i = 0; i < batch.capacity; i++) {
        expect(batch.at[i]! - i * batch.slotLen).toBe(HEADROOM);
        expect(batch.at[i]! + longest + TAILROOM).toBeLessThanOrEqual((i + 1) * batch.slotLen);
      }
      expect(batch.arena.length).toBe(4 * batch.slotLen);
    }
  });
});

describe('a port that is gone', () => {
  it('is closed with its lane', () => {
    const tap = new MemoryPort();
    const end = new End({ macsec: macsecConfig(), sci: SCI_A, wire: new MemoryPort(), tap });
    tap.push(frameOf(60));
    end.transmit.close();
    expect(tap.waiting).toBe(0);
  });
});
