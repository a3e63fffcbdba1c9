/**
 * `explain` over packets: the decoder and the judge, text and JSON. It never throws for what a packet holds, octets
 * behind the packet do not matter, and no key is ever said. The first octet chooses where the packet begins and how.
 */
import { createSecretKey } from 'node:crypto';
import { parseConfig } from '../../../src/config/load.ts';
import type { Config } from '../../../src/config/types.ts';
import type { CapturedPacket } from '../../../src/explain/capture-file.ts';
import { formatPacket, jsonOfPacket } from '../../../src/explain/format.ts';
import { Judge } from '../../../src/explain/judge.ts';
import type { FirstLayer } from '../../../src/explain/layers.ts';
import { decode, guessFirst } from '../../../src/explain/outer.ts';
import { encodeMkpdu } from '../../../src/keys/mka/encode.ts';
import { deriveMkaKeys, wrapSak } from '../../../src/keys/mka/keys.ts';
import { demand, demandNoKey, type FuzzTarget } from '../target.ts';
import { sealFrame } from './sealed-frame.ts';

const KEYS = ['c0ffee11c0ffee22c0ffee33c0ffee44', 'badc0de5badc0de6badc0de7badc0de8'];
const MKA = { ckn: 'c0ffee01', cak: '5eed0c0a5eed0c0b5eed0c0c5eed0c0d' };
const MKA_KEYS = deriveMkaKeys(createSecretKey(MKA.cak, 'hex'), MKA.ckn);
const SECRETS: readonly string[] = [
  ...[...KEYS, MKA.cak],
  ...[MKA_KEYS.ick, MKA_KEYS.kek].map((key) => key.export().toString('hex')),
];
const FIRST: readonly (FirstLayer | 'guess')[] = ['guess', 'ip', 'gre', 'ethernet'];

const STATIC = {
  txSa: [{ key: KEYS[0] }],
  rxSc: [{ mac: '00:00:00:22:22:22', port: 1, sa: [{ keyId: '02', key: KEYS[1] }] }],
};

function configOf(gre: object, macsec: object | null): Config {
  const tunnel = {
    name: 't',
    tap: { ifname: 'macsec1', mac: '00:00:00:11:11:11' },
    gre: { local: '1.1.1.1', remote: '2.2.2.2', ...gre },
    macsec: macsec && ('mka' in macsec ? macsec : { ...STATIC, ...macsec }),
  };
  return parseConfig(JSON.stringify({ tunnels: [tunnel] }), '/nowhere/fuzz.json');
}

const CONFIGS: readonly Config[] = [
  configOf({}, {}),
  configOf({ encap: 'udp' }, { validate: 'check' }),
  configOf({ key: 7, checksum: true }, { validate: 'disabled', icvLen: 8 }),
  configOf({ local: '2001:db8::1', remote: '2001:db8::2' }, {}),
  configOf({}, null),
  configOf({}, { mka: MKA }),
];

/** What is said of `octets` that stand before octets of `fill`. */
function explained(octets: Buffer, choice: number, fill: number): string {
  const arena = Buffer.alloc(octets.length + 64, fill);
  octets.copy(arena);
  const data = arena.subarray(0, octets.length);
  const wanted = FIRST[choice & 3]!;
  const first = wanted === 'guess' ? guessFirst(data) : wanted;
  const packet: CapturedPacket = { time: 1e9, data, originalLen: data.length, first, linkType: 1 };
  const judge = new Judge(CONFIGS[(choice >> 2) % CONFIGS.length]!);
  const decoded = decode(data, first, [4754, ...judge.udpPorts]);
  demand(decoded.end <= data.length, 'the packet ends behind its end');
  demand((decoded.quoted?.end ?? 0) <= decoded.end, 'a quoted packet ends behind the one that quotes it');
  for (const { at, len, fault } of decoded.layers)
    demand(fault !== undefined || at + len <= data.length, 'a layer lies behind the end of the packet');
  const verdict = judge.judge(data, decoded);
  return `${formatPacket(1, packet, decoded, verdict)}${JSON.stringify(jsonOfPacket(1, packet, decoded, verdict))}`;
}

const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ''), 'hex');

