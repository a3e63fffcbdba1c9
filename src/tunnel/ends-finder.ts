/**
 * Finds the outer addresses where the configuration has a host name for the peer, or `auto` for this end:
 *
 *   1. ask       the name, at the start and while the peer is silent, 1 s, 2 s, 4 s … a minute apart
 *   2. choose    the first address that there is a route to; the next one where nothing authentic answers from it
 *   3. source    `auto`: the address that the kernel's route to the peer has, as it is now
 *
 * What a name server says is where to send, no more: who is there proves it with its key. A peer that is heard is not asked
 * for, and stays where it is.
 */
import { isIP } from 'node:net';
import { unfitAddress } from '../config/fields.ts';
import type { GreConfig } from '../encap/config.ts';
import { messageOf } from '../errors.ts';
import { NameResolver } from '../host/resolve-name.ts';
import { hasRoute, sourceTo } from '../host/socket.ts';
import { type Notice, news, warning } from './notice.ts';
import type { OuterEnds } from './outer-ends.ts';

/** Who knows names and routes. */
export interface Network {
  /** Rejects with an error whose message says why. */
  resolve(name: string, family: 0 | 4 | 6): Promise<readonly string[]>;
  /** The address from which the kernel sends to `remote`; null: there is no route. */
  sourceTo(remote: string): string | null;
  hasRoute(local: string, remote: string): boolean;
}

/** How the peer is heard. */
export interface Silence {
  /** Since something authentic came; before that, since the tunnel is there. */
  readonly silentMs: number;
  /** Frames were sent to it all the while. */
  readonly isUnanswered: boolean;
}

/** A peer that was not heard for so long may have moved. */
const SILENT_MS = 5000;
const FIRST_ASK_MS = 1000;
const LONGEST_ASK_MS = 60_000;
/** How long an address is tried before the next one; twice as long each time that all have been, since both ends may try. */
const TRY_MS = 6000;
const LONGEST_TRY_MS = 60_000;
/** Added at random, up to that part of it, so that two ends do not keep missing each other. */
const TRY_JITTER = 0.5;
/** What could not be used is not tried again at once. */
const REFUSED_MS = 5000;
/** Of what a name server says, at most. */
const MOST_ADDRESSES = 16;

const names = new NameResolver();
const KERNEL: Network = { resolve: (name, family) => names.resolve(name, family), sourceTo, hasRoute };

export class EndsFinder {
  readonly #gre: GreConfig;
  readonly #network: Network;
  /** Null: the configuration has an address. */
  readonly #name: string | null;
  #addresses: readonly string[];
  #ends: OuterEnds | null = null;
  #sinceMs = 0;
  /** The last look has found other ends. */
  #isFound = false;
  #tries = 0;
  #tryMs: number = TRY_MS;
  #notBeforeMs = Number.NEGATIVE_INFINITY;
  #ask: 'idle' | 'asked' | 'answered' = 'idle';
  #askAtMs = Number.NEGATIVE_INFINITY;
  #askAfterMs = FIRST_ASK_MS;
  /** Why the name had no address when it was asked last. */
  #fault: string | null = null;
  /** What the log knows of what is missing. */
  #told: string | null = null;
  /** Called when an answer has come: it is time to look. */
  onAnswer: () => void = () => {};

  constructor(gre: GreConfig, network: Network = KERNEL) {
    this.#gre = gre;
    this.#network = network;
    this.#name = isIP(gre.remote) === 0 ? gre.remote : null;
    this.#addresses = this.#name === null ? [gre.remote] : [];
  }

