/** Which tunnel an ICMP "too big" is about, of those between two addresses. */
import { describe, expect, it } from 'vitest';
import type { IcmpMessage } from '../../../src/host/icmp-socket.ts';
import { judgeQuote } from '../../../src/path/quote.ts';
import type { TooBig } from '../../../src/path/too-big.ts';
import type { HeardTooBig } from '../../../src/tunnel/path.ts';
import { type IcmpSource, type PathEnd, PathErrors } from '../../../src/tunnel/path-errors.ts';
import { fragNeeded, greFrame, tooBigV6 } from '../path/kit.ts';

/** A tunnel with this GRE key. */
class End implements PathEnd {
  readonly gre: { readonly local: string };
  readonly peerAddress: string | null;
  readonly heard: string[] = [];
  readonly #key: number | null;

  constructor(key: number | null, local = '1.1.1.1', peerAddress: string | null = '2.2.2.2') {
    this.#key = key;
    this.gre = { local };
    this.peerAddress = peerAddress;
  }

  judgeTooBig(message: TooBig) {
    const secy = { sci: '0000001111110001', isRecent: () => true };
    return judgeQuote(message, { udp: null, gre: { key: this.#key, checksum: false }, secy });
  }

  hearTooBig({ judgement, from }: HeardTooBig) {
    this.heard.push(`${judgement.verdict} from ${from}`);
    return [];
  }
}

function listening(family: 4 | 6, packets: readonly Buffer[]) {
  const left = [...packets];
  const source: IcmpSource = {
    family,
    take(): IcmpMessage | null {
      const octets = left.shift();
      const from = family === 4 ? [1, 1, 1, 254] : [0xfd, 0, 0, 1, ...Array(11).fill(0), 0xfe];
      return octets === undefined ? null : { octets, len: octets.length, from: Uint8Array.from(from) };
    },
    close() {},
  };
  const errors = new PathErrors<End>(() => source);
  errors.listen(family);
  return {
    left,
    look: (ends: readonly End[]) =>
      errors.look(
        () => ends,
        0,
        () => {},
      ),
  };
}

const keyed = (key: number): Buffer =>
  fragNeeded(1400, { protocol: 47, transport: greFrame({ gre: `20006558 0000000${key}` }) });

describe('a message about a packet between two addresses', () => {
  it('is for the tunnel whose packet it can be; the others are not told of a forgery', () => {
    const ends = [new End(1), new End(2), new End(2, '1.1.1.1', '3.3.3.3')];
    listening(4, [keyed(2)]).look(ends);
    expect(ends.map(({ heard }) => heard)).toEqual([[], ['proven from 1.1.1.254'], []]);
  });

  it('that is about a packet of none of them is one forgery', () => {
    const ends = [new End(1), new End(2)];
    listening(4, [keyed(3)]).look(ends);
    expect(ends.map(({ heard }) => heard)).toEqual([['refused from 1.1.1.254'], []]);
  });

  it('of which too little is there is for all: the path is the same', () => {
    const ends = [new End(null), new End(null)];
    listening(4, [fragNeeded(1400, { protocol: 47, transport: greFrame().subarray(0, 8) })]).look(ends);
    expect(ends.map(({ heard }) => heard)).toEqual(Array(2).fill(['plausible from 1.1.1.254']));
  });

  it('over IPv6 finds its tunnel however the address is written', () => {
    const end = new End(null, 'FD00:1:0::1', 'fd00:0002::2');
    listening(6, [tooBigV6(1400, { protocol: 47, transport: greFrame() })]).look([end]);
    expect(end.heard).toEqual(['proven from fd00:1::fe']);
  });

  it('of nobody, or damaged, is for nobody', () => {
    const ends = [new End(1, '1.1.1.2'), new End(1, '1.1.1.1', null)];
    const damaged = keyed(1);
    damaged[30]! ^= 1;
    listening(4, [keyed(1), damaged, Buffer.alloc(3)]).look(ends);
    expect(ends.flatMap(({ heard }) => heard)).toEqual([]);
  });
});

describe('a flood of messages', () => {
  it('is looked at 64 at a time', () => {
    const { left, look } = listening(4, Array(100).fill(keyed(1)));
    const end = new End(1);
    look([end]);
    expect([end.heard.length, left.length]).toEqual([64, 36]);
  });
});
