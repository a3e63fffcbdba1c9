/** Time and a link in memory: whole sessions of key agreement, the same for the same seed. */
import { Random } from '../../../../fuzz/random.ts';

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** What the link does to MKPDUs, each for itself and each receiver. */
export interface LinkFaults {
  /** Of a hundred. */
  lossPercent: number;
  duplicatePercent: number;
  delayMs: number;
  /** Added by chance, so that later ones overtake. */
  jitterMs: number;
}

export interface Listener {
  readonly name: string;
  onMkpdu(frame: Uint8Array): void;
  onData(frame: DataFrame): void;
}

/** A protected frame as a receiver tells it from others. */
export interface DataFrame {
  readonly sci: string;
  readonly an: number;
  /** Stands for the SAK, and is none. */
  readonly sak: string;
  readonly pn: bigint;
  readonly isEncrypted: boolean;
}

export class World {
  nowMs = 0;
  readonly random: Random;
  readonly link: LinkFaults = { lossPercent: 0, duplicatePercent: 0, delayMs: 5, jitterMs: 0 };
  /** Whatever must never be: two frames with one packet number of one key. */
  readonly violations: string[] = [];
  /** All frames with MKPDUs that were sent. */
  readonly recorded: { readonly from: string; readonly frame: Uint8Array }[] = [];
  recordsFrames = false;
  /** Whether an MKPDU gets from one to another; cut lines are set here. */
  passes: (from: string, to: string) => boolean = () => true;
  readonly #stations = new Set<Listener>();
  readonly #queue: Event[] = [];
  readonly #lastPn = new Map<string, bigint>();
  #order = 0;
  #isAsync = false;

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  /** Later, or at this time but after all that is under way. */
  at(atMs: number, run: () => void): void {
    const event = { atMs: Math.max(atMs, this.nowMs), order: this.#order++, run };
    this.#queue.push(event);
    let i = this.#queue.length - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (isBefore(this.#queue[parent]!, event)) break;
      this.#queue[i] = this.#queue[parent]!;
      i = parent;
    }
    this.#queue[i] = event;
  }

  after(ms: number, run: () => void): void {
    this.at(this.nowMs + ms, run);
  }

  every(ms: number, run: () => void): void {
    this.after(ms, () => {
      run();
      this.every(ms, run);
    });
  }

  /** Promises were made or kept: they are waited for before time goes on. */
  noteAsync(): void {
    this.#isAsync = true;
  }

  async run(ms: number): Promise<void> {
    const endMs = this.nowMs + ms;
    await this.#settle();
    while (this.#queue.length > 0 && this.#queue[0]!.atMs <= endMs) {
      const { atMs, run } = this.#take();
      this.nowMs = atMs;
      run();
      await this.#settle();
    }
    this.nowMs = endMs;
  }

  /** Until `holds`, looked at every 10 ms; returns how long it took. Throws after `limitMs`. */
  async until(holds: () => boolean, limitMs: number): Promise<number> {
    const fromMs = this.nowMs;
    while (!holds()) {
      if (this.nowMs - fromMs >= limitMs) throw new Error(`not within ${limitMs} ms: ${holds}`);
      await this.run(10);
    }
    return this.nowMs - fromMs;
  }

  join(station: Listener): void {
    this.#stations.add(station);
  }

  leave(station: Listener): void {
    this.#stations.delete(station);
  }

  sendMkpdu(from: Listener, frame: Uint8Array): void {
    if (this.recordsFrames) this.recorded.push({ from: from.name, frame });
    for (const to of this.#stations) {
      if (to === from || !this.passes(from.name, to.name)) continue;
      const copies = this.#chance(this.link.duplicatePercent) ? 2 : 1;
      for (let i = 0; i < copies; i++) if (!this.#chance(this.link.lossPercent)) this.#deliver(to, frame);
    }
  }

  /** Data takes the same way, with nothing lost: what a receiver cannot take is lost by its own fault. */
  sendData(from: Listener, frame: DataFrame): void {
    this.#checkPn(frame);
    const delayMs = this.link.delayMs + this.random.below(this.link.jitterMs + 1);
    for (const to of this.#stations) {
      if (to !== from) this.after(delayMs, () => this.#stations.has(to) && to.onData(frame));
    }
  }

  inject(to: Listener, frame: Uint8Array): void {
    this.after(0, () => this.#stations.has(to) && to.onMkpdu(frame));
  }

  #deliver(to: Listener, frame: Uint8Array): void {
    const delayMs = this.link.delayMs + this.random.below(this.link.jitterMs + 1);
    this.after(delayMs, () => this.#stations.has(to) && to.onMkpdu(frame));
  }

  #checkPn({ sci, sak, pn }: DataFrame): void {
    const key = `${sci} ${sak}`;
    if (pn <= (this.#lastPn.get(key) ?? 0n)) this.violations.push(`${key}: PN ${pn} a second time`);
    this.#lastPn.set(key, pn);
  }

  #chance(percent: number): boolean {
    return percent > 0 && this.random.below(1000) < percent * 10;
  }

  #take(): Event {
    const first = this.#queue[0]!;
    const last = this.#queue.pop()!;
    if (this.#queue.length === 0) return first;
    let i = 0;
    for (let child = 1; child < this.#queue.length; child = 2 * i + 1) {
      const right = this.#queue[child + 1];
      if (right !== undefined && isBefore(right, this.#queue[child]!)) child++;
      if (isBefore(last, this.#queue[child]!)) break;
      this.#queue[i] = this.#queue[child]!;
      i = child;
    }
    this.#queue[i] = last;
    return first;
  }

  async #settle(): Promise<void> {
    while (this.#isAsync) {
      this.#isAsync = false;
      await new Promise((done) => setImmediate(done));
    }
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs === b.atMs ? a.order < b.order : a.atMs < b.atMs;
}
