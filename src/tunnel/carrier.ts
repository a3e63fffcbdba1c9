/**
 * The carrier of a TAP that has it only while the peer is there: what watches links sees a tunnel without a peer as a cable
 * that is cut. It goes at once, and comes when the peer has been there for a while without a break, so that a path that
 * comes and goes does not take the LAN along each time. Control frames go by the tunnel's socket, with carrier or without.
 */
import { messageOf } from '../errors.ts';
import { type Notice, news, warning } from './notice.ts';
import type { CarrierView } from './view.ts';

export interface HandedCarrier {
  readonly isUp: boolean;
  readonly reason: string;
  /** Milliseconds since the epoch. */
  readonly sinceMs: number;
}

export class Carrier implements CarrierView {
  isUp = false;
  reason = 'the peer has not been there yet';
  since: Date = new Date();
  /** Hears of each change. */
  changed: (notice: Notice) => void = () => {};
  readonly #delayMs: number;
  readonly #set: (up: boolean) => void;
  #timer: NodeJS.Timeout | null = null;

  /** `set` gives the TAP its carrier or takes it; it has none now. */
  constructor(delayMs: number, set: (up: boolean) => void) {
    this.#delayMs = delayMs;
    this.#set = set;
  }

  /** For another process, which goes on with the TAP. */
  get handed(): HandedCarrier {
    const { isUp, reason, since } = this;
    return { isUp, reason, sinceMs: since.getTime() };
  }

  /** The TAP has, or has not, its carrier from a process before. */
  goOn({ isUp, reason, sinceMs }: HandedCarrier): void {
    this.isUp = isUp;
    this.reason = reason;
    this.since = new Date(sinceMs);
  }

  /** What is known of the peer now; `reason`: why it is not there. */
  peerIs(isThere: boolean, reason: string): void {
    if (isThere) {
      if (!this.isUp) this.#timer ??= setTimeout(() => this.#move(true, 'the peer is there'), this.#delayMs);
      return;
    }
    this.close();
    if (this.isUp) this.#move(false, reason);
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #move(up: boolean, reason: string): void {
    this.#timer = null;
    try {
      this.#set(up);
    } catch (error) {
      // The interface was deleted, and the tunnel goes down with it.
      this.changed(warning(`the carrier cannot be set ${up ? 'up' : 'down'}: ${messageOf(error)}`));
      return;
    }
    this.isUp = up;
    this.reason = reason;
    this.since = new Date();
    const text = `carrier ${up ? 'up' : 'down'}: ${reason}`;
    this.changed(up ? news(text) : warning(text));
  }
}
