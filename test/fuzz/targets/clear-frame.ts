/**
 * What is done to a clear frame of a LAN, which may be anything: the MSS clamp, the answer to what does not fit, fragments.
 * Octets around the frame neither decide nor change; what was a right TCP checksum is one after; fragments fit, and together
 * have the data of the packet.
 */
import { FragmentingPort } from '../../../src/datapath/fragmenting-port.ts';
import { LaneMtu } from '../../../src/datapath/lane-mtu.ts';
import { clampMss } from '../../../src/datapath/mss-clamp.ts';
import { LONGEST_ANSWER, TooBigAnswer } from '../../../src/datapath/too-big.ts';
import { Workspaces } from '../../../src/datapath/workspace.ts';
import { type Batch, createBatch, resetBatch, slots } from '../../../src/frame/batch.ts';
import type { FramePort } from '../../../src/ports/frame-port.ts';
import { checksum } from '../../../src/wire/checksum.ts';
import { demand, type FuzzTarget } from '../target.ts';

const MTU = 1430;
const MAX_LEN = 1600;
/** That inputs of a few hundred octets do not fit. */
const SMALL_MTU = 100;
const BATCH = 3;
const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ''), 'hex');

/** A batch with `frame` alone, among octets of `fill`. */
function batchOf(frame: Buffer, fill: number): Batch {
  const batch = createBatch(MAX_LEN, 1);
  resetBatch(batch);
  batch.arena.fill(fill);
  batch.arena.set(frame, batch.at[0]!);
  batch.len[0] = frame.length;
  batch.verdict[0] = 0;
  batch.count = 1;
  return batch;
}

function clamped(frame: Buffer, fill: number): Buffer {
  const batch = batchOf(frame, fill);
  clampMss(batch, 'auto', MTU);
  const [at, len] = [batch.at[0]!, batch.len[0]!];
  demand(len === frame.length, 'the clamp changed the length of a frame');
  const around = [batch.arena.subarray(0, at), batch.arena.subarray(at + len)];
  demand(
    around.every((part) => part.every((octet) => octet === fill)),
    'the clamp wrote beside the frame',
  );
  return Buffer.from(batch.arena.subarray(at, at + len));
}

/** The answer to a tunnel that carries nearly nothing; null: there is none. */
function answered(frame: Buffer, fill: number): Buffer | null {
  const reply = createBatch(LONGEST_ANSWER, 1);
  resetBatch(reply);
  const made = new TooBigAnswer(new LaneMtu(null, SMALL_MTU), () => 0).answer(batchOf(frame, fill), 0, reply);
  demand(made === (reply.count === 1), 'an answer that is not counted, or none that is');
  if (!made) return null;
  const [at, len] = [reply.at[0]!, reply.len[0]!];
  demand(len <= LONGEST_ANSWER && len >= 14 + 28, `an answer of ${len} octets`);
  return Buffer.from(reply.arena.subarray(at, at + len));
}

/** Gives one frame, once. */
class OnePort implements FramePort {
  readonly fd: number = -1;
  readonly #fill: number;
  #frame: Buffer | null;

  constructor(frame: Buffer, fill: number) {
    this.#frame = frame;
    this.#fill = fill;
  }

