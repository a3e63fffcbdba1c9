/** The packet numbers of the SAs of one SecY while SAs come and go: opened, locked, granted; closed when nobody uses them. */
import { L2vpnError } from '../errors.ts';
import { type FdSink, FdSource } from '../host/descriptors.ts';
import type { SaConfig } from '../macsec/config.ts';
import { pnEnd } from '../macsec/packet-number.ts';
import { channelId, type PnChannel } from '../state/pn-channel.ts';
import type { StateStore } from '../state/store.ts';
import type { HandedTx, TxPn } from '../state/stored-tx.ts';
import type { LockFds } from '../state/tx-lock.ts';
import { unstoredRx, unstoredTx } from '../state/unstored.ts';
import { allOf } from './in-turn.ts';
import { type HandedRx, RxNumbers, TxNumbers } from './sa-numbers.ts';
import type { SaSet } from './sa-set.ts';

/** The numbers of an SA, with the channel (key and SCI) that they are about. */
interface Held<Numbers> {
  readonly channel: string;
  readonly numbers: Numbers;
}

/** Where packet numbers outlive the process. */
export type NumberStore = Pick<StateStore, 'openTx' | 'goOnWithTx' | 'openRx'>;

/** What goes from the numbers of one process to those of the next, by channel (`channelId`). */
export interface HandedNumbers {
  readonly tx: ReadonlyMap<string, HandedTxSa>;
  readonly rx: ReadonlyMap<string, HandedRx>;
}

/** `locks`: of name and file, as places among the descriptors that go over (`FdSink`); null: it has none. */
export interface HandedTxSa extends Pick<HandedTx, 'next' | 'reserved'> {
  readonly locks: LockFds | null;
}

export class SecyNumbers {
  readonly #store: NumberStore;
  /** The own one, 16 hex digits. */
  readonly #sci: string;
  /** One past the last PN of an SA. */
  readonly #pnEnd: bigint;
  /** By AN. */
  #tx: ReadonlyMap<number, Held<TxNumbers>> = new Map();
  /** By SCI and AN. */
  #rx: ReadonlyMap<string, Held<RxNumbers>> = new Map();
  /** What lanes may still use of SAs that are no longer held. */
  #retired: { close(): Promise<void> }[] = [];

  /** What a process before has left, and the descriptors that it is about; an SA takes it once. */
  readonly #handed: { tx: Map<string, HandedTxSa>; rx: Map<string, HandedRx>; fds: FdSource };

  constructor(
    store: NumberStore,
    sci: string,
    xpn: boolean,
    handed: HandedNumbers | null = null,
    fds: FdSource = new FdSource([]),
  ) {
    this.#handed = { tx: new Map(handed?.tx), rx: new Map(handed?.rx), fds };
    this.#store = store;
    this.#sci = sci;
    this.#pnEnd = pnEnd(xpn);
  }

