/**
 * The receive lane over batches of packets that were authentic before they were altered, in every mode it has.
 * An input is a recipe, so that a change of it is a change of the structure:
 *
 *     | mode 4 | record: kind 1, arg 1, edits 1, { at 2, xor 1 } … | record | …
 *
 * The promises: the lane never throws; it writes nothing outside a packet's octets, nor lets octets outside
 * decide; both AEAD providers come to the same end; every packet is delivered or dropped for a reason of this
 * direction; and in strict mode only authentic frames are delivered, unaltered, each packet number once.
 */

import { createSecretKey } from 'node:crypto';
import type { AeadProvider } from '../../../src/crypto/aead.ts';
import { batchProvider } from '../../../src/crypto/batch-provider.ts';
import { nodeProvider } from '../../../src/crypto/node-provider.ts';
import { LaneMtu } from '../../../src/datapath/lane-mtu.ts';
import { ReceiveLane } from '../../../src/datapath/receive.ts';
import { createGretap } from '../../../src/encap/gretap.ts';
import { type Batch, type BatchLayout, slots } from '../../../src/frame/batch.ts';
import { DROP_TEXTS, Drop } from '../../../src/frame/drop.ts';
import { laneCounters, laneCountersBytes, Traffic } from '../../../src/frame/lane-counters.ts';
import { defaultMacsec, defaultSa, type MacsecConfig } from '../../../src/macsec/config.ts';
import { createSecy, keySlots } from '../../../src/macsec/configure.ts';
import { secyCountersLen } from '../../../src/macsec/counters.ts';
import { loadAddon } from '../../../src/native/load.ts';
import type { FramePort } from '../../../src/ports/frame-port.ts';
import { writeGre } from '../../../src/wire/gre.ts';
import type { Random } from '../random.ts';
import { demand, type FuzzTarget } from '../target.ts';
import { sealFrame } from './sealed-frame.ts';

const SCI = Buffer.from('0000002222220001', 'hex');
const OTHER_SCI = Buffer.from('0000003333330001', 'hex');
const CIPHERS: readonly MacsecConfig['cipher'][] = [
  'gcm-aes-128',
  'gcm-aes-256',
  'gcm-aes-xpn-128',
  'gcm-aes-xpn-256',
];
const INNER_LENS = [0, 12, 13, 14, 15, 42, 59, 60, 61, 62, 63, 100, 300, 700] as const;
const MAX_PACKET_LEN = 800;
const MAX_RECORDS = 16;
const MODE_LEN = 4;
const PN_START = 1000n;

/** What the first octets choose. */
interface Mode {
  readonly macsec: MacsecConfig | null;
  readonly outerIpv4: boolean;
  readonly gre: { readonly key: number | null; readonly checksum: boolean };
  readonly key: Buffer;
  readonly salt: Buffer;
}

function modeOf(input: Buffer): Mode {
  const [a, b, c, d] = [input[0] ?? 0, input[1] ?? 0, input[2] ?? 0, input[3] ?? 0];
  const cipher = CIPHERS[a & 3]!;
  const key = Buffer.alloc(cipher.endsWith('256') ? 32 : 16, 0x22);
  const salt = Buffer.alloc(12, 7);
  const xpn = cipher.includes('xpn') ? { ssci: 1, salt } : { ssci: null, salt: null };
  const sa = { ...defaultSa, an: d & 3, pn: PN_START, keyId: '02', sak: createSecretKey(key), ...xpn };
  const macsec: MacsecConfig = {
    ...defaultMacsec,
    cipher,
    validate: (['strict', 'check', 'disabled', 'strict'] as const)[(a >> 2) & 3]!,
    icvLen: 16 - ((b & 0x0f) % 9),
    replayProtect: (b & 0x10) === 0,
    replayWindow: [0, 1, 32, 1000][(b >> 5) & 3]!,
    replayBitmap: (b & 0x80) === 0,
    txSa: [],
    rxSc: [{ sci: SCI.toString('hex'), active: true, sa: [sa] }],
  };
  const gre = { key: (c & 1) !== 0 ? 7 : null, checksum: (c & 2) !== 0 };
  return { macsec: (a & 0xf0) === 0xf0 ? null : macsec, outerIpv4: (c & 4) !== 0, gre, key, salt };
}