  receive(batch: Batch): number {
    if (this.#frame === null) return 0;
    batch.arena.fill(this.#fill);
    batch.arena.set(this.#frame, batch.at[0]!);
    batch.len[0] = this.#frame.length;
    batch.verdict[0] = 0;
    batch.count = 1;
    this.#frame = null;
    return 1;
  }

  send(batch: Batch): number {
    return batch.count;
  }

  close(): void {}
}

/** What comes of `frame` before a tunnel that carries nearly nothing. */
function fragmented(frame: Buffer, fill: number): Buffer[] {
  const shelf = new Workspaces().shelf(slots(MAX_LEN, BATCH));
  const port = new FragmentingPort(new OnePort(frame, fill), new LaneMtu(null, SMALL_MTU), shelf);
  const batch = createBatch(MAX_LEN, BATCH);
  const frames: Buffer[] = [];
  for (let count = BATCH; count === BATCH; ) {
    resetBatch(batch);
    count = port.receive(batch, BATCH);
    for (let i = 0; i < count; i++) {
      frames.push(Buffer.from(batch.arena.subarray(batch.at[i]!, batch.at[i]! + batch.len[i]!)));
    }
  }
  return frames;
}

function checkFragments(frame: Buffer, fragments: readonly Buffer[]): void {
  if (fragments.length === 1 && fragments[0]!.equals(frame)) return;
  const ipAt = ipAtOf(frame);
  const headerLen = (frame[ipAt]! & 0x0f) * 4;
  const base = frame.readUInt16BE(ipAt + 6) & 0x1fff;
  const data = frame.subarray(ipAt + headerLen, ipAt + frame.readUInt16BE(ipAt + 2));
  const parts = fragments.map((fragment) => {
    demand(fragment.length - 14 <= SMALL_MTU, 'a fragment does not fit');
    demand(checksum(fragment, ipAt, ipAt + headerLen) === 0, 'the header checksum of a fragment is wrong');
    demand(((fragment.readUInt16BE(ipAt + 6) & 0x1fff) - base) * 8 >= 0, 'a fragment lies before the packet');
    return fragment.subarray(ipAt + headerLen);
  });
  demand(Buffer.concat(parts).equals(data), 'fragments have other data than the packet');
}

/** Where the packet begins behind two VLAN tags at most. */
function ipAtOf(frame: Buffer): number {
  let at = 14;
  for (let tags = 0; tags < 2 && [0x8100, 0x88a8].includes(frame.readUInt16BE(at - 2)); tags++) at += 4;
  return at;
}

/** The ones' complement sum of the words of `octets`. */
function onesSum(octets: Buffer): number {
  let sum = 0;
  for (let i = 0; i < octets.length; i += 2) sum += (octets[i]! << 8) | (octets[i + 1] ?? 0);
  return sum % 0xffff;
}

export const clearFrame: FuzzTarget = {
  name: 'clear-frame',
  maxLen: 400,
  seeds: () => [
    hex(
      '02000000000b 02000000000a 0800 4500002c00074000400600 00c0a80101c0a80102 a001001601020304000000006002fff000000000 020405b4',
    ),
    hex(
      '02000000000b 02000000000a 8100 0064 0800 4500003000074000400600 00c0a80101c0a80102 a001001601020304000000007012fff000000000 01020405b4010402',
    ),
    hex(
      `02000000000b 02000000000a 86dd 60000000 0018 06 40 ${'fd00'.repeat(16)} a001001601020304000000006002fff000000000 020405b4`,
    ),
    hex(
      `02000000000b 02000000000a 88a8 0001 8100 0064 86dd 60000000 0028 00 40 ${'fd00'.repeat(16)} 3c00050200000100 0600010400000000 a001001601020304000000006002fff000000000 020405b4`,
    ),
    // A ping with DF, data without, and a fragment in a VLAN, each longer than SMALL_MTU.
    hex(
      `02000000000b 02000000000a 0800 45000094 0007 4000 40 01 b70e c0a80101 c0a80102 0800 0000 ${'5a'.repeat(124)}`,
    ),
    hex(`02000000000b 02000000000a 0800 45000094 0007 0000 40 11 f6fe c0a80101 c0a80102 ${'5a'.repeat(128)}`),
    hex(
      `02000000000b 02000000000a 8100 0064 0800 45000094 0007 2001 40 11 d6fd c0a80101 c0a80102 ${'5a'.repeat(128)}`,
    ),
    hex(
      `02000000000b 02000000000a 86dd 60000000 0080 3a 40 ${'fd00'.repeat(16)} 8000 0000 ${'5a'.repeat(124)}`,
    ),
  ],
  run(input) {
    if (input.length < 14) return;
    const frame = Buffer.from(input.subarray(0, MAX_LEN));
    const answers = [answered(frame, 0x00), answered(frame, 0xa5)] as const;
    demand(
      answers[0]?.equals(answers[1] ?? Buffer.alloc(0)) ?? answers[1] === null,
      'octets outside decide an answer',
    );
    const fragments = fragmented(frame, 0x00);
    demand(
      Buffer.concat(fragments).equals(Buffer.concat(fragmented(frame, 0xa5))),
      'octets outside decide fragments',
    );
    checkFragments(frame, fragments);
    const [quiet, loud] = [clamped(frame, 0x00), clamped(frame, 0xa5)];
    demand(quiet.equals(loud), 'octets outside the frame decide what the clamp does');
    const changed = [...quiet].filter((octet, i) => octet !== frame[i]).length;
    demand(changed <= 4, `the clamp changed ${changed} octets`);
    // MSS and checksum change so that the sum over both, and so over all, stays; at an odd place each in its own way.
    if (changed > 0 && quiet.length % 2 === 0 && frame.length % 2 === 0) {
      const [before, after] = [onesSum(frame), onesSum(quiet)];
      demand(before === after || isPartial(frame, quiet), 'the clamp did not correct the checksum');
    }
  },
};

/** A checksum left to an offload stays: then two octets alone change. */
function isPartial(before: Buffer, after: Buffer): boolean {
  return [...after].filter((octet, i) => octet !== before[i]).length <= 2;
}
