/**
 * The peers of a participant (IEEE 802.1X-2020 9.4.3). Who sends an MKPDU with a right ICV is potential: it may be a
 * recording. Who lists a message that we sent a moment ago is live: it has heard us now.
 *
 * A station that has started anew comes with another MI under the same SCI. It is a second peer beside the one that it
 * was, and takes its place when it has proved to be live. So a recording of an earlier session costs a place among the
 * potential peers and nothing else. Message numbers of those that have gone are remembered for a while, so that what
 * they last sent cannot bring them back.
 */
import type { BasicSet, MemberId, Mkpdu, SakUse, UsedKey, XpnSet } from './mkpdu.ts';
import { LIFE_MS, MAX_LIVE_PEERS, MAX_POTENTIAL_PEERS } from './settings.ts';

export interface Peer {
  readonly mi: MemberId;
  readonly sci: string;
  /** Of its last MKPDU, which is the newest. */
  basic: BasicSet;
  sakUse: SakUse | null;
  xpn: XpnSet | null;
  isLive: boolean;
  /** Its last MKPDU listed a message of ours that was recent enough. */
  isProved: boolean;
  heardMs: number;
  expiresMs: number;
  /** The highest number of a key of its own that it spoke of before it listed us: such a key is older than we are. */
  knFloor: number;
  readonly sinceMs: number;
  /** It has said that it takes control frames: an l2vpnd. */
  takesControlFrames: boolean;
  /** When all is calm a hello each so many milliseconds is enough for it; 0: it has not said. */
  calmHelloMs: number;
  /** Messages it was the sender of. */
  heard: number;
  /**
   * How many of its MKPDUs in a row said what the one before had said, numbers of messages and packets aside, while none
   * was missing either way.
   */
  steadyFor: number;
}

export type Heard =
  | { readonly change: 'none' | 'new' | 'live'; readonly peer: Peer; readonly replaced: readonly Peer[] }
  | 'ReplayedMn'
  | 'SciChanged';

/** What an MKPDU lists of our messages. */
export interface Listing {
  /** Whether the last one that it lists is recent enough for a peer that is live already, or is not. */
  provesLife(isLive: boolean): boolean;
  /** It should list a later one: that did not arrive. */
  readonly isMissed: boolean;
}

interface Gone {
  readonly mn: number;
  readonly untilMs: number;
}

const MAX_GONE = 128;

/** For another process. */
export interface HandedPeers {
  readonly peers: readonly Peer[];
  readonly gone: ReadonlyMap<MemberId, Gone>;
}

export class Peers {
  readonly #peers = new Map<MemberId, Peer>();
  /** Message numbers of those that have been live, the longest gone first. */
  readonly #gone = new Map<MemberId, Gone>();
  #live: readonly Peer[] = [];
  #potential: readonly Peer[] = [];

