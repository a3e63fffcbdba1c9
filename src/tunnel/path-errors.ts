/**
 * ICMP "too big", for all tunnels of the daemon: the sockets that hear it, and to which tunnel a message belongs. Bounded:
 * the kernel queues some hundred messages, and so many are looked at in a look.
 */
import { canonicalAddress } from '../config/fields.ts';
import { IcmpSocket } from '../host/icmp-socket.ts';
import type { Judgement } from '../path/quote.ts';
import { readTooBigV4, readTooBigV6, type TooBig } from '../path/too-big.ts';
import { formatIpv4 } from '../wire/ipv4.ts';
import { formatIpv6 } from '../wire/ipv6.ts';
import type { HeardTooBig, PathNews } from './path.ts';

const MESSAGES_PER_LOOK = 64;

/** Where messages come from. */
export type IcmpSource = Pick<IcmpSocket, 'family' | 'take' | 'close'>;

/** A tunnel, as far as its path is concerned. */
export interface PathEnd {
  readonly gre: { readonly local: string };
  /** Where its packets go; null: nobody knows yet. */
  readonly peerAddress: string | null;
  /** Of a message about a packet between its ends: is the packet one of its own? */
  judgeTooBig(message: TooBig): Judgement;
  /** Draws the consequence; returns what is new. */
  hearTooBig(message: HeardTooBig, nowMs: number): PathNews[];
}

export class PathErrors<End extends PathEnd> {
  readonly #sockets = new Map<4 | 6, IcmpSource>();
  readonly #open: (family: 4 | 6) => IcmpSource;

  constructor(open: (family: 4 | 6) => IcmpSource = (family) => new IcmpSocket(family)) {
    this.#open = open;
  }

  /** Messages about packets of this family are heard from now on. Throws SystemError: EPERM without CAP_NET_RAW. */
  listen(family: 4 | 6): void {
    if (!this.#sockets.has(family)) this.#sockets.set(family, this.#open(family));
  }

  /** Hands on what waits; `told` gets what is new of a tunnel. Throws SystemError. */
  look(
    tunnels: () => Iterable<End>,
    nowMs: number,
    told: (tunnel: End, news: readonly PathNews[]) => void,
  ): void {
    let byEnds: ReadonlyMap<string, End[]> | null = null;
    for (const { tooBig, from } of this.#take()) {
      byEnds ??= endsOf(tunnels());
      const { src, dst } = tooBig.packet;
      for (const [tunnel, judgement] of whose(byEnds.get(`${src} ${dst}`) ?? [], tooBig)) {
        told(tunnel, tunnel.hearTooBig({ tooBig, judgement, from }, nowMs));
      }
    }
  }

  close(): void {
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }

  *#take(): Generator<{ tooBig: TooBig; from: string }> {
    for (const socket of this.#sockets.values()) {
      for (let i = 0; i < MESSAGES_PER_LOOK; i++) {
        const message = socket.take();
        if (message === null) break;
        const { octets, len, from } = message;
        const tooBig = socket.family === 4 ? readTooBigV4(octets, len) : readTooBigV6(octets, len);
        if (tooBig !== null) yield { tooBig, from: addressText(from) };
      }
    }
  }
}

/** Of the tunnels between the ends that a message is about, those whose packet it can be; the first one answers for all. */
function whose<End extends PathEnd>(between: readonly End[], tooBig: TooBig): [End, Judgement][] {
  const judged = between.map((tunnel): [End, Judgement] => [tunnel, tunnel.judgeTooBig(tooBig)]);
  const theirs = judged.filter(([, { verdict }]) => verdict !== 'refused');
  return theirs.length > 0 ? theirs : judged.slice(0, 1);
}

function endsOf<End extends PathEnd>(tunnels: Iterable<End>): ReadonlyMap<string, End[]> {
  const byEnds = new Map<string, End[]>();
  for (const tunnel of tunnels) {
    if (tunnel.peerAddress === null) continue;
    const ends = `${canonicalAddress(tunnel.gre.local)} ${canonicalAddress(tunnel.peerAddress)}`;
    const there = byEnds.get(ends);
    if (there === undefined) byEnds.set(ends, [tunnel]);
    else there.push(tunnel);
  }
  return byEnds;
}

function addressText(octets: Uint8Array): string {
  return octets.length === 4 ? formatIpv4(octets, 0) : formatIpv6(octets, 0);
}
