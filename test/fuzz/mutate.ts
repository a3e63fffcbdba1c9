/** Changes that need to know nothing of what the octets mean: bits, numbers at their limits, cuts, copies, splices. */
import type { Random } from './random.ts';

/** Values at which lengths, counters and types change their meaning. */
const NUMBERS = [
  0, 1, 2, 4, 7, 8, 13, 14, 16, 17, 20, 32, 46, 47, 48, 63, 64, 127, 128, 255, 256, 1500, 0x0800, 0x6558,
  0x7fff, 0x8000, 0x86dd, 0x88e5, 0x8100, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff,
];

type Change = (input: Buffer, random: Random, other: Buffer) => Buffer;

const flipBit: Change = (input, random) => {
  input[random.below(input.length)]! ^= 1 << random.below(8);
  return input;
};

const setOctet: Change = (input, random) => {
  input[random.below(input.length)] = random.below(256);
  return input;
};

const setNumber: Change = (input, random) => {
  const width = random.pick([1, 2, 4]);
  if (input.length < width) return input;
  const at = random.below(input.length - width + 1);
  const value = random.pick(NUMBERS) % 2 ** (8 * width);
  if (random.below(2) === 0) input.writeUIntBE(value, at, width);
  else input.writeUIntLE(value, at, width);
  return input;
};

const cut: Change = (input, random) => input.subarray(0, random.below(input.length + 1));

const remove: Change = (input, random) => {
  const from = random.below(input.length);
  return Buffer.concat([input.subarray(0, from), input.subarray(from + 1 + random.below(16))]);
};

const insert: Change = (input, random) => {
  const at = random.below(input.length + 1);
  return Buffer.concat([input.subarray(0, at), random.octets(1 + random.below(8)), input.subarray(at)]);
};

const repeat: Change = (input, random) => {
  const from = random.below(input.length);
  const part = input.subarray(from, from + 1 + random.below(64));
  return Buffer.concat([input.subarray(0, from), part, part, input.subarray(from + part.length)]);
};

const splice: Change = (input, random, other) => {
  const [from, to] = [random.below(input.length + 1), random.below(other.length + 1)];
  return Buffer.concat([input.subarray(0, from), other.subarray(to)]);
};

const CHANGES: readonly Change[] = [
  flipBit,
  setOctet,
  setNumber,
  setNumber,
  cut,
  remove,
  insert,
  repeat,
  splice,
];

/** `input` with one to four changes, at most `maxLen` octets; `other` is what parts are borrowed from. */
export function mutateOctets(input: Buffer, other: Buffer, random: Random, maxLen: number): Buffer {
  let changed: Buffer = Buffer.from(input);
  for (let left = 1 + random.below(4); left > 0; left--) {
    changed = changed.length === 0 ? random.octets(8) : random.pick(CHANGES)(changed, random, other);
  }
  return changed.subarray(0, maxLen);
}
