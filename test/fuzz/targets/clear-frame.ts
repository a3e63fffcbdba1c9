/**
 * What is done to a clear frame of a LAN, which may be anything: the MSS clamp. Octets around the frame neither decide nor
 * change; what was a right TCP checksum is one after.
 */
import { clampMss } from '../../../src/datapath/mss-clamp.ts';
import { type Batch, createBatch, resetBatch } from '../../../src/frame/batch.ts';
import { demand, type FuzzTarget } from '../target.ts';

const MTU = 1430;
const MAX_LEN = 1600;
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
  ],
  run(input) {
    const frame = input.subarray(0, MAX_LEN);
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