/** One packet; `inner`: what it carries when it is authentic as it was made, else null. */
interface Crafted {
  readonly packet: Buffer;
  readonly inner: Buffer | null;
}

/** kind: what is sealed, and how; `arg`: which length, packet number, TCI. Edits come after the ICV was made. */
function craft(mode: Mode, kind: number, arg: number, n: number): Crafted {
  const inner = Buffer.from(
    Array.from({ length: INNER_LENS[arg % INNER_LENS.length]! }, (_, i) => (i * 31 + n) & 0xff),
  );
  Buffer.from('02000000aa010000002222220800', 'hex').copy(inner);
  const { macsec } = mode;
  const isSealed = macsec !== null && (kind & 7) !== 7 && inner.length >= 12;
  const frame = isSealed ? sealFrame(inner, sealingOf(mode, macsec, inner.length, kind, arg, n)) : inner;
  const packet = wrap(mode, frame);
  if (macsec === null) return { packet, inner };
  return { packet, inner: isSealed && (kind & 7) !== 6 ? inner : null };
}

function sealingOf(mode: Mode, macsec: MacsecConfig, innerLen: number, kind: number, arg: number, n: number) {
  const an = macsec.rxSc[0]!.sa[0]!.an;
  // Well formed; integrity only; without SCI, then as end station; C alone; then whatever the octet says.
  const tci = [0x2c, 0x20, 0x0c, 0x4c, 0x24, arg, 0x2c, 0x2c][kind & 7]!;
  const dataLen = innerLen - 12;
  const sl = (kind & 0x08) !== 0 ? arg : dataLen < 48 ? dataLen : 0;
  const step = (kind & 0x10) !== 0 ? BigInt(arg) - 128n : BigInt(n);
  const isXpn = macsec.cipher.includes('xpn');
  const pn = BigInt.asUintN(isXpn ? 64 : 32, BigInt(PN_START) + step);
  return {
    key: (kind & 7) === 6 ? Buffer.alloc(mode.key.length, 0x33) : mode.key,
    tci: (kind & 7) === 5 ? tci : tci | an,
    sl,
    pn,
    sci: (kind & 0x20) !== 0 ? OTHER_SCI : SCI,
    icvLen: macsec.icvLen,
    xpn: isXpn ? { ssci: 1, salt: mode.salt } : null,
  };
}

function wrap({ gre, outerIpv4 }: Mode, frame: Buffer): Buffer {
  const ip = outerIpv4 ? Buffer.from('4500000000000000402f00000202020201010101', 'hex') : Buffer.alloc(0);
  const greLen = 4 + (gre.checksum ? 4 : 0) + (gre.key === null ? 0 : 4);
  const packet = Buffer.concat([ip, Buffer.alloc(greLen), frame]);
  writeGre(packet, ip.length, packet.length, gre);
  return packet;
}

interface Recipe {
  readonly mode: Mode;
  readonly packets: Buffer[];
  /** Hex of every inner frame that a packet was sealed over. */
  readonly authentic: ReadonlySet<string>;
}

function recipeOf(input: Buffer): Recipe {
  const mode = modeOf(input);
  const packets: Buffer[] = [];
  const authentic = new Set<string>();
  let at = MODE_LEN;
  while (at + 3 <= input.length && packets.length < MAX_RECORDS) {
    const [kind, arg, edits] = [input[at]!, input[at + 1]!, input[at + 2]!];
    at += 3;
    const again = (kind & 0xc0) === 0xc0 ? packets[arg % Math.max(packets.length, 1)] : undefined;
    const made =
      again === undefined
        ? craft(mode, kind, arg, packets.length)
        : { packet: Buffer.from(again), inner: null };
    if (made.inner !== null) authentic.add(made.inner.toString('hex'));
    let { packet } = made;
    for (let left = edits & 7; left > 0 && at + 3 <= input.length; left--, at += 3) {
      const place = input.readUInt16BE(at);
      const xor = input[at + 2]!;
      if (place >= 0xff00) packet = packet.subarray(0, Math.max(0, packet.length - (place & 0xff)));
      else if (place >= 0xfe00) packet = Buffer.concat([packet, Buffer.alloc(place & 0xff, xor)]);
      else if (packet.length > 0) packet[place % packet.length]! ^= xor;
    }
    packets.push(packet);
  }
  return { mode, packets, authentic };
}

