/**
 * Control frames of a tunnel: a `LinkControl` over its Uncontrolled Port, with keys of its key source. With static keys it
 * is the keepalive that the operator has asked for at both ends. With key agreement it speaks to a peer that MKA says is
 * live and an l2vpnd, and to nobody else.
 */
import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import type { UncontrolledPort } from '../datapath/uncontrolled-port.ts';
import { KEY_NAME_LEN, OFF_KEY_NAME } from '../link/frame.ts';
import {
  type HandedLink,
  LinkControl,
  type LinkEvent,
  type LinkKeys,
  type LinkSnapshot,
} from '../link/link-control.ts';
import type { PathReport } from '../link/path-report.ts';
import { LINK_REFUSAL_TEXTS, type LinkRefusal } from '../link/refusal.ts';
import { type LinkSettings, QUIET_HELLO_MS, QUIET_LIFE_MS } from '../link/settings.ts';
import { follow } from './follow.ts';
import type { KeySource } from './key-source.ts';
import { clockZeroMs, MonotonicClock, shiftFrom } from './wake-clock.ts';

/** A refusal of one kind is told once in so long: whoever knows the address can cause it. */
const REFUSAL_GAP_MS = 60_000;
/** Marks that are left beside those of key agreement, and where there is none. */
const MARKS_BESIDE_MKA = 2;
const MARKS_ALONE = 4;

/** The keepalive of the configuration. */
export type Keepalive = Pick<LinkSettings, 'helloMs' | 'lifeMs'>;

export interface PeerLinkContext {
  readonly tunnel: string;
  /** The own SCI, 16 hex digits. */
  readonly sci: string;
  /** With static keys; null with key agreement. */
  readonly keepalive: Keepalive | null;
  readonly keys: Pick<KeySource, 'linkKeys' | 'onPeer' | 'peer'>;
  readonly port: UncontrolledPort;
  readonly log: Logger;
  /** What this end has seen of the way to it; null: nothing. */
  pathReport(): PathReport | null;
}

/** A probe of `frameLen` octets, Ethernet header and all, has come to the peer whole. */
export type AnsweredListener = (frameLen: number, roundTripMs: number) => void;

/** For another process. */
export interface HandedPeerLink {
  /** Of the clock that its times are of (`clockZeroMs`). */
  readonly zeroMs: number;
  readonly control: HandedLink;
  readonly hasLeft: boolean;
}

export class PeerLink {
  readonly #context: PeerLinkContext;
  readonly #control: LinkControl;
  /** When each refusal was last told. */
  readonly #toldMs = new Map<LinkRefusal, number>();
  #answered: AnsweredListener = () => {};
  #changed: () => void = () => {};
  #marked: LinkKeys | null = null;
  #isUp = false;
  #hasLeft = false;
  #wasThere = false;

  constructor(context: PeerLinkContext) {
    const { sci, keepalive, port, keys } = context;
    const quiet = { helloMs: QUIET_HELLO_MS, lifeMs: QUIET_LIFE_MS };
    this.#context = context;
    this.#control = new LinkControl(
      { sci, ...(keepalive ?? quiet) },
      {
        clock: new MonotonicClock(),
        random: (octets) => randomBytes(octets),
        keys: () => this.#keys(),
        send: (frame) => port.send(frame),
        pathReport: () => context.pathReport(),
        listener: (event) => this.#note(event),
      },
    );
    port.received = (frame, from, cameLen) =>
      this.#control.receive(frame, cameLen, (provesLife) => follow(port, from, provesLife));
    keys.onPeer(() => this.#look());
  }

  /** The tunnel's lanes run, after `rest` again. */
  linkUp(): void {
    this.#isUp = true;
    this.#keys();
    this.#control.wake();
    this.#look();
    // Whoever is there already is news to who listens.
    if (this.isPeerThere || this.isLive) this.#changed();
  }

  /** Sends nothing until `linkUp`; the peer is told nothing. */
  rest(): void {
    this.#isUp = false;
    this.#control.rest();
  }

