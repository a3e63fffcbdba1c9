/**
 * What the path to the peer carries: what the own link takes, less where the route says so, where ICMP proves that a packet
 * of ours was too big, or where probes to a peer that answers them do not arrive (`path/search.ts`). Nobody is believed by his word: a message is judged by the packet that it quotes (`path/quote.ts`).
 * The kernel believes more, so it is not asked: sockets send whatever it has cached (IP_PMTUDISC_PROBE), and its routing
 * table is read without it.
 */
import type { GreConfig } from '../encap/config.ts';
import { linkMtuOf, type Route, routeTo } from '../host/route.ts';
import { pathMtu } from '../host/socket.ts';
import { BelievedMtu, claimedMtu, LEAST_BELIEVED } from '../path/believed-mtu.ts';
import { type Judgement, judgeQuote, type OwnPackets, type OwnSecTags } from '../path/quote.ts';
import { PathSearch, type SearchClock, type SearchEvent, type SearchState } from '../path/search.ts';
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
  /** The same, in the middle of a search: an operator need not hear it. */
  | { readonly kind: 'grown' }
  /** Messages that nothing follows from, `count` of them since the last news; the last one claimed `octets`. */
  | { readonly kind: 'ignored'; readonly octets: number; readonly why: string; readonly count: number };

/** Who knows the routes and links of this host. */
export interface RouteSource {
  route(local: string, remote: string): Route | null;
  /** The MTU of the link that has this address. */
  link(local: string): number;
}

const KERNEL: RouteSource = { route: routeTo, link: linkMtuOf };

/** What probes are sent by, while the peer answers them. */
export interface Prober {
  readonly clock: SearchClock;
  /** Sends a probe that is a packet of so many octets, outer IP header and all. */
  probe(octets: number): void;
  isBusy(): boolean;
}

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
  /** How far the search by probes is; `stopped`: there is none. */
  readonly search: SearchState;
}

