/**
 * One participant of a key agreement (IEEE 802.1X-2020 clause 9): that of one CAK. It takes and gives MKPDUs as plain
 * data; the port's keys are shared with the participants of other CAKs. No I/O, no timer: time is an argument.
 *
 *   1. `receive` an MKPDU whose ICV was right: who sends it, is the sender live, who is key server (`membership.ts`)
 *   2. its SAK, where it comes from our key server (`accept-sak.ts`), then what it says of the SAKs in use
 *   3. as key server, make a SAK, if one is wanted and may be made (`serving.ts`)
 *   4. `compose` an MKPDU, when one is due: soon after something new, else at each hello
 */
import { acceptSak } from './accept-sak.ts';
import { composeMkpdu } from './compose.ts';
import type { MkaEvent, MkaEventName } from './events.ts';
import { KAY_REFUSAL_TEXTS, type KayRefusal } from './kay-refusal.ts';
import { isAble } from './key-server.ts';
import { lowestPnOf, type OwnSakUse, ownSakUse, pnLowOf, receivesWith, transmitsWith } from './key-use.ts';
import { deriveMkaKeys, type MkaKeys, type RandomSource } from './keys.ts';
import { type HandedMembership, Membership } from './membership.ts';
import type { DistributedSak, MemberId, Mkpdu } from './mkpdu.ts';
import type { Peer, Peers } from './peers.ts';
import { formatKi } from './sak.ts';
import { type HandedServing, Serving } from './serving.ts';
import {
  ANSWER_GAP_MS,
  CALM_AFTER_HELLOS,
  CALM_LATE_MS,
  INTRODUCTION_MS,
  LIFE_MS,
  LINK_CONTROL_VERSION,
  LOST_SAK_MS,
  type NamedCak,
  usualCalmMs,
} from './settings.ts';
import type { SharedPort } from './shared-port.ts';
import { type HandedTally, Tally } from './tally.ts';

/** Part of `helloMs` by which a hello may come early, so that many tunnels do not send in step. */
const HELLO_JITTER = 0.1;
const DICE_AT_ONCE = 64;

/** For another process, which is the same participant. */
export interface HandedParticipant extends NamedCak {
  readonly tally: HandedTally;
  readonly members: HandedMembership;
  readonly serving: HandedServing;
  readonly wantsAnswer: boolean;
  /** Member identifier of the key server that is watched. */
  readonly watched: MemberId | null;
  readonly spokenOfMs: number;
  readonly lastSentMs: number;
  readonly helloMs: number;
  readonly calmMs: number;
}

export class Participant {
  readonly ckn: string;
  readonly mkaKeys: MkaKeys;
  readonly tally: Tally = new Tally();
  readonly members: Membership;
  readonly serving: Serving;
  readonly #cak: NamedCak['cak'];
  readonly #port: SharedPort;
  readonly #dice: Dice;
  #wantsAnswer = true;
  /** The key server, and when it last spoke of a SAK that is here. */
  #watched: Peer | null = null;
  #spokenOfMs = Number.NEGATIVE_INFINITY;
  #lastSentMs = Number.NEGATIVE_INFINITY;
  #helloMs = Number.NEGATIVE_INFINITY;
  /** Until then, as all was calm when the last one was sent; 0: it was not. */
  #calmMs = 0;

  constructor({ ckn, cak }: NamedCak, port: SharedPort) {
    this.ckn = ckn;
    this.#cak = cak;
    this.mkaKeys = deriveMkaKeys(cak, ckn);
    this.#port = port;
    this.#dice = new Dice(port.random);
    this.members = new Membership(() => port.settings, port.random, {
      tell: (name, text, more) => this.#tell(name, text, more),
      changed: () => this.answerSoon(),
      joined: (peer) => this.#joined(peer),
      left: () => this.#left(),
      elected: () => this.serving.elected(),
      renewed: () => this.serving.requests.request('new member identifier'),
    });
    this.serving = new Serving({
      ckn,
      cak,
      mkaKeys: this.mkaKeys,
      port,
      members: this.members,
      tally: this.tally,
      able: () => this.able,
      tell: (name, text, more) => this.#tell(name, text, more),
    });
  }

