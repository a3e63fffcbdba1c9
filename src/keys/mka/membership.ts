/**
 * Who takes part in a key agreement: this end's identity, its peers, and which of them is key server
 * (IEEE 802.1X-2020 9.4, 9.5).
 */
import { electKeyServer, NEVER_KEY_SERVER } from './election.ts';
import type { MkaEvent, MkaEventName } from './events.ts';
import { type HandedIdentity, Identity } from './identity.ts';
import type { KayRefusal } from './kay-refusal.ts';
import type { RandomSource } from './keys.ts';
import type { ListedPeer, MemberId, Mkpdu } from './mkpdu.ts';
import { type HandedPeers, type Heard, type Peer, Peers } from './peers.ts';
import { MISSED_MS, type MkaSettings, RECENT_MS } from './settings.ts';

export interface MembershipListener {
  tell(name: MkaEventName, text: string, more?: Partial<MkaEvent>): void;
  /** Something is new that peers should hear of at once. */
  changed(): void;
  joined(peer: Peer): void;
  left(peer: Peer): void;
  elected(): void;
  renewed(): void;
}

/** For another process. */
export interface HandedMembership {
  readonly identity: HandedIdentity;
  readonly peers: HandedPeers;
  /** By member identifier. */
  readonly keyServer: MemberId | 'self' | null;
  readonly isLeaderless: boolean;
}

export class Membership {
  readonly identity: Identity;
  readonly peers: Peers = new Peers();
  /** `self`: this end is; null: nobody, or nobody is live. */
  keyServer: Peer | 'self' | null = null;
  /** It has been told that nobody offers itself. */
  #isLeaderless = false;
  readonly #settings: () => MkaSettings;
  readonly #listener: MembershipListener;

  constructor(settings: () => MkaSettings, random: RandomSource, listener: MembershipListener) {
    this.#settings = settings;
    this.#listener = listener;
    this.identity = new Identity(random);
  }

  get handed(): HandedMembership {
    const { identity, peers, keyServer } = this;
    return {
      ...{ identity: identity.handed, peers: peers.handed, isLeaderless: this.#isLeaderless },
      keyServer: keyServer === 'self' || keyServer === null ? keyServer : keyServer.mi,
    };
  }

  /** What another process has been part of; times are later by `shiftMs` here. */
  goOn({ identity, peers, keyServer, isLeaderless }: HandedMembership, shiftMs: number): void {
    this.identity.goOn(identity, shiftMs);
    this.peers.goOn(peers, shiftMs);
    this.keyServer = keyServer === 'self' || keyServer === null ? keyServer : this.peers.find(keyServer);
    this.#isLeaderless = isLeaderless;
  }

  /** Whether this end still offers itself: until another is known to be key server. */
  get offersToServe(): boolean {
    if (this.#settings().priority === NEVER_KEY_SERVER) return false;
    return this.keyServer === null || this.keyServer === 'self';
  }

  /** Takes note of who sent an authentic MKPDU; a refused one changes nothing but, where that helps, our identity. */
  receive(mkpdu: Mkpdu, nowMs: number): Peer | KayRefusal {
    const { mi, sci } = mkpdu.basic;
    const { sci: ownSci, lifeMs } = this.#settings();
    if (sci === ownSci) return 'OwnMessage';
    if (mi === this.identity.mi) return this.#renewFor('OwnMi', 'a peer uses the one we had');
    const listed = listing(mkpdu, this.identity.mi)?.mn ?? null;
    if (listed !== null && listed > this.identity.mn) {
      return this.#renewFor('UnsentMn', 'a peer lists a message that was never sent under the one we had');
    }
    const ageMs = listed === null ? Number.POSITIVE_INFINITY : this.identity.ageOf(listed, nowMs);
    const heard = this.peers.hear(mkpdu, nowMs, lifeMs, {
      provesLife: (isLive) => ageMs <= (isLive ? lifeMs : RECENT_MS),
      isMissed: listed !== null && this.#isMissed(listed, nowMs),
    });
    if (typeof heard === 'string') return heard;
    this.#note(heard);
    noteKeysOfBefore(heard.peer, mkpdu, this.identity.mi);
    this.elect();
    return heard.peer;
  }

  expire(nowMs: number): void {
    const lost = this.peers.expire(nowMs);
    for (const peer of lost) {
      if (!peer.isLive) continue;
      const text = `peer lost: not heard, or does not hear us, for ${this.#settings().lifeMs} ms`;
      this.#listener.tell('peer lost', text, { level: 'warn', sci: peer.sci, mi: peer.mi });
      this.#listener.left(peer);
    }
    if (lost.length > 0) this.elect();
  }

  /** Another member identifier; peers stay what they are. */
  renew(why: string): void {
    this.identity.renew();
    this.#listener.tell('new member identifier', `new member identifier: ${why}`, { mi: this.identity.mi });
    this.#listener.changed();
    this.#listener.renewed();
  }

  elect(): void {
    const { priority, sci } = this.#settings();
    const { live } = this.peers;
    const elected = live.length === 0 ? null : electKeyServer({ priority, sci }, live);
    this.#noteLeaderless(elected === null && live.length > 0);
    if (elected === this.keyServer) return;
    this.keyServer = elected;
    this.#tellElected(elected);
    this.#listener.changed();
    this.#listener.elected();
  }

  /** A message after the one that a peer lists is on its way for longer than any path takes. */
  #isMissed(listed: number, nowMs: number): boolean {
    return listed < this.identity.mn && this.identity.ageOf(listed + 1, nowMs) > MISSED_MS;
  }

  #renewFor(refusal: KayRefusal, why: string): KayRefusal {
    this.renew(why);
    return refusal;
  }

