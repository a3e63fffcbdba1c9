/**
 * The codecs of src/wire over octets that stand in the middle of others: what they say may not depend on the octets
 * around (they read nothing past the end), they write nothing, and a header that passes lies inside.
 */
import { describeEapol, EAPOL_LEN } from '../../../src/wire/eapol.ts';
import { describeEthernet, ETHERNET_LEN } from '../../../src/wire/ethernet.ts';
import type { Field } from '../../../src/wire/field.ts';
import {
  checkGre,
  describeGre,
  GRE_LEN,
  GreFault,
  greHeaderLenAt,
  looksLikeGretap,
} from '../../../src/wire/gre.ts';
import { describeTooBig, isTooBig, quotedEnd, TOO_BIG_LEN } from '../../../src/wire/icmp.ts';
import { IPPROTO_ICMP, IPPROTO_ICMPV6, ipVersionAt } from '../../../src/wire/ip.ts';
import { describeIpv4, IPV4_LEN, ipv4HeaderLen, isIpv4Fragment } from '../../../src/wire/ipv4.ts';
import { describeIpv6, IPV6_LEN, ipv6ExtensionLenAt } from '../../../src/wire/ipv6.ts';
import {
  checkSecTag,
  describeSecTag,
  hasSecTag,
  SecTagFault,
  secTagLen,
  tciAt,
} from '../../../src/wire/sectag.ts';
import { describeUdp, UDP_LEN } from '../../../src/wire/udp.ts';
import { describeVlan, VLAN_LEN } from '../../../src/wire/vlan.ts';
import { demand, type FuzzTarget } from '../target.ts';

const MARGIN = 64;
const GRE_OPTIONS = [
  { key: null, checksum: false },
  { key: 7, checksum: false },
  { key: null, checksum: true },
  { key: 7, checksum: true },
] as const;
const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ''), 'hex');

/** Codecs whose header has one length. */
const OF_ONE_LEN: readonly [len: number, describe: (buf: Uint8Array, at: number) => Field[]][] = [
  [ETHERNET_LEN, describeEthernet],
  [VLAN_LEN, describeVlan],
  [IPV4_LEN, describeIpv4],
  [IPV6_LEN, describeIpv6],
  [UDP_LEN, describeUdp],
  [EAPOL_LEN, describeEapol],
];

/** What is said to people of the octets in `buf[at, at + len)`, by every codec whose header is whole. */
function descriptions(buf: Buffer, at: number, len: number): unknown[] {
  const end = at + len;
  const greLen = len >= GRE_LEN ? greHeaderLenAt(buf, at) : Number.POSITIVE_INFINITY;
  return [
    ...OF_ONE_LEN.map(([headerLen, describe]) => (len >= headerLen ? describe(buf, at) : null)),
    greLen <= len ? describeGre(buf, at) : null,
    hasSecTag(buf, at, len) ? describeSecTag(buf, at) : null,
    len >= IPV4_LEN ? isIpv4Fragment(buf, at) : null,
    [ipVersionAt(buf, at, end), ipv6ExtensionLenAt(buf, at, end), looksLikeGretap(buf, at, end)],
    ...[IPPROTO_ICMP, IPPROTO_ICMPV6].map((protocol) => tooBig(buf, at, end, protocol)),
  ];
}

function tooBig(buf: Buffer, at: number, end: number, protocol: number): unknown {
  if (!isTooBig(buf, at, end, protocol)) return null;
  const quoteEnd = quotedEnd(buf, at, end);
  demand(quoteEnd >= at + TOO_BIG_LEN && quoteEnd <= end, 'quotedEnd lies outside the message');
  return [quoteEnd, describeTooBig(buf, at)];
}

/** What all codecs say of `octets` among octets of `fill`, as text. */
function verdicts(octets: Buffer, fill: number): string {
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
  const said = descriptions(arena, at, len);
  demand(arena.equals(before), 'a codec wrote into the packet');
  return JSON.stringify([ip, gre, tags, said]);
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
    hex('b00065581234000000000007 00000001'),
    hex(
      '6000000000563c40 20010db8000000000000000000000002 20010db8000000000000000000000001 2f00040104010100',
    ),
    hex('02000000aa01 02000000aa02 8100 a005 88a8 0064 0800'),
    hex('0180c2000003 02000000aa02 888e 03050004 01020304'),
    hex('1292129200560000'),
    hex('0304000000000578 4500006200014000402f346702020202 01010101 0000655802000000'),
    hex('0200000000000500 60000000004e2f40'),
  ],
  run(input) {
    const [quiet, loud] = [verdicts(input, 0xa5), verdicts(input, 0x00)];
    demand(quiet === loud, `octets outside the packet decide: ${quiet} and ${loud}`);
  },
};
