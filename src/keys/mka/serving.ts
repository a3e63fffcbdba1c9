/**
 * A participant as key server (IEEE 802.1X-2020 9.8): when it makes a SAK, and how long it distributes it. It does
 * neither while it is not the elected one, or another CAK is in charge.
 */
import type { MkaEvent, MkaEventName } from './events.ts';
import { Distribution, isAnInUse, newSak, nextAn } from './key-server.ts';
import { receivesWith } from './key-use.ts';
import type { MkaKeys } from './keys.ts';
import type { Membership } from './membership.ts';
import type { DistributedSak } from './mkpdu.ts';
import type { Peer } from './peers.ts';
import { formatKi } from './sak.ts';
import { type SakReason, SakRequests } from './sak-requests.ts';
import { type NamedCak, SAK_CALM_MS, SAK_GIVE_UP_MS } from './settings.ts';
import type { SharedPort } from './shared-port.ts';
import type { Tally } from './tally.ts';

export interface ServingContext extends NamedCak {
  readonly mkaKeys: MkaKeys;
  readonly port: SharedPort;
  readonly members: Membership;
  readonly tally: Tally;
  /** The live peers that take part in SAKs. */
  able(): readonly Peer[];
  tell(name: MkaEventName, text: string, more?: Partial<MkaEvent>): void;
}

/** For another process. */
export interface HandedServing {
  readonly reason: SakReason | null;
  /** Members are still to get the latest SAK. */
  readonly distributes: boolean;
}

export class Serving {
  readonly requests: SakRequests = new SakRequests();
  /** This participant's CAK is the one in charge. */
  isPrincipal = false;
  readonly #context: ServingContext;
  #last: Distribution | null = null;

  constructor(context: ServingContext) {
    this.#context = context;
  }

  get handed(): HandedServing {
    return { reason: this.requests.reason, distributes: this.#distribution !== null };
  }

  /** After the port's keys and the members. */
  goOn({ reason, distributes }: HandedServing): void {
    if (reason !== null) this.requests.request(reason);
    const { port, mkaKeys } = this.#context;
    const { latest } = port.keys;
    if (distributes && latest !== null) this.#last = new Distribution(latest, mkaKeys, latest.sak.encrypt);
  }

  get isServing(): boolean {
    return this.isPrincipal && this.#context.members.keyServer === 'self';
  }

  /** What to distribute now. */
  get distributed(): DistributedSak | null {
    const distribution = this.#distribution;
    return this.isServing && distribution?.isOut ? distribution.set : null;
  }

  /** This end is about to receive with a new SAK, and then distributes it. */
  get isSakOnItsWay(): boolean {
    return this.#distribution?.isOut === false;
  }

  /** When the SAK is replaced by time; infinite: not by this end, or something asks for another already. */
  get rekeyMs(): number {
    const { settings, keys } = this.#context.port;
    const { latest } = keys;
    const isByTime = settings.rekeySeconds !== null && this.requests.reason === null;
    if (!isByTime || !latest?.isOwn || !this.isServing) return Number.POSITIVE_INFINITY;
    return latest.sinceMs + settings.rekeySeconds * 1000;
  }

  /** When `serve` has something to do; infinite: never, as things stand. */
  dueMs(): number {
    if (!this.isServing || this.requests.reason === null) return Number.POSITIVE_INFINITY;
    const able = this.#context.able();
    return able.length > 0 ? this.#sakDueMs(able) : Number.POSITIVE_INFINITY;
  }

  /** Not every member receives with the SAK of this key server. */
  get isSakLacked(): boolean {
    const { latest } = this.#context.port.keys;
    if (!this.isServing || latest === null) return false;
    return !this.#context.able().every((peer) => receivesWith(peer, latest.sak.ki));
  }

  /** A peer has become live: the SAK that is distributed was not made for it, and it might have had it before it started anew. */
  joined(): void {
    this.#last = null;
    this.requests.request('peer joined');
  }

  /** Another key server makes a SAK by itself; what was wanted of us is settled by it. */
  elected(): void {
    if (this.#context.members.keyServer === 'self') this.requests.request('this end became key server');
    else this.requests.clear();
  }

  /** A peer was heard: all may have the SAK now. */
  heard(): void {
    if (this.#last?.isDone(this.#context.able())) this.#last = null;
  }

  /** What time brings: makes a SAK, if one is wanted and may be made. */
  serve(nowMs: number): void {
    if (!this.isServing) return;
    const able = this.#context.able();
    this.#askForMore(nowMs);
    if (this.requests.reason === null || able.length === 0) return;
    if (nowMs >= this.#sakDueMs(able)) this.#makeSak(able, nowMs);
  }

  get #distribution(): Distribution | null {
    return this.#last?.installed === this.#context.port.keys.latest ? this.#last : null;
  }

  #askForMore(nowMs: number): void {
    const { keys, isPnLow } = this.#context.port;
    if (nowMs >= this.rekeyMs) this.requests.request('by time');
    if (isPnLow) this.requests.request('packet numbers run out');
    const { latest } = keys;
    if (this.requests.reason !== null || latest === null) return;
    const patienceMs = this.#distribution === null ? SAK_CALM_MS : SAK_GIVE_UP_MS;
    if (nowMs - latest.sinceMs < patienceMs) return;
    if (this.isSakLacked) this.requests.request('a peer lacks the SAK');
  }

  #sakDueMs(able: readonly Peer[]): number {
    const { members, port } = this.#context;
    const { keys, lastSakMs, isSettled } = port;
    const isAnFree = !isAnInUse(keys, able, nextAn(keys, able));
    const { isSomebodyJoining } = members.peers;
    return this.requests.dueMs({ lastMs: lastSakMs, isSettled, isSomebodyJoining, isAnFree });
  }

  #makeSak(members: readonly Peer[], nowMs: number): void {
    const { port, ckn, cak, mkaKeys, tally } = this.#context;
    const { identity } = this.#context.members;
    const { settings, keys, random } = port;
    const reason: SakReason = this.requests.reason!;
    const an = nextAn(keys, members);
    const sak = newSak({ cak, random, settings, mi: identity.mi, kn: identity.takeKn(), an, members });
    const scis = members.map(({ sci }) => sci);
    this.#last = new Distribution(keys.add(sak, ckn, true, scis, nowMs), mkaKeys, settings.encrypt);
    this.requests.clear();
    port.lastSakMs = nowMs;
    tally.saksMade++;
    this.#context.tell('new SAK', `new SAK: ${reason}`, { ki: formatKi(sak.ki), an });
  }
}
