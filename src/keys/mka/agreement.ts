/**
 * The key agreement of one port: the participants of its CAKs, and the SAKs that they share (IEEE 802.1X-2020 clauses 9
 * and 12). MKPDUs come and go as plain data; `kay.ts` makes frames of them.
 *
 * With a fallback CAK two participants run all the time. One is the principal, the first one whenever it has a live
 * peer; only it makes SAKs, but a SAK is taken from the key server of either. So two ends that differ for a while in
 * which one that is still have a SAK in common, and a change of principal leaves the SAs as they are and makes the next
 * SAK afterwards.
 *
 * Everything that may be due is looked at in one `#step`: after each MKPDU, each order that is carried out, each timer.
 */

import { Charge, type HandedCharge } from './charge.ts';
import { EventGate } from './event-gate.ts';
import type { MkaEvent, MkaListener } from './events.ts';
import type { InstalledSak } from './installed-sak.ts';
import { pnLowOf } from './key-use.ts';
import type { MkaKeys, RandomSource } from './keys.ts';
import type { Mkpdu } from './mkpdu.ts';
import { OrderRunner } from './order-runner.ts';
import { type HandedParticipant, Participant } from './participant.ts';
import type { Peer } from './peers.ts';
import { type HandedPortKeys, PortKeys } from './port-keys.ts';
import { formatKi } from './sak.ts';
import type { Clock, SecyOrders } from './seams.ts';
import { type MkaSettings, type NamedCak, toldCalmMs } from './settings.ts';
import type { SharedPort } from './shared-port.ts';
import { dueForRetirement, dueForTransmit, isSettled, transitionsDueMs } from './transitions.ts';

export interface AgreementContext {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly orders: SecyOrders;
  /** Sends an MKPDU, with an ICV by these keys. Must not throw. */
  send(mkpdu: Mkpdu, keys: MkaKeys): void;
  readonly listener: MkaListener;
  /** By how much there may be more than MKA Hello Time between two calm hellos, 1–2; absent: 1. */
  calmStretch?(): number;
  /** Whatever is looked at has been, and may be otherwise than before. Must not throw. */
  stepped?(): void;
}

/**
 * What is done for an accepted MKPDU. `provesLife`: its sender is live and lists a message that it has just had from us, so
 * this is no recording.
 */
export type Accepted = (provesLife: boolean) => void;

/** What became of an order to make a new SAK: made here soon, asked of the key server, or there is nobody to have one with. */
export type RekeyAnswer = 'ordered' | 'asked' | 'no live peer';

/** For another process, which goes on with the same SecY. Times are of this one's clock. */
export interface HandedAgreement {
  readonly participants: readonly HandedParticipant[];
  readonly keys: HandedPortKeys;
  /** CKN of the participant in charge. */
  readonly principal: string;
  readonly lastSakMs: number;
  readonly isAlone: boolean;
  readonly charge: HandedCharge;
  readonly channels: readonly string[];
}

export class Agreement implements SharedPort {
  settings: MkaSettings;
  readonly keys: PortKeys = new PortKeys();
  readonly random: RandomSource;
  lastSakMs: number = Number.NEGATIVE_INFINITY;
  /** The first one, and that of the fallback CAK. */
  participants: readonly Participant[];
  principal: Participant;
  readonly #context: AgreementContext;
  readonly #gate: EventGate;
  readonly #runner: OrderRunner;
  readonly #charge: Charge;
  #isAlone = true;
  #isRunning = false;
  /** A member's order for a new SAK, about this one. */
  #askedAbout: InstalledSak | null = null;
  /** What was last told of the SAKs in use. */
  #use = '';
  #encoding: InstalledSak | null = null;
  /** When something else than an MKPDU is due. */
  #stepMs = Number.NEGATIVE_INFINITY;