function seeds(): Buffer[] {
  const inner = hex(
    '02000000aa01 02000000aa02 0800 45000014 00000000 40010000 0a000001 0a000002 0102030405060708090a0b0c0d0e0f',
  );
  const sealing = { sl: 0, icvLen: 16, xpn: null, pn: 5n, sci: hex('0000002222220001') };
  const frames = [0x2c, 0x20, 0x0c].map((tci) =>
    sealFrame(inner, { ...sealing, tci, key: hex(KEYS[1]!), sl: inner.length - 12 }),
  );
  const outer = (protocol: string, len: number): Buffer =>
    hex(`4500 ${(20 + len).toString(16).padStart(4, '0')} 00010000 40${protocol} 0000 02020202 01010101`);
  const gre = frames.map((frame) => Buffer.concat([hex('00006558'), frame]));
  const ipv4 = gre.map((packet) => Buffer.concat([outer('2f', packet.length), packet]));
  const udp = gre.map((packet) =>
    Buffer.concat([
      outer('11', packet.length + 8),
      hex('12921292'),
      hex((packet.length + 8).toString(16).padStart(4, '0')),
      hex('0000'),
      packet,
    ]),
  );
  const ipv6 = Buffer.concat([
    hex(
      `60000000 ${gre[0]!.length.toString(16).padStart(4, '0')} 2f40 20010db8000000000000000000000002 20010db8000000000000000000000001`,
    ),
    gre[0]!,
  ]);
  const link = Buffer.concat([hex('02aa00000001 02aa00000002 8100 0005 0800'), ipv4[0]!]);
  const tooBig = (of: Buffer): Buffer =>
    Buffer.concat([outer('01', of.length + 8), hex('0304000000000578'), of]);
  const tooBigV6 = Buffer.concat([
    hex(`60000000 ${(ipv6.length + 8).toString(16).padStart(4, '0')} 3a40`),
    ipv6.subarray(8, 40),
    hex('0200000000000500'),
    ipv6,
  ]);
  const tagged = hex('02000000aa01 02000000aa02 88a8 0064 8100 a005 0806 0001');
  const eapol = hex('0180c2000003 02000000aa02 888e 03050004 01020304');
  const mkpdu = encodeMkpdu(
    {
      basic: {
        ...{ version: 1, priority: 16, keyServer: true, macsecDesired: true, capability: 2 },
        ...{ sci: '0000002222220001', mi: 'aa'.repeat(12), mn: 5, ckn: MKA.ckn },
      },
      ...{ livePeers: { peers: [{ mi: 'bb'.repeat(12), mn: 1 }], keyServerSsci: 0 }, potentialPeers: null },
      ...{ sakUse: null, xpn: null, linkControl: null, icvIndicator: true },
      distributedSak: {
        ...{ an: 0, confidentialityOffset: 1, kn: 1, cipher: 'gcm-aes-128' },
        wrapped: wrapSak(MKA_KEYS.kek, createSecretKey(KEYS[0]!, 'hex')),
      },
    },
    MKA_KEYS.ick,
    hex('000000222222'),
  );
  const chosen = (choice: number, packet: Buffer): Buffer => Buffer.concat([Buffer.of(choice), packet]);
  return [
    ...ipv4.map((packet) => chosen(0, packet)),
    ...gre.map((packet) => chosen(2 | 8, packet)),
    ...udp.map((packet) => chosen(1 | 4, packet)),
    chosen(12, ipv6),
    chosen(3, link),
    chosen(0, tooBig(ipv4[0]!)),
    chosen(1 | 4, tooBig(udp[0]!)),
    chosen(1, tooBig(ipv4[0]!.subarray(0, 28))),
    chosen(12, tooBigV6),
    chosen(3, Buffer.concat([hex('02aa00000001 02aa00000002 0800'), tooBig(ipv4[0]!)])),
    chosen(3, tagged),
    chosen(2 | 16, Buffer.concat([hex('00006558'), tagged])),
    chosen(3, eapol),
    chosen(2, Buffer.concat([hex('00006558'), eapol])),
    chosen(3 | (5 << 2), mkpdu),
    chosen(5 << 2, Buffer.concat([outer('2f', 4 + mkpdu.length), hex('00006558'), mkpdu])),
    chosen(16, Buffer.concat([outer('2f', 4 + inner.length), hex('00006558'), inner])),
  ];
}

export const explain: FuzzTarget = {
  name: 'explain',
  maxLen: 400,
  seeds,
  run(input) {
    const [choice, packet] = [input[0] ?? 0, input.subarray(1)];
    const said = explained(packet, choice, 0xa5);
    demand(said === explained(packet, choice, 0x00), 'octets behind the packet decide what is said');
    // What the packet itself holds may be shown.
    const keys = SECRETS.filter((key) => !packet.toString('hex').includes(key.slice(0, 16)));
    demandNoKey(said, keys, 'explain');
    demand(said.length < 200_000, `${said.length} characters for ${packet.length} octets`);
  },
};
