/**
 * `ipv4HeaderLen`, `checkGre` and `checkSecTag` over octets that stand in the middle of others: what they say may
 * not depend on the octets around (they read nothing past the end), and a header that passes lies inside.
 */
import { checkGre, GreFault, greHeaderLenAt } from '../../../src/wire/gre.ts';
import { ipv4HeaderLen } from '../../../src/wire/ipv4.ts';
import { checkSecTag, SecTagFault, secTagLen, tciAt } from '../../../src/wire/sectag.ts';
import { demand, type FuzzTarget } from '../target.ts';

const MARGIN = 64;
const GRE_OPTIONS = [
  { key: null, checksum: false },
  { key: 7, checksum: false },
  { key: null, checksum: true },
  { key: 7, checksum: true },
] as const;
const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ''), 'hex');

/** What all three say of `octets` among octets of `fill`. */
function verdicts(octets: Buffer, fill: number): number[] {
  const arena = Buffer.alloc(octets.length + 2 * MARGIN, fill);
  octets.copy(arena, MARGIN);
  const [at, len] = [MARGIN, octets.length];
  const before = Buffer.from(arena);
  const ip = ipv4HeaderLen(arena, at, len);
  demand(ip === 0 || (ip >= 20 && ip <= len), `ipv4HeaderLen: ${ip} octets of ${len}`);
  const gre = GRE_OPTIONS.map((options) => {
    const fault = checkGre(arena, at, at + len, options);
    if (fault === GreFault.None)
      demand(greHeaderLenAt(arena, at) <= len, 'checkGre passed a header that is cut off');
    return fault;
  });
  const tags = [8, 11, 16].flatMap((icvLen) =>
    [false, true].map((xpn) => {
      const fault = checkSecTag(arena, at, len, icvLen, xpn);
      if (fault === SecTagFault.None) {
        demand(
          12 + secTagLen(tciAt(arena, at)) + icvLen < len,
          'checkSecTag passed a frame without secure data',
        );
      }
      return fault;
    }),
  );
  demand(arena.equals(before), 'a check wrote into the packet');
  return [ip, ...gre, ...tags];
}

export const headers: FuzzTarget = {
  name: 'headers',
  maxLen: 200,
  seeds: () => [
    hex('45000062000140004 02f3467 02020202 01010101'.replace(/ /g, '')),
    hex('00006558'),
    hex('2000655800000007'),
    hex('a000655812340000 00000007'),
    Buffer.concat([hex('ffffffffffff 02000000000288e52c1e000000050000002222220001'), Buffer.alloc(46, 1)]),
    Buffer.concat([hex('ffffffffffff 02000000000288e50c000000000500'), Buffer.alloc(80, 1)]),
  ],
  run(input) {
    const [quiet, loud] = [verdicts(input, 0xa5), verdicts(input, 0x00)];
    demand(quiet.join() === loud.join(), `octets outside the packet decide: ${quiet} and ${loud}`);
  },
};