/** A wire that gives `packets` once, into an arena of `fill`, and can say whether anything else was written to. */
class Wire implements FramePort {
  readonly fd = -1;
  readonly receiveLayout: BatchLayout = slots(MAX_PACKET_LEN, MAX_RECORDS);
  readonly #packets: readonly Buffer[];
  readonly #fill: number;
  #extents: { at: number; len: number }[] = [];
  #batch: Batch | null = null;

  constructor(packets: readonly Buffer[], fill: number) {
    this.#packets = packets;
    this.#fill = fill;
  }

  receive(batch: Batch): number {
    if (this.#batch !== null) return 0;
    this.#batch = batch;
    batch.arena.fill(this.#fill);
    const { room } = batch;
    this.#extents = this.#packets.map((packet, i) => {
      const at = batch.at[i]!;
      const len = packet.copy(batch.arena, at, 0, room);
      batch.len[i] = packet.length;
      batch.verdict[i] = packet.length > room ? Drop.Oversized : Drop.None;
      return { at, len };
    });
    batch.count = this.#packets.length;
    return batch.count;
  }

  send(batch: Batch): number {
    return batch.count;
  }

  close(): void {}

  /** Nothing but the packets' own octets was touched. */
  checkCanaries(): void {
    const { arena } = this.#batch!;
    const untouched = Buffer.alloc(arena.length, this.#fill);
    let at = 0;
    for (const { at: start, len } of [...this.#extents, { at: arena.length, len: 0 }]) {
      demand(arena.compare(untouched, at, start, at, start) === 0, 'octets around a packet were written to');
      at = start + len;
    }
  }

  /** Frame `i` lies within the octets that came. */
  checkInside(batch: Batch, i: number): void {
    const extent = this.#extents[i]!;
    const [from, end] = [batch.at[i]!, batch.at[i]! + batch.len[i]!];
    demand(
      from >= extent.at && end <= extent.at + extent.len,
      `frame ${i} is delivered from outside its packet`,
    );
  }
}

class Tap implements FramePort {
  readonly fd = -1;
  readonly frames: string[] = [];
  readonly #wire: Wire;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  receive(): number {
    return 0;
  }

  send(batch: Batch, from: number): number {
    for (let i = from; i < batch.count; i++) {
      if (batch.verdict[i] !== Drop.None) continue;
      this.#wire.checkInside(batch, i);
      demand(batch.len[i]! >= 14, 'a frame shorter than an Ethernet header is delivered');
      this.frames.push(batch.arena.toString('hex', batch.at[i]!, batch.at[i]! + batch.len[i]!));
    }
    return batch.count;
  }

  close(): void {}
}

interface Outcome {
  readonly frames: readonly string[];
  readonly drops: readonly number[];
  readonly secy: readonly number[];
}

function receive({ mode, packets }: Recipe, provider: AeadProvider, fill: number): Outcome {
  const { macsec, gre, outerIpv4 } = mode;
  const counters = laneCounters(new SharedArrayBuffer(laneCountersBytes(secyCountersLen(1))));
  const wire = new Wire(packets, fill);
  const tap = new Tap(wire);
  const ring = provider.openKeyring(8);
  const spec = macsec && {
    config: macsec,
    sci: '0000001111110001',
    txShare: [],
    rxShare: [[{ pn: null, nextPn: PN_START }]],
  };
  demand(macsec === null || keySlots(macsec) === 8, 'the keyring has room');
  const secy = spec && createSecy(spec, ring, counters.secy);
  const lane = new ReceiveLane({
    ...{ wire, tap, secy, counters },
    encap: createGretap({ family: outerIpv4 ? 4 : 6, gre, header: null }),
    mtu: new LaneMtu(secy, 1462),
    mssClamp: 'auto',
    maxPacketLen: MAX_PACKET_LEN,
  });
  lane.run();
  wire.checkCanaries();
  ring.close();
  const drops = [...counters.drops];
  const dropped = drops.reduce((sum, count) => sum + count, 0);
  demand(drops[Drop.None] === 0, 'a frame is dropped for no reason');
  const isForeign = drops.some((count, reason) => count !== 0 && DROP_TEXTS[reason]?.direction !== 'rx');
  demand(!isForeign, 'a drop has a reason of the other direction, or none');
  demand(counters.traffic[Traffic.inFrames] === packets.length, 'a packet that came is not counted');
  demand(counters.traffic[Traffic.outFrames] === tap.frames.length, 'a frame delivered is not counted');
  demand(dropped + tap.frames.length === packets.length, 'packets in are not frames out and drops together');
  return { frames: tap.frames, drops, secy: [...counters.secy] };
}

function same(a: Outcome, b: Outcome, what: string): void {
  const [left, right] = [JSON.stringify(a), JSON.stringify(b)];
  demand(left === right, `${what}: ${left} and ${right}`);
}

const batch = batchProvider(loadAddon()) ?? nodeProvider;

/** mode, then records of (kind, arg, edits …). */
const seed = (mode: number[], ...records: number[][]): Buffer => Buffer.from([...mode, ...records.flat()]);
const GOOD = [0, 10, 0];

function seeds(): Buffer[] {
  const all: Buffer[] = [];
  for (let cipher = 0; cipher < 4; cipher++) {
    for (const validate of [0, 4, 8])
      all.push(seed([cipher | validate, 0x40, 4, 0], GOOD, [1, 6, 0], [2, 9, 0], GOOD));
  }
  for (const gre of [0, 1, 2, 3]) all.push(seed([0, 0x40, gre, 1], GOOD, [0xc0, 0, 0], [4, 5, 0]));
  all.push(seed([0xf0, 0, 0, 0], GOOD, [0, 2, 0]));
  all.push(seed([0, 0x45, 4, 2], [0, 8, 1, 0, 40, 1], [0x10, 128, 0], [0x20, 10, 0], [6, 10, 0], [7, 10, 0]));
  return all;
}

/** A change of one octet of the recipe, one more record, or one more edit. */
function mutate(input: Buffer, other: Buffer, random: Random): Buffer {
  const at = MODE_LEN + 3 * random.below(Math.max(1, (input.length - MODE_LEN) / 3));
  switch (random.below(5)) {
    case 0: {
      const record = [random.below(256), random.below(256), 0];
      return Buffer.concat([input.subarray(0, at), Buffer.from(record), input.subarray(at)]);
    }
    case 1: {
      const edited = seed([...input.subarray(0, at)], [random.below(64), random.below(256), 1]);
      return Buffer.concat([
        edited,
        Buffer.from([random.pick([0, 0, 0, 0xfe, 0xff]), random.below(80), 1 << random.below(8)]),
        input.subarray(at),
      ]);
    }
    case 2: {
      const changed = Buffer.from(input);
      changed[random.below(Math.min(MODE_LEN, changed.length))] = random.below(256);
      return changed;
    }
    case 3:
      return Buffer.concat([input.subarray(0, at), other.subarray(MODE_LEN)]);
    default: {
      const changed = Buffer.from(input);
      if (changed.length > MODE_LEN)
        changed[MODE_LEN + random.below(changed.length - MODE_LEN)] = random.below(256);
      return changed;
    }
  }
}

export const receiveLane: FuzzTarget = {
  name: 'receive',
  maxLen: 300,
  seeds,
  mutate,
  run(input) {
    const recipe = recipeOf(input);
    const reference = receive(recipe, nodeProvider, 0xa5);
    same(reference, receive(recipe, nodeProvider, 0x00), 'octets outside the packets decide');
    same(reference, receive(recipe, batch, 0xa5), 'the AEAD providers disagree');
    const { macsec } = recipe.mode;
    if (macsec === null || macsec.validate !== 'strict') return;
    for (const frame of reference.frames) demand(recipe.authentic.has(frame), `nobody sent ${frame}`);
    if (!macsec.replayProtect || !macsec.replayBitmap) return;
    demand(
      new Set(reference.frames).size === reference.frames.length || !hasNumbers(recipe),
      'a frame is delivered twice',
    );
  },
};

/** Every frame of at least 15 octets holds its number in the recipe, so two deliveries of one are a replay. */
function hasNumbers({ authentic }: Recipe): boolean {
  return [...authentic].every((frame) => frame.length >= 30);
}