  #note({ change, peer, replaced }: Exclude<Heard, string>): void {
    if (change === 'none') return;
    const about = { sci: peer.sci, mi: peer.mi };
    this.#listener.changed();
    if (change === 'new') {
      this.#listener.tell('peer heard', 'peer heard: potential as yet', about);
      return;
    }
    if (replaced.length > 0) {
      this.#listener.tell(
        'peer started anew',
        'peer started anew: live under another member identifier',
        about,
      );
    } else {
      this.#listener.tell('peer live', 'peer live: it hears us', about);
    }
    this.#listener.joined(peer);
  }

  #noteLeaderless(isLeaderless: boolean): void {
    if (isLeaderless && !this.#isLeaderless) {
      const text = 'no key server: nobody offers itself; give one end a priority below 255';
      this.#listener.tell('no key server', text, { level: 'warn' });
    }
    this.#isLeaderless = isLeaderless;
  }

  #tellElected(elected: Peer | 'self' | null): void {
    if (elected === 'self') {
      this.#listener.tell('elected key server', `elected key server: priority ${this.#settings().priority}`);
    } else if (elected !== null) {
      const text = `became member: the key server is ${elected.sci}, priority ${elected.basic.priority}`;
      this.#listener.tell('became member', text, { sci: elected.sci, mi: elected.mi });
    }
  }
}

/** Where the MKPDU lists a member, in whichever list. */
function listing({ livePeers, potentialPeers }: Mkpdu, mi: MemberId): ListedPeer | null {
  for (const list of [livePeers, potentialPeers]) {
    const found = list?.peers.find((peer) => peer.mi === mi);
    if (found !== undefined) return found;
  }
  return null;
}

/** Keys that the peer has made before it lists us as live are not for us; see `accept-sak.ts`. */
function noteKeysOfBefore(peer: Peer, { livePeers, sakUse, distributedSak }: Mkpdu, ownMi: MemberId): void {
  if (livePeers?.peers.some(({ mi }) => mi === ownMi)) return;
  const used = [sakUse?.latest.ki, sakUse?.old.ki].map((ki) => (ki?.mi === peer.mi ? ki.kn : 0));
  peer.knFloor = Math.max(peer.knFloor, distributedSak?.kn ?? 0, ...used);
}
