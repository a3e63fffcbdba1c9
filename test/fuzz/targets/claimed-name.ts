/**
 * Whose a packet of a shared UDP port claims to be. Nobody has verified it: whatever it holds, it is read within its
 * bounds, octets around it do not matter, and the table of names finds exactly who has the name.
 */
import {
  type ClaimedName,
  cknName,
  claimedNameOf,
  claimOf,
  sciName,
} from '../../../src/encap/claimed-name.ts';
import { NameTable } from '../../../src/tunnel/name-table.ts';
import { demand, type FuzzTarget } from '../target.ts';

const MARGIN = 64;
const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ''), 'hex');
const SCI = '0200000100010001';
const CKN = '5a01';
const MACS = '0180c2000003 020000010001';

interface Tunnel {
  readonly names: readonly ClaimedName[];
  readonly greKey: number | null;
}

const TUNNELS: readonly Tunnel[] = [
  { names: [sciName(SCI)], greKey: null },
  { names: [sciName(SCI), cknName(CKN)], greKey: 7 },
  { names: [cknName(CKN)], greKey: null },
];
const TABLE = new NameTable<Tunnel>();
for (const one of TUNNELS) TABLE.add(one);

function run(input: Buffer): void {
  const alone = claimOf(input, 0, input.length);
  for (const fill of [0x00, 0xff]) {
    const around = Buffer.alloc(input.length + 2 * MARGIN, fill);
    input.copy(around, MARGIN);
    const before = Buffer.from(around);
    const claim = claimOf(around, MARGIN, MARGIN + input.length);
    demand(around.equals(before), 'nothing is written');
    demand(
      claim?.name === alone?.name && claim?.greKey === alone?.greKey,
      'octets around a packet do not matter',
    );
  }
  if (alone === null) return;
  demand(alone.frameAt <= input.length, 'the frame begins inside the packet');
  demand(
    claimedNameOf(input, alone.frameAt, input.length) === alone.name,
    'the frame alone has the same name',
  );
  for (const one of TABLE.find(alone)) {
    demand(
      one.names.includes(alone.name) && one.greKey === alone.greKey,
      'who is found has the name and the key',
    );
  }
}

export const claimedName: FuzzTarget = {
  name: 'claimed-name',
  maxLen: 256,
  seeds: () =>
    [
      `00006558 ${MACS} 88e5 2c00 00000001 ${SCI} 0800 4500`,
      `20006558 00000007 ${MACS} 88e5 4c00 00000001 0800 4500`,
      `00006558 ${MACS} 888e 0305 0034 0180701e ${SCI} ${'11'.repeat(12)} 00000001 0080c201 ${CKN}0000 ${'22'.repeat(16)}`,
      `b0006558 12340000 00000007 00000001 ${MACS} 88b5 6c327670 01010000 ${SCI}`,
    ].map(hex),
  run,
};