  /** At rest, it is what another process goes on from. */
  get handed(): HandedPeerLink {
    return { zeroMs: clockZeroMs(), control: this.#control.handed, hasLeft: this.#hasLeft };
  }

  /** Before `linkUp`. */
  goOn({ zeroMs, control, hasLeft }: HandedPeerLink): void {
    this.#control.goOn(control, shiftFrom(zeroMs));
    this.#hasLeft = hasLeft;
    this.#wasThere = this.isPeerThere;
  }

  /** The peer is told that this end goes. */
  stop(): void {
    this.#isUp = false;
    this.#control.stop(true);
  }

  /** The peer hears control frames and we hear its: probes may be sent. */
  get isLive(): boolean {
    return this.#control.isLive;
  }

  /**
   * Whether the peer is there for user data: as key agreement says, which takes its time where the peer has just said that
   * it stops, or with static keys the keepalive.
   */
  get isPeerThere(): boolean {
    const { peer } = this.#context.keys;
    return peer === null ? this.#control.isLive : peer.isSecured && !this.#hasLeft;
  }

  /** Why the peer is not there, for people. */
  get absence(): string {
    const { keepalive, keys } = this.#context;
    if (this.#hasLeft) return 'the peer says that it stops';
    if (keepalive === null) return keys.peer?.hasLivePeer ? 'no SAK is in use' : 'mka: no peer is live';
    return `keepalive: the peer was not heard, or did not hear us, for ${keepalive.lifeMs} ms`;
  }

  /** How long ago the live peer was heard; null: nobody is live. */
  get heardAgoMs(): number | null {
    return this.isLive ? performance.now() - this.snapshot.heardMs : null;
  }

  get snapshot(): LinkSnapshot {
    return this.#control.snapshot;
  }

  /** It is the tunnel's keepalive; else key agreement watches the peer. */
  get isKeepalive(): boolean {
    return this.#context.keepalive !== null;
  }

  /** Sends a probe of `frameLen` octets, Ethernet header and all. False where no peer is live: nothing is sent then. */
  probe(frameLen: number): boolean {
    return this.#control.probe(frameLen);
  }

  onAnswered(listener: AnsweredListener): void {
    this.#answered = listener;
  }

  /** `listener` is called when `isPeerThere` or `isLive` may be otherwise. */
  onChanged(listener: () => void): void {
    this.#changed = listener;
  }

  /** Key agreement has moved on, or the link is up. */
  #look(): void {
    const { peer } = this.#context.keys;
    if (this.#isUp) {
      if (peer === null || peer.takesControlFrames) this.#control.start();
      else this.#control.stop();
    }
    // MKA has noticed too, or has found another peer.
    if (peer !== null && !(peer.isSecured && peer.takesControlFrames)) this.#hasLeft = false;
    const isThere = this.isPeerThere;
    if (isThere === this.#wasThere) return;
    this.#wasThere = isThere;
    this.#changed();
  }

  /** Frames by these keys are not to be lost among others. */
  #keys(): LinkKeys {
    const { keys, port, keepalive } = this.#context;
    const now = keys.linkKeys();
    if (now === this.#marked) return now;
    this.#marked = now;
    const names = now.rx.slice(0, keepalive === null ? MARKS_BESIDE_MKA : MARKS_ALONE);
    port.want(
      names.map(({ name }) => ({
        at: OFF_KEY_NAME,
        octets: Buffer.from(name, 'hex').subarray(0, KEY_NAME_LEN),
      })),
    );
    return now;
  }

  #note(event: LinkEvent): void {
    if (event.name === 'answered') this.#answered(event.frameLen, event.roundTripMs);
    else if (event.name === 'refused') this.#tellRefusal(event.reason);
    else {
      this.#tellPeer(event);
      this.#changed();
    }
  }

  #tellPeer(event: Extract<LinkEvent, { name: 'live' | 'lost' }>): void {
    this.#hasLeft = event.name === 'lost' && event.why === 'left';
    this.#wasThere = this.isPeerThere;
    const { tunnel, log, keepalive } = this.#context;
    // With key agreement MKA tells of the peer.
    const [good, bad] = keepalive === null ? (['debug', 'debug'] as const) : (['info', 'warn'] as const);
    if (event.name === 'live') {
      const { sci, again } = event;
      log[good](
        { tunnel, sci },
        again ? 'keepalive: peer started anew' : 'keepalive: peer live: it hears us',
      );
    } else if (event.why === 'left') log[good]({ tunnel }, 'keepalive: peer lost: it says that it stops');
    else {
      const ms = keepalive?.lifeMs ?? QUIET_LIFE_MS;
      log[bad]({ tunnel }, `keepalive: peer lost: not heard, or does not hear us, for ${ms} ms`);
    }
  }

  #tellRefusal(reason: LinkRefusal): void {
    const { tunnel, log } = this.#context;
    const nowMs = performance.now();
    if (nowMs - (this.#toldMs.get(reason) ?? Number.NEGATIVE_INFINITY) < REFUSAL_GAP_MS) return;
    this.#toldMs.set(reason, nowMs);
    log.warn({ tunnel, reason }, `control frame refused: ${LINK_REFUSAL_TEXTS[reason]}`);
  }
}
