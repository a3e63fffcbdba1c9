/**
 * What a path carries, found by probes that the peer answers: Datagram Packetization Layer Path MTU Discovery (RFC 8899) between
 * two l2vpnd. State machine only: who runs it sends probes, tells of answers, and has a clock with a timer.
 *
 *     confirming ──answered──▶ searching ──▶ complete ──after raiseMs──▶ searching
 *         ▲ │ three lost                        │
 *         │ ▼                                   │ every CONFIRM_MS
 *     checking the base ◀──── three lost ───────┘
 *
 * Differences to RFC 8899 5.2: the size that the tunnel carries already is confirmed first, so that a whole path costs one
 * probe and no start at the base. And where probes of that size are lost, the path is only taken for narrower when one of
 * BASE octets arrives: if that is lost too, no size is to blame, and nothing changes.
 *
 * One probe is on its way at a time, each is tried MAX_PROBES times, timers are spread. A lost probe is no sign of congestion.
 */

/** What is tried first where the present size does not pass: what each IPv6 link carries. */
export const BASE = 1280;
/** MAX_PROBES and PROBE_TIMER of RFC 8899 5.1; a timer below 1 s is not allowed. */
export const MAX_PROBES = 3;
export const PROBE_MS = 1000;
/** How often the size in use is confirmed: while the tunnel sends, and at most while it does not. */
export const CONFIRM_MS = 5000;
export const IDLE_CONFIRM_MS = 30_000;
/** Sizes that are tried are multiples of this; the largest that a link has is tried as it is. */
const STEP = 4;
/** Timers run so much longer or shorter. */
const SPREAD = 0.2;

/** Monotonic; one wake-up, the last that was asked for. */
export interface SearchClock {
  nowMs(): number;
  wakeAt(atMs: number, wake: () => void): void;
  cancel(): void;
}

export type SearchState = 'stopped' | 'confirming' | 'base' | 'searching' | 'complete';

export type SearchEvent =
  /** Probes of `octets` octets do not arrive, and those of BASE do: the path carries BASE until more is found. */
  | { readonly name: 'black hole'; readonly octets: number }
  /** A probe of so many octets has arrived, more than before; the search goes on. */
  | { readonly name: 'grown' }
  /** The largest size is found, and is another than was told last. */
  | { readonly name: 'found' };

export interface SearchContext {
  readonly clock: SearchClock;
  /** 0 ≤ x < 1. */
  random(): number;
  /** After how long a path that carries less than it might is searched again. */
  readonly raiseMs: number;
  /** Sends a probe that is a packet of so many octets. Must not throw. */
  probe(octets: number): void;
  /** Whether the tunnel has sent anything since this was last asked. */
  isBusy(): boolean;
  /** Must not throw. */
  listener(event: SearchEvent): void;
}

export class PathSearch {
  readonly #context: SearchContext;
  #state: SearchState = 'stopped';
  /** What the path is taken to carry; what it might at most; the least that is known not to pass. */
  #octets = 0;
  #most = 0;
  #tooMuch = 0;
  /** What was told last. */
  #told = 0;
  /** The probe on its way, and how often it was sent; 0: none is. */
  #probe = 0;
  #tries = 0;
  #confirmedMs = 0;
  #raiseAtMs = 0;
  /** The size to try first after a black hole: somebody has named it. */
  #hint = 0;

  constructor(context: SearchContext) {
    this.#context = context;
  }

  get state(): SearchState {
    return this.#state;
  }

  /** Octets of the longest packet that the path is taken to carry. */
  get octets(): number {
    return this.#octets;
  }

  /** The peer answers probes from now on; the path is taken to carry `present` of `most` octets. */
  start(present: number, most: number): void {
    this.#octets = present;
    this.#told = present;
    this.#most = most;
    this.#tooMuch = most + 1;
    this.#raiseAtMs = 0;
    this.#hint = 0;
    this.#confirm();
  }

  /** Nobody answers any more. */
  stop(): void {
    this.#state = 'stopped';
    this.#probe = 0;
    this.#context.clock.cancel();
  }