  isOf({ ckn, cak }: NamedCak): boolean {
    return ckn === this.ckn && cak.equals(this.#cak);
  }

  get handed(): HandedParticipant {
    return {
      ...{ ckn: this.ckn, cak: this.#cak, tally: this.tally.handed, members: this.members.handed },
      ...{ serving: this.serving.handed, wantsAnswer: this.#wantsAnswer, watched: this.#watched?.mi ?? null },
      ...{ spokenOfMs: this.#spokenOfMs, lastSentMs: this.#lastSentMs, helloMs: this.#helloMs },
      calmMs: this.#calmMs,
    };
  }

  /** After the port's keys: what another process was; times are later by `shiftMs` here. */
  goOn(handed: HandedParticipant, shiftMs: number): void {
    this.tally.goOn(handed.tally, shiftMs);
    this.members.goOn(handed.members, shiftMs);
    this.serving.goOn(handed.serving);
    this.#wantsAnswer = handed.wantsAnswer;
    this.#watched = handed.watched === null ? null : this.peers.find(handed.watched);
    this.#spokenOfMs = handed.spokenOfMs + shiftMs;
    this.#lastSentMs = handed.lastSentMs + shiftMs;
    this.#helloMs = handed.helloMs + shiftMs;
    this.#calmMs = handed.calmMs;
  }

  get peers(): Peers {
    return this.members.peers;
  }

  /** Nothing had changed and nothing was lost for a while when it last spoke. */
  get isCalm(): boolean {
    return this.#calmMs > 0;
  }

  /** Those who take part in SAKs. */
  get able(): Peer[] {
    return this.peers.live.filter((peer) => isAble(peer, this.#port.settings.encrypt));
  }

  /** Something is to be said or made before the next hello. */
  get hasPending(): boolean {
    return this.#wantsAnswer || this.serving.requests.reason !== null;
  }

  /** Peers are to hear what is new here, not only at the next hello. */
  answerSoon(): void {
    this.#wantsAnswer = true;
  }

  /** An MKPDU of this CKN whose ICV was right; returns its sender, null where it is refused. Nothing that it may say makes this throw. */
  receive(mkpdu: Mkpdu, nowMs: number): Peer | null {
    this.tally.received++;
    const peer = this.members.receive(mkpdu, nowMs);
    if (typeof peer === 'string') {
      this.#refuse(peer, nowMs);
      return null;
    }
    if (mkpdu.distributedSak !== null) this.#takeSak(peer, mkpdu, mkpdu.distributedSak, nowMs);
    if (peer.isLive) this.#noteUse(peer);
    if (peer === this.members.keyServer) this.#watchServer(peer, nowMs);
    if (peer.steadyFor === 0)
      this.#helloMs = Math.min(this.#helloMs, this.#lastSentMs + this.#port.settings.helloMs);
    this.serving.heard();
    return peer;
  }

  /** When `serving` or `members.expire` have something to do. */
  dueMs(): number {
    return Math.min(this.serving.dueMs(), this.serving.rekeyMs, this.peers.dueMs);
  }

  /** The MKPDU to send now; null: none is due. */
  compose(nowMs: number): Mkpdu | null {
    if (nowMs < this.sendMs) return null;
    const { settings } = this.#port;
    const { identity, peers } = this.members;
    if (identity.isLow) this.members.renew('message or key numbers end soon');
    this.#wantsAnswer = false;
    this.#lastSentMs = nowMs;
    this.tally.sent++;
    const mn = identity.takeMn(nowMs);
    this.#calmMs = this.#mayBeCalm(nowMs) ? Math.max(settings.helloMs, this.#calmFor(peers.live)) : 0;
    const gapMs = this.isCalm ? this.#calmMs : settings.helloMs;
    this.#helloMs = nowMs + gapMs * (1 - (HELLO_JITTER * this.#dice.next()) / 256);
    return composeMkpdu({
      settings,
      ckn: this.ckn,
      mi: identity.mi,
      mn,
      offersToServe: this.members.offersToServe,
      live: peers.live,
      potential: peers.potential,
      use: this.#use(nowMs),
      distributed: this.serving.distributed,
      linkControl: this.#mayTellOfLink(nowMs)
        ? { version: LINK_CONTROL_VERSION, calmHelloMs: this.#port.calmHelloMs }
        : null,
    });
  }

  #mayTellOfLink(nowMs: number): boolean {
    const { live, potential } = this.peers;
    const isTold = (peer: Peer): boolean => peer.takesControlFrames || nowMs - peer.sinceMs < INTRODUCTION_MS;
    return live.some(isTold) || potential.some(isTold);
  }

  /** Nothing has changed and nothing was lost for a while. */
  #mayBeCalm(nowMs: number): boolean {
    const { live, potential } = this.peers;
    if (live.length === 0 || potential.length > 0 || nowMs >= this.#silentMs) return false;
    return live.every(({ steadyFor }) => steadyFor >= CALM_AFTER_HELLOS);
  }

  /** What each of `live` is content with; who does not say gets what the standard has. */
  #calmFor(live: readonly Peer[]): number {
    let calmMs = Number.POSITIVE_INFINITY;
    for (const peer of live) {
      calmMs = Math.min(calmMs, peer.calmHelloMs === 0 ? usualCalmMs(this.#port.settings) : peer.calmHelloMs);
    }
    return Math.min(calmMs, LIFE_MS);
  }

  /** When a live peer has been silent for too long to be calm. */
  get #silentMs(): number {
    const { settings, calmHelloMs } = this.#port;
    let silentMs = Number.POSITIVE_INFINITY;
    for (const { heardMs, takesControlFrames } of this.peers.live) {
      const calmMs = takesControlFrames ? calmHelloMs : usualCalmMs(settings);
      silentMs = Math.min(silentMs, heardMs + Math.max(settings.helloMs, calmMs) + CALM_LATE_MS);
    }
    return silentMs;
  }

  /**
   * When `compose` has something to say. An answer waits for the SAK that this end is about to receive with, so that it
   * need not wait for the gap behind it.
   */
  get sendMs(): number {
    const mayAnswer = this.#wantsAnswer && !this.serving.isSakOnItsWay;
    if (mayAnswer) return this.#lastSentMs + ANSWER_GAP_MS;
    if (!this.isCalm) return this.#helloMs;
    return Math.min(this.#helloMs, Math.max(this.#silentMs, this.#lastSentMs + this.#port.settings.helloMs));
  }

  /** None before the first SAK of the one in charge; zeros where another one is, to stay alive with peers that need the set. */
  #use(nowMs: number): OwnSakUse | null {
    if (this.peers.live.length === 0) return null;
    const { keys } = this.#port;
    if (this.serving.isPrincipal && keys.latest === null) return null;
    return ownSakUse(keys, this.ckn, (installed) => this.#port.lowestPn(installed, nowMs));
  }

  #joined(peer: Peer): void {
    const { settings, keys } = this.#port;
    if (this.peers.live.length === 1) this.serving.requests.clear();
    this.serving.joined();
    if (this.members.keyServer !== 'self') keys.addPeer(peer.sci);
    if (isAble(peer, settings.encrypt)) return;
    const text =
      'peer cannot use MACsec as it is configured here: it gets no SAK, and nothing is sent in clear';
    this.#tell('peer cannot use MACsec', text, { level: 'warn', sci: peer.sci, mi: peer.mi });
  }

  #left(): void {
    if (this.peers.live.length > 0) this.serving.requests.request('peer left');
  }

  #takeSak(peer: Peer, mkpdu: Mkpdu, distributed: DistributedSak, nowMs: number): void {
    if (peer !== this.members.keyServer) {
      this.#refuse('SakNotFromServer', nowMs);
      return;
    }
    const { settings, keys } = this.#port;
    const { cipher, encrypt, sci } = settings;
    const { identity, peers } = this.members;
    const member = { mi: identity.mi, sci, cipher, encrypt, kek: this.mkaKeys.kek, peers, keys };
    const sak = acceptSak(member, peer, mkpdu, distributed);
    if (sak === null) return;
    if (typeof sak === 'string') {
      this.#refuse(sak, nowMs);
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
        this.serving.requests.request('packet numbers run out');
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

  #refuse(reason: KayRefusal, nowMs: number): void {
    this.tally.refuse(reason, nowMs);
    this.#tell('refused', KAY_REFUSAL_TEXTS[reason], { level: 'warn' });
  }

  #tell(name: MkaEventName, text: string, more: Partial<MkaEvent> = {}): void {
    this.#port.tell({ name, text, level: 'info', ckn: this.ckn, ...more });
  }
}

/** Octets of chance for what is no secret: many are fetched at once. */
class Dice {
  readonly #random: RandomSource;
  #octets: Uint8Array = new Uint8Array(0);
  #used = 0;

  constructor(random: RandomSource) {
    this.#random = random;
  }

  next(): number {
    if (this.#used === this.#octets.length) {
      this.#octets = this.#random(DICE_AT_ONCE);
      this.#used = 0;
    }
    return this.#octets[this.#used++]!;
  }
}
