/**
 * Control frames between the two ends of a tunnel that are both l2vpnd: whether the peer is there and hears us, what the
 * path carries. State machine only: who runs it gives it frames, keys, a clock with a timer, and random octets. The way in
 * (`receive`):
 *
 *   1. `peekControlFrame`: is it one, and made with a key that is here?
 *   2. `readControlFrame`: the ICV. From here on it is said by somebody who has the key, now or when it was recorded
 *   3. `LinkPeer.hear`: is it new, and does it name a message that we have just sent? Then its sender is live
 *   4. what its kind asks for: a probe is answered; an answer, and a leave, count only where 3 was proved
 *
 * and out (`#step`): a hello at its time, or soon, where somebody waits for it; with one in ROUND_TRIP_GAP_MS a probe as short as
 * can be, which measures the round trip. Bounded: one peer, MAX_GONE before it, one
 * answer per ANSWER_GAP_MS, one probe answer per probe.
 */
import {
  type ControlFrame,
  LEAST_CONTROL_LEN,
  type LinkKey,
  LinkKind,
  type Message,
  peekControlFrame,
  readControlFrame,
  writeControlFrame,
} from './frame.ts';
import { type HandedLinkPeer, LinkPeer } from './link-peer.ts';
import { type HandedMessages, OwnMessages, type RandomSource } from './own-messages.ts';
import { type PathReport, readPathReport, writePathReport } from './path-report.ts';
import { Probes } from './probes.ts';
import type { LinkRefusal } from './refusal.ts';
import { RoundTrips } from './round-trip.ts';
import { ANSWER_GAP_MS, type LinkSettings, ROUND_TRIP_GAP_MS, SEARCH_MS } from './settings.ts';

/** Monotonic; one wake-up is enough, the last that was asked for. */
export interface LinkClock {
  nowMs(): number;
  wakeAt(atMs: number, wake: () => void): void;
  cancel(): void;
}

export type LinkEvent =
  /** The peer hears us and we hear it; `again`: it has started anew, and was live before. */
  | { readonly name: 'live'; readonly sci: string; readonly again: boolean }
  | { readonly name: 'lost'; readonly why: 'silent' | 'left' }
  /** A probe of `frameLen` octets has arrived whole. */
  | { readonly name: 'answered'; readonly frameLen: number; readonly roundTripMs: number }
  | { readonly name: 'refused'; readonly reason: LinkRefusal };

export interface LinkContext {
  readonly clock: LinkClock;
  readonly random: RandomSource;
  /** As they are now; they may change at any time. */
  keys(): LinkKeys;
  /** Sends a whole Ethernet frame by the Uncontrolled Port. Must not throw; the frame is the callee's. */
  send(frame: Uint8Array): void;
  /** What this end has seen of the way to it, for the peer; null: nothing. */
  pathReport(): PathReport | null;
  /** Must not throw. */
  listener(event: LinkEvent): void;
}

/** Of this end: `tx` makes what it sends (null: nothing is sent), `rx` are all that it takes. */
export interface LinkKeys {
  readonly tx: LinkKey | null;
  readonly rx: readonly LinkKey[];
}

/**
 * What is done for an accepted frame, before anything is sent for it. `provesLife`: its sender names a message that it has
 * just had from us, so this is no recording.
 */
export type Accepted = (provesLife: boolean) => void;

export interface LinkSnapshot {
  /** 16 hex digits; null: nobody is live. */
  readonly peerSci: string | null;
  readonly sinceMs: number;
  readonly heardMs: number;
  readonly received: number;
  readonly sent: number;
  readonly refused: ReadonlyMap<LinkRefusal, number>;
  /** What the live peer says of the way to it; null: nothing. */
  readonly peerReport: PathReport | null;
  /** The last round trip to the live peer, and the shortest of the last minute or so; null: none was measured. */
  readonly roundTripMs: number | null;
  readonly leastRoundTripMs: number | null;
}

const NOTHING = new Uint8Array(0);
const HELLO_BODY_LEN = 4;
const ANSWER_BODY_LEN = 8;

/** For another process, which is the same end of the link. Probes that are on their way are not told of. */
export interface HandedLink {
  readonly own: HandedMessages;
  readonly peer: HandedLinkPeer;
  readonly isWanted: boolean;
  readonly wantsAnswer: boolean;
  readonly lastSentMs: number;
  readonly received: number;
  readonly sent: number;
  readonly refused: ReadonlyMap<LinkRefusal, number>;
}

export class LinkControl {
  readonly #settings: LinkSettings;
  readonly #context: LinkContext;
  readonly #own: OwnMessages;
  readonly #peer = new LinkPeer();
  readonly #probes = new Probes();
  readonly #roundTrips = new RoundTrips();
  /** The probe that measures the round trip. */
  #timedMn = 0;
  #timedMs = Number.NEGATIVE_INFINITY;
  #peerReport: PathReport | null = null;
  readonly #refused = new Map<LinkRefusal, number>();
  #isWanted = false;
  #wantsAnswer = false;
  #lastSentMs = Number.NEGATIVE_INFINITY;
  #received = 0;
  #sent = 0;

