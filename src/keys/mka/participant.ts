/**
 * One participant of a key agreement (IEEE 802.1X-2020 clause 9): that of one CAK. It takes and gives MKPDUs as plain
 * data; the port's keys are shared with the participants of other CAKs. No I/O, no timer: time is an argument.
 *
 *   1. `receive` an MKPDU whose ICV was right: who sends it, is the sender live, who is key server (`membership.ts`)
 *   2. its SAK, where it comes from our key server (`accept-sak.ts`), then what it says of the SAKs in use
 *   3. `serve`, as key server: make a SAK, if one is wanted and may be made (`sak-requests.ts`)
 *   4. `compose` an MKPDU, when one is due: soon after something new, else at each hello
 */
import { acceptSak } from './accept-sak.ts';
import { composeMkpdu } from './compose.ts';
import type { MkaEvent, MkaEventName } from './events.ts';
import type { InstalledSak } from './installed-sak.ts';
import { KAY_REFUSAL_TEXTS, type KayRefusal } from './kay-refusal.ts';
import { Distribution, isAble, isAnInUse, newSak, nextAn } from './key-server.ts';
import { lowestPnOf, type OwnSakUse, ownSakUse, pnLowOf, receivesWith, transmitsWith } from './key-use.ts';
import { deriveMkaKeys, type MkaKeys, type RandomSource } from './keys.ts';
import { Membership } from './membership.ts';
import type { DistributedSak, Mkpdu } from './mkpdu.ts';
import type { Peer, Peers } from './peers.ts';
import type { PortKeys } from './port-keys.ts';
import { formatKi } from './sak.ts';
import { type SakReason, SakRequests } from './sak-requests.ts';
import {
  ANSWER_GAP_MS,
  LOST_SAK_MS,
  type MkaSettings,
  type NamedCak,
  SAK_CALM_MS,
  SAK_GIVE_UP_MS,
} from './settings.ts';
import { Tally } from './tally.ts';

/** What the participants of a port share. */
export interface SharedPort {
  readonly settings: MkaSettings;
  readonly keys: PortKeys;
  readonly random: RandomSource;
  /** When the last SAK was made here; minus infinity: never. */
  lastSakMs: number;
  /** All members transmit with the latest SAK. */
  readonly isSettled: boolean;
  /** Three quarters of the packet numbers that this end has with the latest SAK are used. */
  readonly isPnLow: boolean;
  /** The lowest PN to report for a SAK. */
  lowestPn(installed: InstalledSak, nowMs: number): bigint;
  tell(event: MkaEvent): void;
}

/** Part of `helloMs` by which a hello may come early, so that many tunnels do not send in step. */
const HELLO_JITTER = 0.1;

export class Participant {
  readonly ckn: string;
  readonly mkaKeys: MkaKeys;
  readonly tally: Tally = new Tally();
  readonly members: Membership;
  readonly requests: SakRequests = new SakRequests();
  /** This one distributes SAKs, as key server. */
  isPrincipal = false;
  readonly #cak: NamedCak['cak'];
  readonly #port: SharedPort;
  #distribution: Distribution | null = null;
  #wantsAnswer = true;
  /** The key server, and when it last spoke of a SAK that is here. */
  #watched: Peer | null = null;
  #spokenOfMs = Number.NEGATIVE_INFINITY;
  #lastSentMs = Number.NEGATIVE_INFINITY;
  #helloMs = Number.NEGATIVE_INFINITY;

  constructor({ ckn, cak }: NamedCak, port: SharedPort) {
    this.ckn = ckn;
    this.#cak = cak;
    this.mkaKeys = deriveMkaKeys(cak, ckn);
    this.#port = port;
    this.members = new Membership(() => port.settings, port.random, {
      tell: (name, text, more) => this.#tell(name, text, more),
      changed: () => this.answerSoon(),
      joined: (peer) => this.#joined(peer),
      left: () => this.#left(),
      elected: () => this.#elected(),
      renewed: () => this.requests.request('new member identifier'),
    });
  }