  constructor(settings: MkaSettings, context: AgreementContext) {
    const { clock, orders } = context;
    this.settings = settings;
    this.random = context.random;
    this.#context = context;
    this.#gate = new EventGate(context.listener);
    this.#runner = new OrderRunner({
      keys: this.keys,
      orders,
      ownSci: settings.sci,
      nowMs: () => clock.nowMs(),
      changed: () => this.#step(),
      failed: (error) => this.#orderFailed(error),
    });
    this.participants = caksOf(settings).map((cak) => new Participant(cak, this));
    this.principal = this.participants[0]!;
    this.principal.serving.isPrincipal = true;
    this.#charge = new Charge(this.principal, clock.nowMs());
  }

  /** Stopped, it is what another process goes on from. */
  get handed(): HandedAgreement {
    const { participants, keys, principal, lastSakMs } = this;
    return {
      participants: participants.map((one) => one.handed),
      ...{ keys: keys.handed, principal: principal.ckn, lastSakMs, isAlone: this.#isAlone },
      ...{ charge: this.#charge.handed, channels: this.#runner.channels },
    };
  }

  /** Has a participant of one of its CAKs: this one can go on with what they have agreed on. */
  isOf({ participants }: HandedAgreement): boolean {
    return participants.some((handed) => this.participants.some((one) => one.isOf(handed)));
  }

  /** Before `start`: the agreement of another process; times are later by `shiftMs` here. */
  goOn(handed: HandedAgreement, shiftMs: number): void {
    this.keys.goOn(handed.keys, shiftMs);
    this.lastSakMs = handed.lastSakMs + shiftMs;
    this.principal.serving.isPrincipal = false;
    this.principal = this.find(handed.principal) ?? this.participants[0]!;
    this.principal.serving.isPrincipal = true;
    for (const one of handed.participants) {
      const participant = this.find(one.ckn);
      if (participant?.isOf(one)) participant.goOn(one, shiftMs);
    }
    this.#isAlone = handed.isAlone;
    this.#charge.goOn(handed.charge, shiftMs);
    this.#runner.goOn(handed.channels);
    this.#encoding = this.keys.encoding;
    this.#use = this.#useNow();
  }

  /** Sends the first hello, or goes on after `stop`. */
  start(): void {
    this.#isRunning = true;
    this.#runner.start();
    this.#step();
  }

  /** Sends and orders nothing more; SAs stay as they are. */
  stop(): void {
    this.#isRunning = false;
    this.#runner.stop();
    this.#context.clock.cancel();
  }

  /** The participant of that CKN; null: we have no such CAK. */
  find(ckn: string): Participant | null {
    return this.participants.find((one) => one.ckn === ckn) ?? null;
  }

  /** An MKPDU whose ICV was right. Never throws for what it says. */
  receive(mkpdu: Mkpdu, accepted: Accepted = () => {}): void {
    if (!this.#isRunning) return;
    const participant = this.find(mkpdu.basic.ckn);
    const peer = participant?.receive(mkpdu, this.#nowMs) ?? null;
    if (peer !== null) accepted(peer.isLive && peer.isProved);
    // Most MKPDUs are hellos of which nothing follows; what time brings comes with the next of ours at the latest.
    if (peer !== null && peer.steadyFor > 0 && !participant!.hasPending) return;
    this.#step();
  }

  /** The operator wants a new SAK. A member can only ask: as if it had no packet numbers left, which every key server heeds. */
  rekey(): RekeyAnswer {
    const { principal, keys } = this;
    if (principal.able.length === 0) return 'no live peer';
    if (principal.serving.isServing) principal.serving.requests.request('ordered');
    else this.#askedAbout = keys.latest;
    principal.answerSoon();
    this.#step();
    return principal.serving.isServing ? 'ordered' : 'asked';
  }

  /** Other settings, with the same SCI. Participants of CAKs that stay go on as they are; SAs stay until the next SAK. */
  configure(settings: MkaSettings): void {
    const former = this.settings;
    this.settings = settings;
    const caks = caksOf(settings);
    const kept = caks.map(
      (cak) => this.participants.find((one) => one.isOf(cak)) ?? new Participant(cak, this),
    );
    this.participants = kept;
    if (settings.cipher !== former.cipher || settings.encrypt !== former.encrypt) {
      this.principal.serving.requests.request('the settings changed');
    }
    for (const { members } of kept) members.elect();
    this.#step();
  }

  get hasLivePeer(): boolean {
    return this.participants.some(({ peers }) => peers.live.length > 0);
  }

  /** A peer is live, and this end transmits with a SAK that both have. */
  get isSecured(): boolean {
    return this.keys.encoding !== null && this.hasLivePeer;
  }

  /** A live peer is an l2vpnd. */
  get takesControlFrames(): boolean {
    return this.participants.some(({ peers }) => peers.live.some((peer) => peer.takesControlFrames));
  }

  get calmHelloMs(): number {
    return toldCalmMs(this.settings, this.#context.calmStretch?.() ?? 1);
  }

  get isSettled(): boolean {
    return isSettled(this.keys, (installed) => this.#membersOf(installed));
  }

  get isPnLow(): boolean {
    const { latest, encoding } = this.keys;
    return latest !== null && latest === encoding && this.#nextPn(latest) > pnLowOf(latest.sak);
  }

  lowestPn(installed: InstalledSak, nowMs: number): bigint {
    const floor = installed.floor.sample(this.#nextPn(installed), nowMs);
    return installed === this.#askedAbout ? pnLowOf(installed.sak) + 1n : floor;
  }

  tell(event: MkaEvent): void {
    this.#gate.tell(event, this.#nowMs);
  }

  get #nowMs(): number {
    return this.#context.clock.nowMs();
  }

  /** 1 at least, and below the end, whatever the SecY says. */
  #nextPn({ isTxInstalled, an, sak }: InstalledSak): bigint {
    if (!isTxInstalled) return 1n;
    const [pn, last] = [
      this.#context.orders.nextPn(an),
      sak.sscis === null ? 0xffffffffn : 0xffffffffffffffffn,
    ];
    return pn < 1n ? 1n : pn > last ? last : pn;
  }

  #step(): void {
    if (!this.#isRunning) return;
    const nowMs = this.#nowMs;
    for (const { members } of this.participants) members.expire(nowMs);
    const [primary, fallback = null] = this.participants;
    this.#putInCharge(this.#charge.choose(primary!, fallback, this.principal, nowMs));
    this.#noteLoss();
    this.#moveOn(nowMs);
    for (const participant of this.participants) participant.serving.serve(nowMs);
    this.#runner.run();
    this.#noteUse();
    this.#sendDue(nowMs);
    this.#context.stepped?.();
    this.#sleep(nowMs);
  }

  /** It is time for what `#sleep` has found due: mostly a hello that says nothing new. */
  readonly #wake = (): void => {
    const nowMs = this.#nowMs;
    const isCalm = this.participants.every((participant) => participant.isCalm);
    if (!isCalm || nowMs >= this.#stepMs || this.isPnLow || this.principal.serving.isSakLacked) {
      this.#step();
      return;
    }
    if (!this.#isRunning) return;
    this.#sendDue(nowMs);
    this.#sleep(nowMs);
  };

  #sendDue(nowMs: number): void {
    for (const participant of this.participants) {
      const mkpdu = participant.compose(nowMs);
      if (mkpdu === null) continue;
      this.#context.send(mkpdu, participant.mkaKeys);
      if (mkpdu.distributedSak !== null) this.#noteDistributed(nowMs);
    }
  }

  #sleep(nowMs: number): void {
    let helloMs = Number.POSITIVE_INFINITY;
    let stepMs = Math.min(transitionsDueMs(this.keys, nowMs), this.#runner.dueMs);
    for (const participant of this.participants) {
      helloMs = Math.min(helloMs, participant.sendMs);
      stepMs = Math.min(stepMs, participant.dueMs());
    }
    this.#stepMs = stepMs;
    this.#context.clock.wakeAt(Math.max(Math.min(helloMs, stepMs), nowMs + 1), this.#wake);
  }

  #putInCharge(principal: Participant): void {
    const former = this.principal;
    if (former === principal) return;
    former.serving.isPrincipal = false;
    principal.serving.isPrincipal = true;
    this.principal = principal;
    if (this.keys.latest !== null) {
      principal.serving.requests.clear();
      principal.serving.requests.request('the other CAK took over');
    }
    former.answerSoon();
    principal.answerSoon();
    const { ckn } = principal;
    this.tell({ name: 'CAK in charge', level: 'info', text: `CAK in charge: ${ckn}`, ckn });
  }

  /** When the last live peer of all CAKs has gone. */
  #noteLoss(): void {
    const isAlone = !this.hasLivePeer;
    const hasLost = isAlone && !this.#isAlone;
    this.#isAlone = isAlone;
    if (!hasLost || this.keys.staying.length === 0) return;
    const keeps = this.settings.peerLoss === 'keep';
    const text = keeps
      ? 'SAs kept: no peer is live, and the present SAK is used until one is or packet numbers end'
      : 'SAs removed: no peer is live; nothing is sent or accepted until one is';
    this.tell({ name: keeps ? 'SAs kept' : 'SAs removed', level: 'warn', text, ckn: null });
    if (keeps) return;
    this.keys.dropAll();
    // The peers may not have noticed, and then they make a new SAK only for a new member.
    for (const { members } of this.participants) members.renew('SAs were removed');
  }

  #moveOn(nowMs: number): void {
    const { keys } = this;
    const membersOf = (installed: InstalledSak): readonly Peer[] => this.#membersOf(installed);
    const moved = dueForTransmit(keys, membersOf, nowMs);
    if (moved !== null) keys.transmit(moved);
    for (const installed of dueForRetirement(keys, membersOf, nowMs)) {
      installed.isGoing = true;
      const { sak, an, ckn } = installed;
      const text = 'SAK retired: a newer one is in use';
      this.tell({ name: 'SAK retired', level: 'info', text, ckn, ki: formatKi(sak.ki), an });
    }
  }

  #membersOf({ ckn }: InstalledSak): readonly Peer[] {
    return this.find(ckn)?.able ?? [];
  }

  /** The latest SAK has gone out. */
  #noteDistributed(nowMs: number): void {
    const { latest } = this.keys;
    if (latest === null || latest.isDistributed) return;
    latest.isDistributed = true;
    this.#moveOn(nowMs);
    this.#runner.run();
  }

  /** Peers wait for what has changed in our use of the SAKs. */
  #noteUse(): void {
    const { encoding } = this.keys;
    const use = this.#useNow();
    if (use === this.#use) return;
    this.#use = use;
    for (const participant of this.participants) participant.answerSoon();
    if (encoding === null || encoding === this.#encoding) return;
    this.#encoding = encoding;
    const { sak, an, ckn } = encoding;
    const text = 'SAK in use: this end transmits with it';
    this.tell({ name: 'SAK in use', level: 'info', text, ckn, ki: formatKi(sak.ki), an });
  }

  #useNow(): string {
    const { all, encoding } = this.keys;
    let use = '';
    for (const one of all) {
      if (!one.isGoing) use += `${one.sinceMs} ${one.an} ${one.receives} ${one === encoding},`;
    }
    return use;
  }

  #orderFailed(error: unknown): void {
    const text = 'order failed: the SecY has not taken over a change of its SAs; it is tried again';
    this.tell({ name: 'order failed', level: 'warn', text, ckn: null, error });
  }
}

function caksOf({ ckn, cak, fallback }: MkaSettings): NamedCak[] {
  return fallback === null ? [{ ckn, cak }] : [{ ckn, cak }, fallback];
}
