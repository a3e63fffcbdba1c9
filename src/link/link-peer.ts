/**
 * The peer at the other end of the link. Who sends a control frame with a right ICV may be a recording; who names a
 * message that it has just had from us is live. A peer that has started anew is another member, and takes the place of the
 * one it was when it has proved to be live. Numbers of members that have gone are remembered, so that what they last sent
 * cannot bring them back.
 */
import type { Message } from './frame.ts';
import { HELLOS_PER_LIFE, MAX_GONE, MAX_HELLO_MS } from './settings.ts';

/** What an authentic message made of the peer. */
export type Heard = 'Replayed' | 'unproved' | 'proved' | 'live' | 'started anew';

/** For another process. */
export interface HandedLinkPeer
  extends Readonly<Pick<LinkPeer, 'live' | 'sci' | 'sinceMs' | 'heardMs' | 'expiresMs'>> {
  readonly helloMs: number;
  readonly gone: ReadonlyMap<string, number>;
}

export class LinkPeer {
  /** The live one, with the number of its last message; null: nobody is. */
  live: Message | null = null;
  sci: string | null = null;
  sinceMs = 0;
  heardMs = 0;
  expiresMs: number = Number.POSITIVE_INFINITY;
  /** Who was heard last without being live: it is to hear that. */
  candidate: Message | null = null;
  /** How often it says that it sends. */
  #helloMs = 0;
  /** By member identifier, the longest gone first. */
  readonly #gone = new Map<string, number>();

  /** An authentic message of `sci`; `isProof`: it names a recent one of ours. One that is refused changes nothing. */
  hear({ mi, mn }: Message, sci: string, isProof: boolean, nowMs: number, lifeMs: number): Heard {
    const isLive = mi === this.live?.mi;
    const last = isLive ? this.live!.mn : (this.#gone.get(mi) ?? 0);
    if (mn <= last) return 'Replayed';
    if (!isLive && !isProof) {
      this.candidate = { mi, mn };
      return 'unproved';
    }
    const before = this.live;
    if (!isLive) this.#welcome(sci, nowMs);
    this.live = { mi, mn };
    this.heardMs = nowMs;
    if (isProof) this.expiresMs = nowMs + Math.max(lifeMs, HELLOS_PER_LIFE * this.#helloMs);
    if (isLive) return isProof ? 'proved' : 'unproved';
    return before === null ? 'live' : 'started anew';
  }

  get handed(): HandedLinkPeer {
    const { live, sci, sinceMs, heardMs, expiresMs } = this;
    return { live, sci, sinceMs, heardMs, expiresMs, helloMs: this.#helloMs, gone: this.#gone };
  }

  /** The peer of another process; times are later by `shiftMs` here. */
  goOn({ live, sci, sinceMs, heardMs, expiresMs, helloMs, gone }: HandedLinkPeer, shiftMs: number): void {
    this.live = live;
    this.sci = sci;
    this.sinceMs = sinceMs + shiftMs;
    this.heardMs = heardMs + shiftMs;
    this.expiresMs = expiresMs + shiftMs;
    this.#helloMs = helloMs;
    for (const [mi, mn] of gone) this.#gone.set(mi, mn);
  }

  /** The live peer says how often it sends. */
  says(helloMs: number): void {
    this.#helloMs = Math.min(helloMs, MAX_HELLO_MS);
  }

  /** It has gone. */
  lose(): void {
    if (this.live === null) return;
    this.#remember(this.live);
    this.live = null;
    this.candidate = null;
    this.expiresMs = Number.POSITIVE_INFINITY;
    this.#helloMs = 0;
  }

  #welcome(sci: string, nowMs: number): void {
    if (this.live !== null) this.#remember(this.live);
    this.candidate = null;
    this.sci = sci;
    this.sinceMs = nowMs;
    this.#helloMs = 0;
  }

  #remember({ mi, mn }: Message): void {
    this.#gone.delete(mi);
    this.#gone.set(mi, mn);
    if (this.#gone.size > MAX_GONE) this.#gone.delete(this.#gone.keys().next().value!);
  }
}