  isOf({ ckn, cak }: NamedCak): boolean {
    return ckn === this.ckn && cak.equals(this.#cak);
  }

  get peers(): Peers {
    return this.members.peers;
  }

  /** Those who take part in SAKs. */
  get able(): Peer[] {
    return this.peers.live.filter((peer) => isAble(peer, this.#port.settings.encrypt));
  }

  get isServing(): boolean {
    return this.members.keyServer === 'self' && this.isPrincipal;
  }

  /** Peers are to hear what is new here, not only at the next hello. */
  answerSoon(): void {
    this.#wantsAnswer = true;
  }

  /** An MKPDU of this CKN whose ICV was right. Nothing that it may say makes this throw. */
  receive(mkpdu: Mkpdu, nowMs: number): void {
    this.tally.received++;
    const peer = this.members.receive(mkpdu, nowMs);
    if (typeof peer === 'string') {
      this.#refuse(peer);
      return;
    }
    if (mkpdu.distributedSak !== null) this.#takeSak(peer, mkpdu, mkpdu.distributedSak, nowMs);
    if (peer.isLive) this.#noteUse(peer);
    if (peer === this.members.keyServer) this.#watchServer(peer, nowMs);
    if (this.#distribution?.isDone(this.able)) this.#distribution = null;
  }

  /** As key server, what time brings: makes a SAK, if one is wanted and may be made. */
  serve(nowMs: number): void {
    if (!this.isServing) return;
    this.#askForMore(nowMs);
    const { able } = this;
    if (able.length === 0 || nowMs < this.#sakDueMs(able)) return;
    this.#makeSak(able, nowMs);
  }

  /** When `serve`, `compose` or `expire` have something to do. */
  dueMs(): number {
    const { able } = this;
    const serveMs = this.isServing && able.length > 0 ? this.#sakDueMs(able) : Number.POSITIVE_INFINITY;
    return Math.min(serveMs, this.rekeyMs, this.#sendMs, this.peers.dueMs);
  }

  /** When the SAK is replaced by time; infinite: not by this end. */
  get rekeyMs(): number {
    const { settings, keys } = this.#port;
    const { latest } = keys;
    if (
      settings.rekeySeconds === null ||
      !latest?.isOwn ||
      !this.isServing ||
      this.requests.reason !== null
    ) {
      return Number.POSITIVE_INFINITY;
    }
    return latest.sinceMs + settings.rekeySeconds * 1000;
  }

  /** The MKPDU to send now; null: none is due. */
  compose(nowMs: number): Mkpdu | null {
    if (nowMs < this.#sendMs) return null;
    const { settings, random } = this.#port;
    if (this.members.identity.isLow) this.members.renew('message or key numbers end soon');
    this.#wantsAnswer = false;
    this.#lastSentMs = nowMs;
    this.#helloMs = nowMs + settings.helloMs * (1 - (HELLO_JITTER * random(1)[0]!) / 256);
    this.tally.sent++;
    const { identity, peers, offersToServe } = this.members;
    return composeMkpdu({
      ...{ settings, ckn: this.ckn, mi: identity.mi, mn: identity.takeMn(nowMs), offersToServe },
      ...{ live: peers.live, potential: peers.potential, use: this.#use(nowMs) },
      distributed: this.#distributed,
    });
  }

  /** An answer waits for the SAK that this end is about to receive with, so that it need not wait for the gap behind it. */
  get #sendMs(): number {
    const isSakOnItsWay = this.#distribution !== null && !this.#distribution.isOut;
    return this.#wantsAnswer && !isSakOnItsWay ? this.#lastSentMs + ANSWER_GAP_MS : this.#helloMs;
  }

  /** None before the first SAK of the one in charge; zeros where another one is, to stay alive with peers that need the set. */
  #use(nowMs: number): OwnSakUse | null {
    if (this.peers.live.length === 0) return null;
    const { keys } = this.#port;
    if (this.isPrincipal && keys.latest === null) return null;
    return ownSakUse(keys, this.ckn, (installed) => this.#port.lowestPn(installed, nowMs));
  }

  get #distributed(): DistributedSak | null {
    const distribution = this.#distribution;
    if (distribution === null || !this.isServing || this.#port.keys.latest !== distribution.installed)
      return null;
    return distribution.isOut ? distribution.set : null;
  }

  #joined(peer: Peer): void {
    const { settings, keys } = this.#port;
    if (this.peers.live.length === 1) this.requests.clear();
    // The SAK that is being distributed was not made for it, and it might have had it before it started anew.
    this.#distribution = null;
    this.requests.request('peer joined');
    if (this.members.keyServer !== 'self') keys.addPeer(peer.sci);
    if (isAble(peer, settings.encrypt)) return;
    const text =
      'peer cannot use MACsec as it is configured here: it gets no SAK, and nothing is sent in clear';
    this.#tell('peer cannot use MACsec', text, { level: 'warn', sci: peer.sci, mi: peer.mi });
  }

  #left(): void {
    if (this.peers.live.length > 0) this.requests.request('peer left');
  }

  /** Another key server makes a SAK by itself; what was wanted of us is settled by it. */
  #elected(): void {
    if (this.members.keyServer === 'self') this.requests.request('this end became key server');
    else this.requests.clear();
  }

  #takeSak(peer: Peer, mkpdu: Mkpdu, distributed: DistributedSak, nowMs: number): void {
    if (peer !== this.members.keyServer) {
      this.#refuse('SakNotFromServer');
      return;
    }
    const { settings, keys } = this.#port;
    const { cipher, encrypt, sci } = settings;
    const { identity, peers } = this.members;
    const member = { mi: identity.mi, sci, cipher, encrypt, kek: this.mkaKeys.kek, peers, keys };
    const sak = acceptSak(member, peer, mkpdu, distributed);
    if (sak === null) return;
    if (typeof sak === 'string') {
      this.#refuse(sak);
      return;
    }
    const scis = peers.live.map((live) => live.sci);
    keys.add(sak, this.ckn, false, scis, nowMs);
    this.tally.saksReceived++;
    const ki = formatKi(sak.ki);
    this.#tell('SAK received', `SAK received: from the key server ${peer.sci}`, { ki, an: sak.an });
  }

  /** Delay protection, and packet numbers that run out. */
  #noteUse(peer: Peer): void {
    const { keys } = this.#port;
    for (const installed of keys.staying) {
      if (installed.ckn !== this.ckn) continue;
      const pn = lowestPnOf(peer, installed.sak);
      if (peer.sakUse?.delayProtect) keys.raiseLowestPn(installed, peer.sci, pn);
      if (installed === keys.latest && pn > pnLowOf(installed.sak))
        this.requests.request('packet numbers run out');
    }
  }

  /**
   * A key server that has lost the SAK, or this end as a member, may not know that another is due. It makes one for who
   * comes anew.
   */
  #watchServer(server: Peer, nowMs: number): void {
    const { latest } = this.#port.keys;
    const ki = latest?.ckn === this.ckn ? latest.sak.ki : null;
    const isSpokenOf = ki === null || receivesWith(server, ki) || transmitsWith(server, ki);
    if (isSpokenOf || this.#watched !== server) this.#spokenOfMs = nowMs;
    this.#watched = server;
    if (nowMs - this.#spokenOfMs < LOST_SAK_MS) return;
    this.#spokenOfMs = nowMs;
    this.members.renew('the key server does not speak of the SAK any more');
  }

  #askForMore(nowMs: number): void {
    if (nowMs >= this.rekeyMs) this.requests.request('by time');
    if (this.#port.isPnLow) this.requests.request('packet numbers run out');
    const { latest } = this.#port.keys;
    if (this.requests.reason !== null || latest === null) return;
    const patienceMs = this.#distribution === null ? SAK_CALM_MS : SAK_GIVE_UP_MS;
    if (nowMs - latest.sinceMs < patienceMs) return;
    if (!this.able.every((peer) => receivesWith(peer, latest.sak.ki)))
      this.requests.request('a peer lacks the SAK');
  }

  #sakDueMs(able: readonly Peer[]): number {
    const { keys, lastSakMs, isSettled } = this.#port;
    return this.requests.dueMs({
      ...{ lastMs: lastSakMs, isSettled, isSomebodyJoining: this.peers.isSomebodyJoining },
      isAnFree: !isAnInUse(keys, able, nextAn(keys, able)),
    });
  }

  #makeSak(members: readonly Peer[], nowMs: number): void {
    const { settings, keys, random } = this.#port;
    const { identity } = this.members;
    const reason: SakReason = this.requests.reason!;
    const an = nextAn(keys, members);
    const kn = identity.takeKn();
    const sak = newSak({ cak: this.#cak, random, settings, mi: identity.mi, kn, an, members });
    const scis = members.map(({ sci }) => sci);
    const installed = keys.add(sak, this.ckn, true, scis, nowMs);
    this.#distribution = new Distribution(installed, this.mkaKeys, settings.encrypt);
    this.requests.clear();
    this.#port.lastSakMs = nowMs;
    this.tally.saksMade++;
    this.#tell('new SAK', `new SAK: ${reason}`, { ki: formatKi(sak.ki), an });
  }

  #refuse(reason: KayRefusal): void {
    this.tally.refuse(reason);
    this.#tell('refused', KAY_REFUSAL_TEXTS[reason], { level: 'warn' });
  }

  #tell(name: MkaEventName, text: string, more: Partial<MkaEvent> = {}): void {
    this.#port.tell({ name, text, level: 'info', ckn: this.ckn, ...more });
  }
}