  constructor(settings: LinkSettings, context: LinkContext) {
    this.#settings = settings;
    this.#context = context;
    this.#own = new OwnMessages(context.random);
  }

  /** The peer is known to be an l2vpnd: from now on it is spoken to. */
  start(): void {
    if (this.#isWanted) return;
    this.#isWanted = true;
    this.#wantsAnswer = true;
    this.#step();
  }

  /** Nothing more is sent, and nobody is live. `leave`: the peer is told, and need not wait until it notices. */
  stop(leave = false): void {
    if (leave && this.#peer.live !== null) this.#send(LinkKind.Leave, NOTHING);
    this.#isWanted = false;
    this.#forgetPeer();
    this.#context.clock.cancel();
  }

  /** What another process goes on from. */
  get handed(): HandedLink {
    const [received, sent, refused] = [this.#received, this.#sent, this.#refused];
    const [isWanted, wantsAnswer, lastSentMs] = [this.#isWanted, this.#wantsAnswer, this.#lastSentMs];
    return {
      own: this.#own.handed,
      peer: this.#peer.handed,
      isWanted,
      wantsAnswer,
      lastSentMs,
      received,
      sent,
      refused,
    };
  }

  /** The end of the link that another process was, which rests; times are later by `shiftMs` here. */
  goOn(handed: HandedLink, shiftMs: number): void {
    this.#own.goOn(handed.own, shiftMs);
    this.#peer.goOn(handed.peer, shiftMs);
    this.#isWanted = handed.isWanted;
    this.#wantsAnswer = handed.wantsAnswer;
    this.#lastSentMs = handed.lastSentMs + shiftMs;
    this.#received = handed.received;
    this.#sent = handed.sent;
    for (const [reason, count] of handed.refused) this.#refused.set(reason, count);
  }

  /** Nothing is sent by itself until `wake`; whoever is live stays so. */
  rest(): void {
    this.#probes.forget();
    this.#context.clock.cancel();
  }

  /** After `rest`. */
  wake(): void {
    this.#step();
  }

  /** The peer hears us and we hear it. */
  get isLive(): boolean {
    return this.#peer.live !== null;
  }

  get snapshot(): LinkSnapshot {
    const { live, sci, sinceMs, heardMs } = this.#peer;
    const [received, sent, refused] = [this.#received, this.#sent, this.#refused];
    const { lastMs: roundTripMs, leastMs: leastRoundTripMs } = this.#roundTrips;
    const said = { peerReport: this.#peerReport, roundTripMs, leastRoundTripMs };
    return { peerSci: live === null ? null : sci, sinceMs, heardMs, received, sent, refused, ...said };
  }

  /**
   * Sends a probe that is a frame of `frameLen` octets, LEAST_CONTROL_LEN at least, from its destination address on; `answered` tells when
   * it has arrived. Returns false where no peer is live: nothing is sent then.
   */
  probe(frameLen: number): boolean {
    if (this.#peer.live === null) return false;
    const sent = this.#send(LinkKind.Probe, NOTHING, frameLen);
    if (sent !== null) this.#probes.add(sent.mn, frameLen, this.#nowMs);
    return sent !== null;
  }

  /**
   * A frame of the Uncontrolled Port: `frame` are its first octets, MAX_CONTROL_LEN or all, `cameLen` how many it had.
   * Never throws for what is in it, and keeps none of its octets.
   */
  receive(frame: Uint8Array, cameLen: number, accepted: Accepted = () => {}): void {
    const refusal = this.#take(frame, cameLen, accepted);
    if (refusal !== null) {
      this.#refuse(refusal);
      return;
    }
    this.#received++;
    this.#step();
  }

  #take(frame: Uint8Array, cameLen: number, accepted: Accepted): LinkRefusal | null {
    const found = peekControlFrame(frame, cameLen);
    if (typeof found === 'string') return found;
    const key = this.#context.keys().rx.find(({ name }) => name === found.keyName);
    if (key === undefined) return 'UnknownKey';
    const said = readControlFrame(frame, found, key.icvKey);
    return typeof said === 'string' ? said : this.#hear(said, cameLen, accepted);
  }

  #hear(said: ControlFrame, cameLen: number, accepted: Accepted): LinkRefusal | null {
    const own = this.#own;
    const { heard, kind, sci } = said;
    if (sci === this.#settings.sci || said.mi === own.mi) return 'OwnMessage';
    if (heard?.mi === own.mi && heard.mn > own.mn) return 'UnsentMessage';
    if (said.body.length < leastBodyLen(kind)) return 'BodyLength';
    // Who has not come cannot go.
    if (kind === LinkKind.Leave && said.mi !== this.#peer.live?.mi) return null;
    const [nowMs, { lifeMs }] = [this.#nowMs, this.#settings];
    const isProof = this.#isWanted && own.ageOf(heard, nowMs) <= lifeMs;
    const change = this.#peer.hear(said, sci, isProof, nowMs, lifeMs);
    if (change === 'Replayed') return change;
    accepted(isProof);
    if (change !== 'proved') this.#wantsAnswer = true;
    if (this.#peer.live?.mi === said.mi) this.#heed(said, cameLen, isProof);
    if (change === 'live' || change === 'started anew') {
      this.#timedMs = Number.NEGATIVE_INFINITY;
      this.#context.listener({ name: 'live', sci, again: change === 'started anew' });
    }
    return null;
  }

  /** What the live peer says. */
  #heed({ kind, mn, body }: ControlFrame, cameLen: number, isProof: boolean): void {
    const view = Buffer.from(body);
    if (kind === LinkKind.Hello) this.#peer.says(view.readUInt32BE(0));
    if (kind === LinkKind.Probe) this.#send(LinkKind.ProbeAnswer, answerTo(mn, cameLen));
    if (!isProof) return;
    if (kind === LinkKind.Hello) this.#peerReport = readPathReport(view, HELLO_BODY_LEN);
    if (kind === LinkKind.Leave) this.#lose('left');
    if (kind === LinkKind.ProbeAnswer) this.#noteAnswer(view.readUInt32BE(0), view.readUInt32BE(4));
  }

  #noteAnswer(mn: number, frameLen: number): void {
    const sentMs = this.#probes.take(mn, frameLen);
    if (sentMs === null) return;
    const roundTripMs = this.#nowMs - sentMs;
    if (mn === this.#timedMn) this.#roundTrips.add(roundTripMs);
    else this.#context.listener({ name: 'answered', frameLen, roundTripMs });
  }

  #forgetPeer(): void {
    this.#peer.lose();
    this.#probes.forget();
    this.#roundTrips.forget();
    this.#peerReport = null;
  }

  #lose(why: 'silent' | 'left'): void {
    this.#forgetPeer();
    this.#context.listener({ name: 'lost', why });
  }

  #step(): void {
    if (!this.#isWanted) return;
    const nowMs = this.#nowMs;
    if (this.#peer.expiresMs <= nowMs) this.#lose('silent');
    if (this.#sendMs <= nowMs) this.#sayHello();
    const dueMs = Math.min(this.#sendMs, this.#peer.expiresMs);
    this.#context.clock.wakeAt(Math.max(dueMs, nowMs + 1), () => this.#step());
  }

  get #sendMs(): number {
    if (this.#wantsAnswer) return this.#lastSentMs + ANSWER_GAP_MS;
    const { helloMs } = this.#settings;
    return this.#lastSentMs + (this.isLive ? helloMs : Math.min(helloMs, SEARCH_MS));
  }

  /** To the live peer; and where somebody else was heard, naming what it said, so that it can prove to be live. */
  #sayHello(): void {
    this.#wantsAnswer = false;
    this.#lastSentMs = this.#nowMs;
    const body = this.#helloBody();
    const { candidate } = this.#peer;
    this.#peer.candidate = null;
    if (candidate !== null) this.#send(LinkKind.Hello, body, 0, candidate);
    if (candidate === null || this.#peer.live !== null) this.#send(LinkKind.Hello, body);
    this.#timeRoundTrip();
  }

  #helloBody(): Buffer {
    const interval = Buffer.alloc(HELLO_BODY_LEN);
    interval.writeUInt32BE(this.#settings.helloMs);
    return Buffer.concat([interval, writePathReport(this.#context.pathReport())]);
  }

  #timeRoundTrip(): void {
    const nowMs = this.#nowMs;
    if (nowMs - this.#timedMs < ROUND_TRIP_GAP_MS || !this.probe(LEAST_CONTROL_LEN)) return;
    this.#timedMs = nowMs;
    this.#timedMn = this.#own.mn;
  }

  /** Returns what was sent; null where nothing is to be. */
  #send(
    kind: number,
    body: Uint8Array,
    frameLen = 0,
    heard: Message | null = this.#peer.live,
  ): Message | null {
    const { tx } = this.#context.keys();
    if (!this.#isWanted || tx === null) return null;
    const message = this.#own.take(this.#nowMs);
    this.#sent++;
    const { sci } = this.#settings;
    this.#context.send(
      writeControlFrame({ mi: message.mi, mn: message.mn, kind, sci, heard, body }, tx, frameLen),
    );
    return message;
  }

  get #nowMs(): number {
    return this.#context.clock.nowMs();
  }

  #refuse(reason: LinkRefusal): void {
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1);
    this.#context.listener({ name: 'refused', reason });
  }
}

function leastBodyLen(kind: number): number {
  if (kind === LinkKind.Hello) return HELLO_BODY_LEN;
  return kind === LinkKind.ProbeAnswer ? ANSWER_BODY_LEN : 0;
}

function answerTo(mn: number, frameLen: number): Buffer {
  const body = Buffer.alloc(ANSWER_BODY_LEN);
  body.writeUInt32BE(mn, 0);
  body.writeUInt32BE(frameLen, 4);
  return body;
}
