/**
 * What the path to the peer carries: what the own link takes, less where the route says so, or where ICMP proves that a packet
 * of ours was too big. Nobody is believed by his word: a message is judged by the packet that it quotes (`path/quote.ts`).
 * The kernel believes more, so it is not asked: sockets send whatever it has cached (IP_PMTUDISC_PROBE), and its routing
 * table is read without it.
 */
import type { GreConfig } from '../encap/config.ts';
import { linkMtuOf, type Route, routeTo } from '../host/route.ts';
import { pathMtu } from '../host/socket.ts';
import { BelievedMtu, claimedMtu, LEAST_BELIEVED } from '../path/believed-mtu.ts';
import { type Judgement, judgeQuote, type OwnPackets, type OwnSecTags } from '../path/quote.ts';
import type { TooBig } from '../path/too-big.ts';
import { PathNewsGate } from './path-news.ts';

/** What sets the limit. */
export type PathLimit = 'link' | 'route' | 'icmp' | 'probes';

/** ICMP messages that packets were too big: proven by what they quote, with a quote too short to tell, about none of ours. */
export interface ClaimCounts {
  proven: number;
  plausible: number;
  refused: number;
}

/** A message, judged, and who sent it. */
export interface HeardTooBig {
  readonly tooBig: TooBig;
  readonly judgement: Judgement;
  readonly from: string;
}

/** Something about a path that an operator should hear. */
export type PathNews =
  /** It carries something else than before. */
  | { readonly kind: 'changed'; readonly because: string }
  /** Messages that nothing follows from, `count` of them since the last news; the last one claimed `octets`. */
  | { readonly kind: 'ignored'; readonly octets: number; readonly why: string; readonly count: number };

/** Who knows the routes and links of this host. */
export interface RouteSource {
  route(local: string, remote: string): Route | null;
  /** The MTU of the link that has this address. */
  link(local: string): number;
}

const KERNEL: RouteSource = { route: routeTo, link: linkMtuOf };

/** What a path is looked at with. */
export interface PathContext {
  readonly gre: GreConfig;
  /** A number in the configuration is the operator's word, and nobody else's is heard; null: the path is followed. */
  readonly fixedMtu: number | null;
  /** Where packets go; null: nobody knows yet. */
  peer(): { readonly address: string; readonly port: number } | null;
  /** Ports that data leaves by beside `gre.port`. */
  sourcePorts(): readonly number[];
  /** Null without MACsec. */
  secTags(): OwnSecTags | null;
}

/** What may be read of a path. */
export interface PathView {
  /** What it is believed to carry. */
  readonly octets: number;
  readonly limit: PathLimit;
  /** Since when, in milliseconds since the epoch, and what it was that set the limit, as half a sentence. */
  readonly since: number;
  readonly because: string;
  readonly claims: Readonly<ClaimCounts>;
}

export class TunnelPath implements PathView {
  readonly #context: PathContext;
  readonly #source: RouteSource;
  readonly #believed = new BelievedMtu();
  readonly #gate = new PathNewsGate();
  readonly claims: ClaimCounts = { proven: 0, plausible: 0, refused: 0 };
  #own: Route;
  #octets: number;
  #because: string;
  /** Milliseconds since the epoch. */
  #since = Date.now();

  /** Asks the kernel; `place` is where the configuration names the path (`tunnels[0].gre`). Throws L2vpnError without a route. */
  constructor(context: PathContext, place: string, source: RouteSource = KERNEL) {
    const { local, remote } = context.gre;
    this.#context = context;
    this.#source = source;
    const route = remote === 'dynamic' ? null : source.route(local, remote);
    // Whatever is wrong is told with its remedy.
    if (route === null && remote !== 'dynamic') pathMtu(local, remote, place);
    this.#own = route ?? { mtu: source.link(local), ofRoute: false, locked: false };
    this.#octets = this.#own.mtu;
    this.#because = ownText(this.#own);
  }

  get octets(): number {
    return this.#octets;
  }

  get limit(): PathLimit {
    if (this.#believed.claim !== null) return 'icmp';
    return this.#own.ofRoute ? 'route' : 'link';
  }

  get since(): number {
    return this.#since;
  }

  get because(): string {
    return this.#because;
  }

  /** From time to time: what the own link and route say now, and whether the path is to be tried again. */
  refresh(nowMs: number): PathNews[] {
    if (!this.#context.gre.df) return [];
    this.#lookAtRoute();
    const triesAgain = this.#believed.expire(nowMs);
    return this.#settle(triesAgain ? 'what ICMP said is old: the path is tried again' : ownText(this.#own));
  }

  /** Of a message about a packet from our address to the peer's: is the packet one of this tunnel? */
  judge(message: TooBig): Judgement {
    return judgeQuote(message, this.#ownPackets());
  }

  /** Draws the consequence of a message. */
  hear({ tooBig, judgement, from }: HeardTooBig, nowMs: number): PathNews[] {
    if (!this.#context.gre.df) return [];
    this.claims[judgement.verdict]++;
    const octets = claimedMtu(tooBig.mtu, tooBig.packet.totalLen);
    if (judgement.verdict === 'refused') {
      return this.#ignore(octets, `not believed, as the packet that ${from} quotes ${judgement.why}`, nowMs);
    }
    const why = this.#whyNot(octets);
    if (why !== null) return this.#ignore(octets, why, nowMs);
    const proof = judgement.verdict;
    if (!this.#believed.take({ octets, proof, from }, this.#octets, nowMs)) return [];
    const quote =
      proof === 'proven' ? 'proven by the packet that it quotes' : 'it quotes too little for a proof';
    return this.#settle(`ICMP of ${from}: ${quote}`);
  }

  /** Why a message that is believed is not followed, or null. */
  #whyNot(octets: number): string | null {
    const { fixedMtu } = this.#context;
    if (fixedMtu !== null) return `not followed, tap.mtu is set to ${fixedMtu}`;
    if (this.#own.locked) return 'not followed, the MTU of the route is locked';
    if (octets < LEAST_BELIEVED) return `not followed below ${LEAST_BELIEVED}; if it is true, set tap.mtu`;
    return null;
  }

  #ignore(octets: number, why: string, nowMs: number): PathNews[] {
    const count = this.#gate.due(nowMs);
    return count === 0 ? [] : [{ kind: 'ignored', octets, why, count }];
  }

  #lookAtRoute(): void {
    const remote = this.#context.peer()?.address ?? null;
    const route = remote === null ? null : this.#source.route(this.#context.gre.local, remote);
    if (route !== null) this.#own = route;
  }

  /** Takes over what follows from all that is known. */
  #settle(because: string): PathNews[] {
    const claim = this.#believed.claim;
    if (claim !== null && claim.octets >= this.#own.mtu) this.#believed.forget();
    const octets = Math.min(this.#own.mtu, claim?.octets ?? Number.POSITIVE_INFINITY);
    if (octets === this.#octets) return [];
    this.#octets = octets;
    this.#because = because;
    this.#since = Date.now();
    return [{ kind: 'changed', because }];
  }

  #ownPackets(): OwnPackets {
    const { gre, peer, sourcePorts, secTags } = this.#context;
    if (gre.encap !== 'udp') return { udp: null, gre, secy: secTags() };
    const udp = { localPorts: [gre.port, ...sourcePorts()], remotePort: peer()?.port ?? gre.port };
    return { udp, gre, secy: secTags() };
  }
}

function ownText({ ofRoute }: Route): string {
  return ofRoute ? 'the MTU of the route' : 'the MTU of the own link';
}
