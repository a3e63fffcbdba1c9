/**
 * A SecY in memory: SAs as they were ordered, and frames that a receiver without the SA loses. It takes its time over
 * orders, in the way that is worst: what adds takes effect when the order is done, what takes away at once.
 */
import { createHash, type KeyObject } from 'node:crypto';
import type { SakSa, SecyOrders } from '../../../../../src/keys/mka/seams.ts';
import type { DataFrame, Listener, World } from './world.ts';

interface TxSa {
  readonly sak: string;
  readonly isEncrypted: boolean;
  nextPn: bigint;
}

interface RxSa {
  readonly sak: string;
  lowestPn: bigint;
  accepted: number;
}

export class ModelSecy implements SecyOrders {
  readonly tx: Map<number, TxSa> = new Map();
  /** By SCI, then by AN. */
  readonly rx: Map<string, Map<number, RxSa>> = new Map();
  encoding: number | null = null;
  accepted = 0;
  /** Why frames could not be received. */
  readonly lost: string[] = [];
  /** Frames that could not be sent for want of an SA; none of them goes out in clear. */
  unsent = 0;
  /** Every order, as text. */
  readonly log: string[] = [];
  /** What an order of that name throws. */
  readonly failing: Map<string, Error> = new Map();
  delayMs = 3;
  /** As hex, for tests that look for them where they must not be. */
  readonly keysSeen: Set<string> = new Set();
  /** By SCI, of the last SA each. */
  readonly ssciOf: Map<string, number | null> = new Map();
  readonly #world: World;
  readonly #sci: string;

  constructor(world: World, sci: string) {
    this.#world = world;
    this.#sci = sci;
  }

  async installRx(sci: string, sa: SakSa): Promise<void> {
    await this.#order('installRx', `${sci} ${sa.an}`);
    const channel = this.rx.get(sci) ?? new Map<number, RxSa>();
    if (channel.has(sa.an)) throw new Error(`AN ${sa.an} of ${sci} has an SA already`);
    this.ssciOf.set(sci, sa.ssci);
    channel.set(sa.an, { sak: nameOf(sa.sak), lowestPn: 1n, accepted: 0 });
    this.rx.set(sci, channel);
  }

  async installTx(sa: SakSa): Promise<void> {
    await this.#order('installTx', `${sa.an}`);
    if (this.tx.has(sa.an)) throw new Error(`AN ${sa.an} has a transmit SA already`);
    this.ssciOf.set(this.#sci, sa.ssci);
    this.keysSeen.add(sa.sak.export().toString('hex'));
    this.tx.set(sa.an, { sak: nameOf(sa.sak), isEncrypted: sa.encrypt, nextPn: 1n });
  }

  async transmitWith(an: number): Promise<void> {
    if (!this.failing.has('transmitWith')) this.encoding = an;
    await this.#order('transmitWith', `${an}`);
  }

  async retireTx(an: number): Promise<void> {
    if (!this.failing.has('retireTx')) this.tx.delete(an);
    await this.#order('retireTx', `${an}`);
  }

  async retireRx(sci: string, an: number): Promise<void> {
    if (!this.failing.has('retireRx')) this.rx.get(sci)?.delete(an);
    await this.#order('retireRx', `${sci} ${an}`);
  }

  async removeRxSc(sci: string): Promise<void> {
    this.rx.delete(sci);
    await this.#order('removeRxSc', sci);
  }

  async raiseLowestPn(sci: string, an: number, pn: bigint): Promise<void> {
    await this.#order('raiseLowestPn', `${sci} ${an} ${pn}`);
    const sa = this.rx.get(sci)?.get(an);
    if (sa !== undefined) sa.lowestPn = pn;
  }

  nextPn(an: number): bigint {
    return this.tx.get(an)?.nextPn ?? 1n;
  }

  /** What the transmit lane would do with a frame of the TAP. */
  send(from: Listener): void {
    const sa = this.encoding === null ? undefined : this.tx.get(this.encoding);
    if (sa === undefined) {
      this.unsent++;
      return;
    }
    const pn = sa.nextPn++;
    const { sak, isEncrypted } = sa;
    this.#world.sendData(from, { sci: this.#sci, an: this.encoding!, sak, pn, isEncrypted });
  }

  receive({ sci, an, sak, pn }: DataFrame): void {
    const sa = this.rx.get(sci)?.get(an);
    const name = `${this.#world.nowMs} ms: AN ${an} of ${sci}`;
    if (sa === undefined) this.lost.push(`${name}: no SA`);
    else if (sa.sak !== sak) this.lost.push(`${name}: another SAK`);
    else if (pn < sa.lowestPn) this.lost.push(`${name}: late`);
    else {
      sa.accepted++;
      this.accepted++;
    }
  }

  async #order(name: string, what: string): Promise<void> {
    this.log.push(`${name} ${what}`);
    const world = this.#world;
    world.noteAsync();
    const delayMs = world.random.below(this.delayMs + 1);
    await new Promise<void>((done) => {
      world.after(delayMs, () => {
        world.noteAsync();
        done();
      });
    });
    const error = this.failing.get(name);
    if (error !== undefined) throw error;
  }
}

/** Tells SAKs apart in what a test prints. */
export function nameOf(sak: KeyObject): string {
  return createHash('sha256').update(sak.export()).digest('hex').slice(0, 8);
}
