/** The allocation budget of the hot path: nothing per frame with the AEAD provider `batch`. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import type { AeadProvider } from '../../../src/crypto/aead.ts';
import { FlowSpread } from '../../../src/datapath/flows.ts';
import type { Batch } from '../../../src/frame/batch.ts';
import { Traffic } from '../../../src/frame/lane-counters.ts';
import type { MacsecConfig } from '../../../src/macsec/config.ts';
import type { FramePort } from '../../../src/ports/frame-port.ts';
import { ipv4Template, parseIpv4 } from '../../../src/wire/ipv4.ts';
import { payloadAt } from '../../../src/wire/vlan.ts';
import { BATCH_PROVIDER, frameOf, macsecConfig, PROVIDERS, rxScOf, SCI, Site, saOf } from '../macsec/kit.ts';
import { End, type EndOptions, SCI_A } from '../site/kit.ts';
import {
  ACK,
  ethernetFrame,
  mssOptions,
  SYN,
  tcpOverIpv4,
  tcpOverIpv6,
  tcpSegment,
  VLAN,
} from './ip-frames.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Gives the same frames again and again, and takes everything; allocates nothing itself. */
class EndlessPort implements FramePort {
  readonly fd: number = -1;
  readonly #frames: readonly Uint8Array[];

  constructor(frames: readonly Uint8Array[]) {
    this.#frames = frames;
  }

  receive(batch: Batch, max: number): number {
    const count = Math.min(max, this.#frames.length);
    for (let i = 0; i < count; i++) {
      const frame = this.#frames[i]!;
      batch.arena.set(frame, batch.at[i]!);
      batch.len[i] = frame.length;
      batch.verdict[i] = 0;
    }
    batch.count = count;
    return count;
  }

  send(batch: Batch): number {
    return batch.count;
  }

  close(): void {}
}

/** Both halves are more than a small integer of V8 holds. */
const LARGE_SCI = 'fe00fffffffffff1';
const BATCHES = 10;
const CLEAR = Array.from({ length: 128 }, (_, i) => frameOf(60 + i * 10));
const tcp = (flags: number): Buffer[] =>
  Array.from({ length: 128 }, (_, i) => {
    const segment = tcpSegment(flags, mssOptions(1460));
    const tags = i % 2 === 0 ? VLAN : '';
    return i % 4 < 2
      ? ethernetFrame('0800', tcpOverIpv4(segment), { tags })
      : ethernetFrame('86dd', tcpOverIpv6(segment), { tags });
  });
const SYNS = tcp(SYN);
const SEGMENTS = tcp(ACK);

/** An outer header that the path has marked: ECT(1) becomes CE. */
const MARKED = ipv4Template(parseIpv4('2.2.2.2'), parseIpv4('1.1.1.1'), 64, 3, true);
const ECN_CAPABLE = SEGMENTS.map((frame) => {
  const at = payloadAt(frame, 0, frame.length);
  frame[at + 1]! |= frame[at]! >> 4 === 4 ? 1 : 0x10;
  return frame;
});

/** A site whose ports never end; replayed frames pass by default, since replay protection is off. */
function endlessSite(
  provider: AeadProvider,
  macsec: MacsecConfig = macsecConfig({ replayProtect: false }),
  sci: string = SCI_A,
  peerSci: string = SCI,
  clear: readonly Buffer[] = CLEAR,
  more: Partial<EndOptions> = {},
): End {
  const secured = new Site(macsecConfig(), { sci: peerSci }).protect(clear).alive;
  const outer = more.ipv4 ? MARKED : Buffer.alloc(0);
  const packets = secured.map((frame) => Buffer.concat([outer, Buffer.from('00006558', 'hex'), frame]));
  return new End({
    macsec,
    sci,
    provider,
    tap: new EndlessPort(clear),
    wire: new EndlessPort(packets),
    pns: 2 ** 31,
    ...more,
  });
}

/** Octets of heap that a frame costs in `run`: the median of many short measurements, none of which a GC spoils. */
function heapPerFrame(run: () => void): number {
  for (let i = 0; i < 600; i++) run();
  const samples = Array.from({ length: 15 }, () => {
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < BATCHES; i++) run();
    return (process.memoryUsage().heapUsed - before) / (BATCHES * CLEAR.length);
  });
  return samples.sort((a, b) => a - b)[7]!;
}

describe('the allocation budget of a batch', () => {
  it.each(['transmit', 'receive'] as const)('%s allocates nothing per frame with "batch"', (direction) => {
    const end = endlessSite(BATCH_PROVIDER);
    const lane = end[direction];
    // The measurement itself, and a block of packet numbers every second batch, are all there is.
    expect(heapPerFrame(() => lane.run())).toBeLessThan(8);
    const { traffic } = direction === 'transmit' ? end.tx : end.rx;
    expect(traffic[Traffic.outFrames]).toBe(traffic[Traffic.inFrames]);
    expect(end.drops).toEqual({});
  });

  it.each([
    ['transmit', SYNS],
    ['receive', SYNS],
    ['transmit', SEGMENTS],
    ['receive', SEGMENTS],
  ] as const)('%s allocates nothing per frame of TCP', (direction, clear) => {
    const end = endlessSite(BATCH_PROVIDER, macsecConfig({ replayProtect: false }), SCI_A, SCI, clear);
    expect(heapPerFrame(() => end[direction].run())).toBeLessThan(8);
    expect(end.drops).toEqual({});
  });

  it.each(['transmit', 'receive'] as const)(
    '%s allocates nothing per frame whose class is inherited and whose flow is spread',
    (direction) => {
      const flows = new FlowSpread({
        fds: Array.from({ length: 16 }, (_, i) => i),
        ports: [],
        seed: 0xfeed_f00d,
      });
      const more = { ipv4: true, inheritsTos: true, flows };
      const macsec = macsecConfig({ replayProtect: false });
      const end = endlessSite(BATCH_PROVIDER, macsec, SCI_A, SCI, ECN_CAPABLE, more);
      expect(heapPerFrame(() => end[direction].run())).toBeLessThan(8);
      expect(end.drops).toEqual({});
    },
  );

  it.each<[string, Partial<MacsecConfig>]>([
    ['InPktsLate', { rxSc: [rxScOf([saOf({ pn: 1_000_000n })], LARGE_SCI)] }],
    ['InPktsNoSCI', { rxSc: [rxScOf([saOf()], '00000033333300ff')] }],
    ['InPktsNotUsingSA', { rxSc: [rxScOf([saOf({ an: 3 })], LARGE_SCI)] }],
  ])('holds for frames that are dropped as %s, whose words are noted', (reason, changes) => {
    const end = endlessSite(BATCH_PROVIDER, macsecConfig(changes), '0000004444440001', LARGE_SCI);
    expect(heapPerFrame(() => end.receive.run())).toBeLessThan(8);
    expect(end.drops).toEqual({ [reason]: end.rx.traffic[Traffic.inFrames]! });
  });

  it('is a measurement that would notice: "node" makes cipher objects', () => {
    const node = PROVIDERS.find(({ name }) => name === 'node')!;
    const lane = endlessSite(node).transmit;
    let runs = 0;
    // Slow: a shorter warm-up does, since what is looked for is large.
    expect(heapPerFrame(() => (runs++ < 550 ? undefined : lane.run()))).toBeGreaterThan(100);
  });
});
