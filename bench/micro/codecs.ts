/** The header codecs, one call per frame: no I/O, no AEAD. */

import { viewOf } from '../../src/frame/view.ts';
import { checksum } from '../../src/wire/checksum.ts';
import { checkGre, GreFault, writeGre } from '../../src/wire/gre.ts';
import { ipv4HeaderLen, ipv4Template, writeIpv4 } from '../../src/wire/ipv4.ts';
import {
  checkSecTag,
  SecTagFault,
  secTagTemplate,
  TCI_C,
  TCI_E,
  TCI_SC,
  writeSecTag,
} from '../../src/wire/sectag.ts';
import { expectEqual, type MicroCase } from './bench.ts';

/** Calls between two looks at the clock, which costs more than a call. */
const LOOPS = 4096;
const ICV_LEN = 16;
const TCI = TCI_SC | TCI_E | TCI_C;
const PLAIN_GRE = { key: null, checksum: false };

export function codecCases(): MicroCase[] {
  const buf = Buffer.alloc(2048);
  const view = viewOf(buf);
  const template = viewOf(ipv4Template(Buffer.from([1, 1, 1, 1]), Buffer.from([2, 2, 2, 2]), 64, 0, true));
  const tag = secTagTemplate(TCI, 0x11, 0x11110001);
  const userDataLen = 1418;
  const frameLen = 12 + 16 + userDataLen + ICV_LEN;
  const gre = Buffer.from(buf);
  const tagged = Buffer.from(buf);
  const outer = Buffer.from(buf);
  writeGre(gre, 0, 1500, PLAIN_GRE);
  writeSecTag(viewOf(tagged), 0, tag, userDataLen, 1);
  writeIpv4(viewOf(outer), 0, 1500, template);

  /** `work` returns a number that `LOOPS` calls add up to `expected`: what keeps it from being optimised away. */
  const codec = (name: string, expected: number, work: (i: number) => number): MicroCase => {
    let sum = 0;
    return {
      name,
      frameLen: null,
      provider: null,
      run(spent) {
        const before = performance.now();
        sum = 0;
        for (let i = 0; i < LOOPS; i++) sum += work(i);
        spent[0]! += (performance.now() - before) * 1e6;
        return LOOPS;
      },
      check: () => expectEqual(`${name}: the sum of its results`, sum, expected),
    };
  };

  return [
    codec('writeGre', LOOPS * 0x58, () => {
      writeGre(buf, 0, 1500, PLAIN_GRE);
      return buf[3]!;
    }),
    codec('checkGre', LOOPS * GreFault.None, () => checkGre(gre, 0, 1500, PLAIN_GRE)),
    codec('writeSecTag', LOOPS * TCI, (i) => {
      writeSecTag(view, 0, tag, userDataLen, i);
      return buf[14]!;
    }),
    codec('checkSecTag', LOOPS * SecTagFault.None, () => checkSecTag(tagged, 0, frameLen, ICV_LEN, false)),
    codec('writeIpv4', LOOPS * 0x45, () => {
      writeIpv4(view, 0, 1500, template);
      return buf[0]!;
    }),
    codec('ipv4HeaderLen', LOOPS * 20, () => ipv4HeaderLen(outer, 0, 1500)),
    codec('checksum, 1430 octets', LOOPS * 0xffff, () => checksum(buf, 512, 512 + 1430)),
  ];
}