  /** Why there are no ends to send between, for people; null: there are. */
  get waitsFor(): string | null {
    if (this.#ends !== null) return null;
    if (this.#addresses.length > 0 && !this.#isFound)
      return `no route to ${this.#addresses.join(', ')}${this.#from()}`;
    return this.#fault === null
      ? `resolving ${this.#name}`
      : `${this.#name} does not resolve: ${this.#fault}`;
  }

  /** Once a second, and after an answer: other ends than those in use, or null. `nowMs` is monotonic. */
  look(nowMs: number, silence: Silence): OuterEnds | null {
    const quietMs = Math.min(silence.silentMs, nowMs - this.#sinceMs);
    if (this.#ends !== null && silence.silentMs < nowMs - this.#sinceMs && quietMs < SILENT_MS) this.#heard();
    this.#askInTime(nowMs, quietMs);
    const ends = nowMs < this.#notBeforeMs ? null : this.#choose(nowMs, quietMs, silence.isUnanswered);
    this.#isFound = ends !== null;
    return ends;
  }

  /** Packets go between `ends` from now on; what there is to say of it. */
  used(ends: OuterEnds, nowMs: number): Notice[] {
    const before = this.#ends;
    this.#ends = ends;
    this.#sinceMs = nowMs;
    this.#isFound = false;
    this.#told = null;
    const said: Notice[] = [];
    if (this.#name !== null && before?.remote !== ends.remote) {
      said.push(news(`peer's address is now ${ends.remote} (${this.#name})`));
    }
    if (this.#gre.local === 'auto' && before?.local !== ends.local) {
      said.push(news(`local address is now ${ends.local}`));
    }
    return said;
  }

  /** The ends that `look` gave could not be used. */
  refused(nowMs: number, why: string): Notice[] {
    this.#notBeforeMs = nowMs + REFUSED_MS;
    return this.#tell(why);
  }

  /** What is missing, each thing once. */
  notices(): Notice[] {
    if (this.#isFound || (this.#ask === 'asked' && this.#fault === null)) return [];
    const missing = this.waitsFor ?? (this.#fault === null ? null : this.#staysText());
    if (missing === null) this.#told = null;
    return missing === null ? [] : this.#tell(missing);
  }

  #tell(text: string): Notice[] {
    if (text === this.#told) return [];
    this.#told = text;
    return [warning(`${text}; tried again until that changes`)];
  }

  #staysText(): string {
    return `${this.#name} does not resolve: ${this.#fault}: packets go to ${this.#ends?.remote} still`;
  }

  #from(): string {
    return this.#gre.local === 'auto' ? '' : ` from ${this.#gre.local}`;
  }

  #heard(): void {
    this.#askAfterMs = FIRST_ASK_MS;
    this.#askAtMs = Number.NEGATIVE_INFINITY;
    this.#tries = 0;
    this.#tryMs = TRY_MS;
    this.#fault = null;
  }

  #askInTime(nowMs: number, quietMs: number): void {
    if (this.#name === null) return;
    if (this.#ask === 'answered') {
      this.#ask = 'idle';
      this.#askAtMs = nowMs + this.#askAfterMs;
      this.#askAfterMs = Math.min(2 * this.#askAfterMs, LONGEST_ASK_MS);
    }
    const isNeeded = this.#ends === null || quietMs >= SILENT_MS;
    if (this.#ask === 'idle' && isNeeded && nowMs >= this.#askAtMs) this.#askNow(this.#name);
  }

  #askNow(name: string): void {
    const { local } = this.#gre;
    this.#ask = 'asked';
    this.#network
      .resolve(name, isIP(local) as 0 | 4 | 6)
      .then(
        (addresses) => this.#take(addresses),
        (error: unknown) => {
          this.#fault = messageOf(error);
        },
      )
      .finally(() => {
        this.#ask = 'answered';
        this.onAnswer();
      });
  }

  #take(addresses: readonly string[]): void {
    const fit = addresses.filter((address) => unfitAddress(address) === null);
    this.#fault = fit.length > 0 ? null : `${addresses.join(', ')} cannot be a peer's address`;
    if (fit.length > 0) this.#addresses = fit.slice(0, MOST_ADDRESSES);
  }

  #choose(nowMs: number, quietMs: number, isUnanswered: boolean): OuterEnds | null {
    const ends = this.#ends;
    if (ends === null) return this.#firstOf(this.#addresses);
    if (quietMs >= SILENT_MS) {
      const at = this.#addresses.indexOf(ends.remote);
      const isTriedOut = isUnanswered && nowMs - this.#sinceMs >= this.#tryMs && quietMs >= this.#tryMs;
      // The name has it no more, or it does not answer.
      const others = [...this.#addresses.slice(at + 1), ...this.#addresses.slice(0, Math.max(at, 0))];
      const next = at < 0 || isTriedOut ? this.#firstOf(others) : null;
      if (next !== null) {
        this.#noteTry();
        return next;
      }
    }
    const now = this.#endsTo(ends.remote);
    return now === null || now.local === ends.local ? null : now;
  }

  #noteTry(): void {
    this.#tries++;
    const rounds = Math.floor(this.#tries / Math.max(1, this.#addresses.length));
    const tryMs = Math.min(TRY_MS * 2 ** Math.min(rounds, 8), LONGEST_TRY_MS);
    this.#tryMs = tryMs * (1 + Math.random() * TRY_JITTER);
  }

  /** The first of these that packets can go to. */
  #firstOf(addresses: readonly string[]): OuterEnds | null {
    for (const address of addresses) {
      const ends = this.#endsTo(address);
      if (ends !== null) return ends;
    }
    return null;
  }

  /** Null: there is no route, or it is this host itself. */
  #endsTo(remote: string): OuterEnds | null {
    const family = isIP(remote) === 6 ? 6 : 4;
    const { local } = this.#gre;
    if (local === 'auto') {
      const source = this.#network.sourceTo(remote);
      return source === null || source === remote ? null : { local: source, remote, family };
    }
    if (isIP(local) !== family || local === remote || !this.#network.hasRoute(local, remote)) return null;
    return { local, remote, family };
  }
}