  get tx(): TxNumbers[] {
    return [...this.#tx.values()].map(({ numbers }) => numbers);
  }

  findTx(an: number): TxNumbers | undefined {
    return this.#tx.get(an)?.numbers;
  }

  /** After the lanes have ended, and `idle`. `locked`: with what locks them, which this process does not store any more then. */
  handOn(fds: FdSink, locked: boolean): HandedNumbers {
    const tx = [...this.#tx.values()].map(({ channel, numbers }): [string, HandedTxSa] => {
      const { locks, ...left } = numbers.left;
      const places: LockFds | null =
        locks === null || !locked ? null : [fds.add(locks[0]), fds.add(locks[1])];
      return [channel, { ...left, locks: places }];
    });
    const rx = [...this.#rx.values()].map(({ channel, numbers }): [string, HandedRx] => [
      channel,
      numbers.left,
    ]);
    return { tx: new Map(tx), rx: new Map(rx) };
  }

  /** Resolves when nothing is being stored. */
  async idle(): Promise<void> {
    await Promise.all([...this.#tx.values(), ...this.#rx.values()].map(({ numbers }) => numbers.idle()));
  }

  /** Of an SA that is held. Throws L2VPN_INTERNAL for another. */
  txOf(an: number): TxNumbers {
    return this.findTx(an) ?? notHeld(`transmit SA ${an}`);
  }

  /** Of an SA that is held. Throws L2VPN_INTERNAL for another. */
  rxOf(sci: string, an: number): RxNumbers {
    return this.#rx.get(rxKey(sci, an))?.numbers ?? notHeld(`receive SA ${sci}/${an}`);
  }

  /**
   * Opens (and locks) the numbers of the SAs that `sas` adds; resolves when their first blocks are granted. Numbers of
   * SAs that it no longer has stay open until `release`. Calls must not overlap. Throws L2vpnError; nothing has changed
   * then.
   */
  async hold(sas: SaSet): Promise<void> {
    const opened: TxNumbers[] = [];
    try {
      const tx = await this.#holdTx(sas, opened);
      const rx = await this.#holdRx(sas);
      this.#retire(tx, rx);
      this.#tx = tx;
      this.#rx = rx;
    } catch (error) {
      await Promise.allSettled(opened.map((numbers) => numbers.close(0n)));
      throw error;
    }
  }

  /**
   * After every lane has let go of the SAs that are no longer held. All they had taken counts as used. Rejects with
   * L2VPN_STATE where that cannot be stored; the SAs are released all the same.
   */
  release(): Promise<void> {
    return allOf(this.#retired.splice(0).map((numbers) => numbers.close()));
  }

  /** `nextPn` says what the lanes have used of a transmit SA. Rejects as `release`. */
  close(nextPn: (tx: TxNumbers) => bigint): Promise<void> {
    return allOf([
      this.release(),
      ...this.tx.map((tx) => tx.close(nextPn(tx))),
      ...[...this.#rx.values()].map(({ numbers }) => numbers.close()),
    ]);
  }

  /** `opened` gathers what is new. */
  async #holdTx({ txSa }: SaSet, opened: TxNumbers[]): Promise<Map<number, Held<TxNumbers>>> {
    const held = new Map<number, Held<TxNumbers>>();
    for (const sa of txSa) {
      const channel = channelOf(sa, this.#sci);
      const id = channelId(channel);
      const known = this.#tx.get(sa.an);
      if (known?.channel === id) {
        held.set(sa.an, known);
        continue;
      }
      this.#refuseMove(sa, id);
      const numbers = new TxNumbers(await this.#openTx(sa, channel, id), sa.an, this.#pnEnd);
      opened.push(numbers);
      if (!numbers.hasSome) await numbers.extend();
      held.set(sa.an, { channel: id, numbers });
    }
    return held;
  }

  async #holdRx({ rxSc }: SaSet): Promise<Map<string, Held<RxNumbers>>> {
    const held = new Map<string, Held<RxNumbers>>();
    for (const sc of rxSc) {
      for (const sa of sc.sa) {
        const channel = channelOf(sa, sc.sci);
        const id = channelId(channel);
        const key = rxKey(sc.sci, sa.an);
        const known = this.#rx.get(key);
        const same = known?.channel === id ? known : null;
        const numbers = same?.numbers ?? (await this.#openRx(sa, channel, id));
        held.set(key, { channel: id, numbers });
      }
    }
    return held;
  }

  async #openTx({ stored, pn }: SaConfig, channel: PnChannel, id: string): Promise<TxPn> {
    const { tx, fds } = this.#handed;
    const handed = tx.get(id);
    tx.delete(id);
    if (handed === undefined) return stored ? this.#store.openTx(channel, pn) : unstoredTx(pn);
    const { next, reserved, locks } = handed;
    if (!stored) return unstoredTx(next);
    // Where the locks have not come along nobody has them.
    if (locks === null) return this.#store.openTx(channel, pn);
    return this.#store.goOnWithTx(channel, {
      next,
      reserved,
      locks: [fds.take(locks[0]), fds.take(locks[1])],
    });
  }

  async #openRx({ an, stored, pn }: SaConfig, channel: PnChannel, id: string): Promise<RxNumbers> {
    const { rx } = this.#handed;
    const numbers = new RxNumbers(stored ? await this.#store.openRx(channel, pn) : unstoredRx(pn), an);
    const handed = rx.get(id);
    rx.delete(id);
    if (handed === undefined) return numbers;
    numbers.goOnFrom(handed.nextPn, handed.replay);
    numbers.raiseLowest(handed.lowestPn);
    return numbers;
  }

  /** One key on two ANs would be two counters of the same numbers. */
  #refuseMove({ an, keyId }: SaConfig, channel: string): void {
    for (const [from, one] of this.#tx) {
      if (one.channel !== channel) continue;
      throw new L2vpnError(
        'L2VPN_CONFIG',
        `key ${keyId} cannot move from AN ${from} to AN ${an} while it is in use; take a new key, or restart l2vpnd`,
      );
    }
  }

  #retire(tx: ReadonlyMap<number, Held<TxNumbers>>, rx: ReadonlyMap<string, Held<RxNumbers>>): void {
    for (const [an, { numbers }] of this.#tx) {
      if (tx.get(an)?.numbers !== numbers) this.#retired.push({ close: () => numbers.close(numbers.taken) });
    }
    for (const [key, { numbers }] of this.#rx) {
      if (rx.get(key)?.numbers !== numbers) this.#retired.push(numbers);
    }
  }
}

function rxKey(sci: string, an: number): string {
  return `${sci}/${an}`;
}

/** What the numbers of `sa` belong to, on the channel `sci`. */
export function channelOf(sa: SaConfig, sci: string): PnChannel {
  const { sak, ssci, keyId, keyFile } = sa;
  return { sak, sci, ssci, keyId, keyFile };
}

function notHeld(what: string): never {
  throw new L2vpnError('L2VPN_INTERNAL', `no packet numbers are held for ${what}`);
}
