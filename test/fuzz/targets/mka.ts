/**
 * The reader of MKPDUs, on both sides of the ICV: anybody's octets, and those of a peer who has the CAK and says what it
 * likes. The first octet of an input chooses: 1 seals what follows with a right ICV, 2 puts the EAPOL length right before.
 */
import { createSecretKey } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { aesCmac } from '../../../src/crypto/cmac.ts';
import { decodeMkpdu, peekMkpdu, type UncheckedMkpdu } from '../../../src/keys/mka/decode.ts';
import { describeMkpdu } from '../../../src/keys/mka/describe.ts';
import { encodeMkpdu } from '../../../src/keys/mka/encode.ts';
import type { Mkpdu } from '../../../src/keys/mka/mkpdu.ts';
import { REFUSAL_TEXTS } from '../../../src/keys/mka/refusal.ts';
import type { Random } from '../random.ts';
import { demand, type FuzzTarget } from '../target.ts';

const ICK = createSecretKey(Buffer.alloc(16, 0x11));
const OWN_MAC = Buffer.from('0200000000aa', 'hex');
const MARGIN = 64;
const MAX_LEN = 1600;

const SEAL = 1;
const FIT_LENGTH = 2;

const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ''), 'hex');

/** The reader's answer about `frame` among octets of `fill`, and what people are told. */
function verdictOf(frame: Buffer, fill: number): { said: Mkpdu | string; told: string } {
  const arena = Buffer.alloc(frame.length + 2 * MARGIN, fill);
  frame.copy(arena, MARGIN);
  const before = Buffer.from(arena);
  const within = arena.subarray(MARGIN, MARGIN + frame.length);
  const found = peekMkpdu(within, OWN_MAC);
  const said = typeof found === 'string' ? found : decodeMkpdu(within, found, ICK);
  demand(typeof said !== 'string' || Object.hasOwn(REFUSAL_TEXTS, said), `refused without a name: ${said}`);
  demand(typeof said === 'string' || isSealed(within, found as UncheckedMkpdu), 'taken with a wrong ICV');
  const told = tellAll(within);
  demand(arena.equals(before), 'the reader wrote into the frame');
  return { said, told };
}

function isSealed(frame: Buffer, { etherTypeAt, icvAt }: UncheckedMkpdu): boolean {
  const icv = aesCmac(ICK, frame.subarray(0, 12), frame.subarray(etherTypeAt, icvAt));
  return icv.equals(frame.subarray(icvAt, icvAt + 16));
}

/** From any place that the body may begin at, of any length. */
function tellAll(frame: Buffer): string {
  const told = [18, 22].flatMap((at) => {
    if (at > frame.length) return [];
    const bodyLen = frame.readUInt16BE(at - 2);
    const sets = describeMkpdu(frame, at, bodyLen, frame.length);
    for (const set of sets)
      demand(set.at >= at && set.at + set.len <= frame.length, `a set lies outside: ${JSON.stringify(set)}`);
    return sets;
  });
  return JSON.stringify(told);
}

/** What we would send to say `mkpdu` says it. */
function writesTheSame(mkpdu: Mkpdu): boolean {
  const frame = encodeMkpdu(mkpdu, ICK, OWN_MAC);
  const found = peekMkpdu(frame, OWN_MAC);
  return typeof found !== 'string' && isDeepStrictEqual(decodeMkpdu(frame, found, ICK), mkpdu);
}

/** The frame that the input stands for. */
function frameOf(input: Buffer): Buffer {
  const frame = Buffer.from(input.subarray(1));
  const choice = input[0] ?? 0;
  if ((choice & FIT_LENGTH) !== 0 && frame.length >= 18) frame.writeUInt16BE((frame.length - 18) & ~3, 16);
  const found = peekMkpdu(frame, OWN_MAC);
  if ((choice & SEAL) === 0 || typeof found === 'string') return frame;
  const { etherTypeAt, icvAt } = found;
  aesCmac(ICK, frame.subarray(0, 12), frame.subarray(etherTypeAt, icvAt)).copy(frame, icvAt);
  return frame;
}

const HEAD = '0180c2000003 0200000000bb 888e 0305 0000';
const BASIC = '01 10 e0 20 02000000bb010001 718b8a39866b2f5814c9dcf6 00000001 0080c201 c0ffee01';
const MI = 'aa'.repeat(12);
const ZEROS = '00'.repeat(16);
const SETS: readonly string[] = [
  `01 02 0010 ${MI} 00000007`,
  `02 00 0020 ${MI} 00000007 ${'bb'.repeat(12)} 00000001`,
  `03 50 0028 ${MI} 00000001 00000001 ${ZEROS} 00000001`,
  '03 00 c000',
  `04 10 001c 00000001 ${'5a'.repeat(24)}`,
  `04 50 0024 00000001 0080c20001000003 ${'5a'.repeat(24)}`,
  `04 90 0034 00000001 0080c20001000004 ${'5a'.repeat(40)}`,
  '04 00 0000',
  `05 00 001c ${'00'.repeat(28)}`,
  '06 00 0003 616263 00',
  '07 00 000c 7000 0000 0080c20001000001',
  '08 00 0008 00000001 00000000',
  'ff 00 0010',
];

const mkpduOf = (sets: readonly string[], choice: number, head = HEAD): Buffer =>
  Buffer.concat([Buffer.of(choice), hex(`${head} ${BASIC} ${sets.join(' ')} ${ZEROS}`)]);

/** Sets taken out, put in and doubled: what changes of single octets seldom reach. */
function mutate(input: Buffer, other: Buffer, random: Random): Buffer {
  const sets = Array.from({ length: random.below(6) }, () => random.pick(SETS));
  if (random.below(2) === 0) return mkpduOf(sets, random.below(4));
  const source = random.below(2) === 0 ? other : hex(random.pick(SETS));
  const at = Math.min(input.length, 1 + 18 + 4 * random.below(64));
  const from = 4 * random.below(source.length / 4 + 1);
  const piece = source.subarray(from, from + 4 * (1 + random.below(12)));
  const behind = input.subarray(Math.min(input.length, at + 4 * random.below(4)));
  return Buffer.concat([Buffer.of(SEAL | FIT_LENGTH), input.subarray(1, at), piece, behind]);
}

export const mka: FuzzTarget = {
  name: 'mka',
  maxLen: MAX_LEN,
  seeds: () => [
    mkpduOf([], SEAL | FIT_LENGTH),
    mkpduOf([SETS[1]!, SETS[12]!], SEAL | FIT_LENGTH),
    mkpduOf([SETS[0]!, SETS[2]!, SETS[4]!, SETS[12]!], SEAL | FIT_LENGTH),
    mkpduOf(SETS, SEAL | FIT_LENGTH),
    mkpduOf([SETS[4]!, SETS[2]!, SETS[0]!], FIT_LENGTH),
    mkpduOf([], SEAL, '0180c2000003 0200000000bb 8100 0064 888e 0305 0034'),
  ],
  mutate,
  run(input) {
    const frame = frameOf(input);
    const [quiet, loud] = [verdictOf(frame, 0xa5), verdictOf(frame, 0x00)];
    demand(isDeepStrictEqual(quiet, loud), 'octets outside the frame decide');
    const { said } = quiet;
    if (typeof said === 'string') return;
    demand(JSON.stringify(said).length < 6 * frame.length + 2000, 'more is kept than the frame could say');
    demand(writesTheSame(said), 'written anew it says something else');
  },
};