export class TunnelPath implements PathView {
  readonly #context: PathContext;
  readonly #source: RouteSource;
  readonly #believed = new BelievedMtu();
  readonly #gate = new PathNewsGate();
  /** Null: there is nobody to answer probes. */
  #search: PathSearch | null = null;
  #limit: PathLimit;
  #told: (news: PathNews[]) => void = () => {};
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
    this.#limit = ownLimit(this.#own);
  }

  get octets(): number {
    return this.#octets;
  }

  get limit(): PathLimit {
    return this.#limit;
  }

  get since(): number {
    return this.#since;
  }

  get because(): string {
    return this.#because;
  }

  get search(): SearchState {
    return this.#search?.state ?? 'stopped';
  }

  /** A process before has found that it carries `octets` and no more. */
  goOnFrom(octets: number, limit: PathLimit, nowMs: number): void {
    if (octets >= this.#own.mtu || (limit !== 'icmp' && limit !== 'probes')) return;
    this.#believed.take({ octets, proof: 'proven', from: limit }, this.#own.mtu, nowMs);
    this.#settle('what was found before the upgrade');
  }

  /** `listener` hears what probes find. */
  onNews(listener: (news: PathNews[]) => void): void {
    this.#told = listener;
  }

  /** The peer answers probes from now on: nobody else's word is taken for what they can find out. */
  probeBy({ clock, probe, isBusy }: Prober): void {
    const { gre, fixedMtu } = this.#context;
    if (this.#search !== null || !gre.df || gre.mtuProbeSeconds === 0) return;
    if (fixedMtu !== null || this.#own.locked) return;
    this.#believed.forget();
    this.#search = new PathSearch({
      clock,
      probe,
      isBusy,
      random: Math.random,
      raiseMs: gre.mtuProbeSeconds * 1000,
      listener: (event) => this.#heed(event),
    });
    this.#search.start(this.#octets, this.#own.mtu);
  }

  /** Nobody answers probes any more. What they have found holds for a while. */
  stopProbing(nowMs: number): void {
    const search = this.#search;
    if (search === null) return;
    this.#search = null;
    search.stop();
    this.#believed.take({ octets: search.octets, proof: 'proven', from: 'probes' }, this.#own.mtu, nowMs);
  }

  /** A probe of `octets` octets has come to the peer. */
  probeAnswered(octets: number): void {
    this.#search?.answered(octets);
  }

  #heed(event: SearchEvent): void {
    const octets = this.#search!.octets;
    const isWhole = octets === this.#own.mtu;
    const limit = isWhole ? ownLimit(this.#own) : 'probes';
    const because =
      event.name === 'black hole'
        ? `probes of ${event.octets} octets do not arrive, and smaller ones do`
        : `the peer has had a probe of ${octets} octets${isWhole ? '' : ', and no longer one'}`;
    this.#become(octets, limit, because);
    this.#told([event.name === 'grown' ? { kind: 'grown' } : { kind: 'changed', because }]);
  }

  /** From time to time: what the own link and route say now, and whether the path is to be tried again. */
  refresh(nowMs: number): PathNews[] {
    if (!this.#context.gre.df) return [];
    this.#lookAtRoute();
    const triesAgain = this.#believed.expire(nowMs);
    return this.#settle(triesAgain ? 'what was found is old: the path is tried again' : ownText(this.#own));
  }

  /** Of a message about a packet from our address to the peer's: is the packet one of this tunnel? */
  judge(message: TooBig): Judgement {
    return judgeQuote(message, this.#ownPackets());
  }

  /** Draws the consequence of a message. */
  hear({ tooBig, judgement, from }: HeardTooBig, nowMs: number): PathNews[] {
    if (!this.#context.gre.df) return [];
    if (judgement.verdict === 'probe') return [];
    this.claims[judgement.verdict]++;
    const octets = claimedMtu(tooBig.mtu, tooBig.packet.totalLen);
    if (judgement.verdict === 'refused') {
      return this.#ignore(octets, `not believed, as the packet that ${from} quotes ${judgement.why}`, nowMs);
    }
    const why = this.#whyNot(octets);
    if (why !== null) return this.#ignore(octets, why, nowMs);
    const proof = judgement.verdict;
    if (proof === 'plausible' && this.#search !== null) {
      this.#search.suspect(octets);
      return [];
    }
    if (!this.#believed.take({ octets, proof, from }, this.#octets, nowMs)) return [];
    const quote =
      proof === 'proven' ? 'proven by the packet that it quotes' : 'it quotes too little for a proof';
    this.#search?.lower(octets);
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
    this.#search?.setMost(this.#own.mtu);
    const claim = this.#believed.claim;
    if (this.#search !== null || (claim !== null && claim.octets >= this.#own.mtu)) this.#believed.forget();
    const believed = this.#search?.octets ?? claim?.octets ?? Number.POSITIVE_INFINITY;
    const octets = Math.min(this.#own.mtu, believed);
    if (octets === this.#octets) return [];
    const ofOther = claim?.from === 'probes' ? 'probes' : 'icmp';
    this.#become(octets, octets === this.#own.mtu ? ownLimit(this.#own) : ofOther, because);
    return [{ kind: 'changed', because }];
  }

  #become(octets: number, limit: PathLimit, because: string): void {
    if (octets !== this.#octets) this.#since = Date.now();
    this.#octets = octets;
    this.#limit = limit;
    this.#because = because;
  }

  #ownPackets(): OwnPackets {
    const { gre, peer, sourcePorts, secTags } = this.#context;
    if (gre.encap !== 'udp') return { udp: null, gre, secy: secTags() };
    const udp = { localPorts: [gre.port, ...sourcePorts()], remotePort: peer()?.port ?? gre.port };
    return { udp, gre, secy: secTags() };
  }
}

function ownLimit({ ofRoute }: Route): PathLimit {
  return ofRoute ? 'route' : 'link';
}

function ownText({ ofRoute }: Route): string {
  return ofRoute ? 'the MTU of the route' : 'the MTU of the own link';
}