  get handed(): HandedPeers {
    return { peers: [...this.#peers.values()], gone: this.#gone };
  }

  /** Those that another process has known; times are later by `shiftMs` here. */
  goOn({ peers, gone }: HandedPeers, shiftMs: number): void {
    for (const peer of peers) {
      const { heardMs, expiresMs, sinceMs } = peer;
      const times = {
        heardMs: heardMs + shiftMs,
        expiresMs: expiresMs + shiftMs,
        sinceMs: sinceMs + shiftMs,
      };
      this.#peers.set(peer.mi, { ...peer, ...times });
    }
    for (const [mi, { mn, untilMs }] of gone) this.#gone.set(mi, { mn, untilMs: untilMs + shiftMs });
    this.#sort();
  }

  get live(): readonly Peer[] {
    return this.#live;
  }

  get potential(): readonly Peer[] {
    return this.#potential;
  }

  find(mi: MemberId): Peer | null {
    return this.#peers.get(mi) ?? null;
  }

  /** Whether somebody new may be about to join; those that were live under another MI are none. */
  get isSomebodyJoining(): boolean {
    if (this.#potential.length === 0) return false;
    const scis = new Set(this.live.map(({ sci }) => sci));
    return this.potential.some(({ sci }) => !scis.has(sci));
  }

  /**
   * Takes note of an authentic MKPDU, by what it lists of ours. What is refused changes nothing.
   */
  hear(mkpdu: Mkpdu, nowMs: number, lifeMs: number, { provesLife, isMissed }: Listing): Heard {
    const { mi, mn, sci } = mkpdu.basic;
    const known = this.#peers.get(mi);
    if (mn <= (known?.basic.mn ?? this.#goneMn(mi, nowMs))) return 'ReplayedMn';
    if (known !== undefined && known.sci !== sci) return 'SciChanged';
    const peer = known ?? this.#add(mkpdu, nowMs);
    const isProved = provesLife(peer.isLive);
    const becomesLive = isProved && !peer.isLive && this.live.length < MAX_LIVE_PEERS;
    const isSteady =
      isProved && peer.isLive && !isMissed && mn === peer.basic.mn + 1 && saysTheSame(peer, mkpdu);
    peer.steadyFor = isSteady ? peer.steadyFor + 1 : 0;
    update(peer, mkpdu, nowMs);
    peer.isProved = isProved;
    if (becomesLive) peer.isLive = true;
    if (isProved || !peer.isLive) peer.expiresMs = nowMs + (peer.isLive ? lifeMs : LIFE_MS);
    const replaced = becomesLive ? this.#replace(peer, nowMs) : [];
    if (becomesLive || known === undefined) this.#sort();
    return { change: becomesLive ? 'live' : known === undefined ? 'new' : 'none', peer, replaced };
  }

  /** Lets those go that were not heard for too long. */
  expire(nowMs: number): Peer[] {
    if (this.dueMs > nowMs) return [];
    const lost = [...this.#peers.values()].filter(({ expiresMs }) => expiresMs <= nowMs);
    if (lost.length === 0) return lost;
    for (const peer of lost) this.#remove(peer, nowMs);
    this.#sort();
    return lost;
  }

  /** When `expire` has something to do; infinite: never. */
  get dueMs(): number {
    let due = Number.POSITIVE_INFINITY;
    for (const { expiresMs } of this.#peers.values()) due = Math.min(due, expiresMs);
    return due;
  }

  #sort(): void {
    const all = [...this.#peers.values()];
    this.#live = all.filter(({ isLive }) => isLive);
    this.#potential = all.filter(({ isLive }) => !isLive);
  }

  #add(mkpdu: Mkpdu, nowMs: number): Peer {
    const potential = this.potential;
    if (potential.length >= MAX_POTENTIAL_PEERS) {
      this.#remove(
        potential.reduce((a, b) => (b.heardMs < a.heardMs ? b : a)),
        nowMs,
      );
    }
    const { basic } = mkpdu;
    const peer: Peer = {
      mi: basic.mi,
      sci: basic.sci,
      basic,
      sakUse: null,
      xpn: null,
      isLive: false,
      isProved: false,
      heardMs: nowMs,
      expiresMs: nowMs + LIFE_MS,
      knFloor: 0,
      sinceMs: nowMs,
      takesControlFrames: false,
      calmHelloMs: 0,
      heard: 0,
      steadyFor: 0,
    };
    this.#peers.set(peer.mi, peer);
    return peer;
  }

  /** Others under the SCI of a peer that is live now: what it was before, or recordings of it. */
  #replace(peer: Peer, nowMs: number): Peer[] {
    const former = [...this.#peers.values()].filter((other) => other !== peer && other.sci === peer.sci);
    for (const other of former) this.#remove(other, nowMs);
    return former.filter(({ isLive }) => isLive);
  }

  #remove(peer: Peer, nowMs: number): void {
    this.#peers.delete(peer.mi);
    // What a potential peer sent would not make it live when it came again.
    if (!peer.isLive) return;
    this.#gone.delete(peer.mi);
    this.#gone.set(peer.mi, { mn: peer.basic.mn, untilMs: nowMs + 4 * LIFE_MS });
    if (this.#gone.size > MAX_GONE) this.#gone.delete(this.#gone.keys().next().value!);
  }

  #goneMn(mi: MemberId, nowMs: number): number {
    const gone = this.#gone.get(mi);
    return gone === undefined || gone.untilMs < nowMs ? 0 : gone.mn;
  }
}

/** Whether nothing follows from the MKPDU of a live peer but that it is there still. */
function saysTheSame({ basic, sakUse, takesControlFrames }: Peer, mkpdu: Mkpdu): boolean {
  const now = mkpdu.basic;
  if (mkpdu.linkControl !== null && !takesControlFrames) return false;
  if (now.keyServer !== basic.keyServer || now.priority !== basic.priority) return false;
  if (now.macsecDesired !== basic.macsecDesired || now.capability !== basic.capability) return false;
  if (mkpdu.distributedSak !== null || mkpdu.potentialPeers !== null) return false;
  if (sakUse === null || mkpdu.sakUse === null) return sakUse === mkpdu.sakUse;
  const { latest, old, delayProtect } = mkpdu.sakUse;
  return !delayProtect && isSameUse(latest, sakUse.latest) && isSameUse(old, sakUse.old);
}

function isSameUse(a: UsedKey, b: UsedKey): boolean {
  return a.ki?.kn === b.ki?.kn && a.ki?.mi === b.ki?.mi && a.an === b.an && a.tx === b.tx && a.rx === b.rx;
}

function update(peer: Peer, { basic, sakUse, xpn, linkControl }: Mkpdu, nowMs: number): void {
  if (linkControl !== null) {
    peer.takesControlFrames = true;
    peer.calmHelloMs = linkControl.calmHelloMs;
  }
  peer.basic = basic;
  peer.sakUse = sakUse;
  peer.xpn = xpn;
  peer.heardMs = nowMs;
  peer.heard++;
}