  /** The own link carries so much now. */
  setMost(most: number): void {
    if (this.#state === 'stopped' || most === this.#most) return;
    this.start(Math.min(this.#octets, most), most);
  }

  /** It is proven that no more than `octets` pass. */
  lower(octets: number): void {
    if (this.#state === 'stopped' || octets >= this.#octets) return;
    const { nowMs } = this;
    this.#octets = octets;
    this.#told = octets;
    this.#tooMuch = octets + 1;
    this.#raiseAtMs = nowMs + this.#spread(this.#context.raiseMs);
    this.#confirm();
  }

  /** Somebody says that no more than `octets` pass: the present size is confirmed at once. */
  suspect(octets: number): void {
    if (this.#state === 'stopped' || this.#state === 'base') return;
    this.#hint = octets;
    if (this.#state !== 'confirming') this.#confirm();
  }

  /** A probe of `octets` octets has arrived. */
  answered(octets: number): void {
    if (octets !== this.#probe) return;
    this.#probe = 0;
    if (this.#state === 'base') this.#fallTo(octets);
    else if (this.#state === 'searching') this.#grow(octets);
    else this.#settle();
  }

  get nowMs(): number {
    return this.#context.clock.nowMs();
  }

  #confirm(): void {
    this.#state = 'confirming';
    this.#send(this.#octets);
  }

  /** The size in use has passed. */
  #settle(): void {
    this.#confirmedMs = this.nowMs;
    this.#hint = 0;
    if (this.nowMs >= this.#raiseAtMs && this.#raiseAtMs > 0) this.#tooMuch = this.#most + 1;
    this.#search();
  }

  #search(): void {
    const next = this.#next();
    if (next !== 0) {
      this.#state = 'searching';
      this.#send(next);
      return;
    }
    this.#state = 'complete';
    if (this.#octets >= this.#most) this.#raiseAtMs = 0;
    else if (this.#raiseAtMs <= this.nowMs)
      this.#raiseAtMs = this.nowMs + this.#spread(this.#context.raiseMs);
    this.#waitToConfirm();
    if (this.#octets === this.#told) return;
    this.#told = this.#octets;
    this.#context.listener({ name: 'found' });
  }

  /** The size to try next between what passes and what does not; 0: there is none. The whole path is tried first. */
  #next(): number {
    const [low, high] = [this.#octets, this.#tooMuch];
    if (low >= this.#most) return 0;
    if (high > this.#most) return this.#most;
    if (this.#hint > low && this.#hint < high) return this.#hint;
    const middle = Math.floor((low + high) / 2 / STEP) * STEP;
    if (middle > low) return middle;
    const above = low - (low % STEP) + STEP;
    return above < high ? above : 0;
  }

  #grow(octets: number): void {
    this.#octets = octets;
    this.#confirmedMs = this.nowMs;
    this.#context.listener({ name: 'grown' });
    this.#search();
  }

  /** The size in use does not pass, and that of the base does. */
  #fallTo(base: number): void {
    const octets = this.#octets;
    this.#octets = base;
    this.#told = base;
    this.#tooMuch = octets;
    this.#raiseAtMs = this.nowMs + this.#spread(this.#context.raiseMs);
    this.#context.listener({ name: 'black hole', octets });
    this.#search();
  }

  #send(octets: number): void {
    if (octets !== this.#probe) this.#tries = 0;
    this.#probe = octets;
    this.#tries++;
    this.#wakeIn(PROBE_MS, () => this.#missed());
    this.#context.probe(octets);
  }

  #missed(): void {
    if (this.#tries < MAX_PROBES) {
      this.#send(this.#probe);
      return;
    }
    const lost = this.#probe;
    this.#probe = 0;
    if (this.#state === 'searching') this.#narrow(lost);
    else if (this.#state === 'base' || lost <= BASE) this.#giveUp();
    else {
      this.#state = 'base';
      this.#send(BASE);
    }
  }

  #narrow(tooMuch: number): void {
    this.#tooMuch = tooMuch;
    if (this.#hint === tooMuch) this.#hint = 0;
    this.#search();
  }

  /** Nothing arrives: that is no matter of sizes. */
  #giveUp(): void {
    this.#state = 'complete';
    this.#confirmedMs = this.nowMs;
    this.#waitToConfirm();
  }

  #waitToConfirm(): void {
    const waitMs = this.#spread(CONFIRM_MS);
    const untilRaise = this.#raiseAtMs === 0 ? waitMs : Math.max(1, this.#raiseAtMs - this.nowMs);
    this.#wakeIn(Math.min(waitMs, untilRaise), () => this.#look());
  }

  #look(): void {
    const isDue = this.nowMs - this.#confirmedMs >= IDLE_CONFIRM_MS || this.#isTimeToRaise;
    if (this.#context.isBusy() || isDue) this.#confirm();
    else this.#waitToConfirm();
  }

  get #isTimeToRaise(): boolean {
    return this.#raiseAtMs > 0 && this.nowMs >= this.#raiseAtMs;
  }

  #wakeIn(ms: number, wake: () => void): void {
    this.#context.clock.wakeAt(this.nowMs + ms, wake);
  }

  #spread(ms: number): number {
    return ms * (1 - SPREAD + 2 * SPREAD * this.#context.random());
  }
}
