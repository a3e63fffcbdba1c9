/**
 * The SAKs of a port: what the CP state machine of IEEE 802.1X-2020 12.4 is about, as a list instead of states. They
 * belong to the port, not to a participant, so that they outlive a change of CAK.
 *
 *   1. `add`: the newest SAK; its receive SAs are installed, then `receives` (RECEIVE, RECEIVING)
 *   2. `transmit`: its transmit SA is installed and becomes the encoding one (TRANSMIT, TRANSMITTING)
 *   3. `retire`: the SAKs before it go (RETIRE)
 *
 * A SAK that a newer one overtakes before 2 stays behind for receiving and goes in 3 (ABANDON). Since each has an AN of
 * its own there are four at most. When which step is due is decided in `transitions.ts`; here is what shall be, and
 * `OrderRunner` brings the SecY there.
 */
import { type HandedSak, InstalledSak } from './installed-sak.ts';
import type { KeyIdentifier } from './mkpdu.ts';
import { hasSaOf, isSameKey, type Sak } from './sak.ts';
import { type HandedHistory, SakHistory } from './sak-history.ts';
import { MAX_LIVE_PEERS } from './settings.ts';

/** For another process, which has the same SAs in its SecY. */
export interface HandedPortKeys {
  readonly all: readonly HandedSak[];
  /** Which of them encodes; −1: none. */
  readonly encoding: number;
  readonly encodingSinceMs: number;
  readonly lastAn: number;
  readonly history: HandedHistory;
}

export class PortKeys {
  /** Oldest first, those that are going included. */
  all: readonly InstalledSak[] = [];
  /** What the SecY transmits with. */
  encoding: InstalledSak | null = null;
  /** Since when. */
  encodingSinceMs = 0;
  /** Of the newest SAK that there ever was; -1: none. */
  lastAn = -1;
  readonly #history = new SakHistory();

  get handed(): HandedPortKeys {
    const { all, encoding, encodingSinceMs, lastAn } = this;
    return {
      all: all.map((one) => one.handed),
      encoding: encoding === null ? -1 : all.indexOf(encoding),
      ...{ encodingSinceMs, lastAn, history: this.#history.handed },
    };
  }

  /** Those of another process; times are later by `shiftMs` here. */
  goOn({ all, encoding, encodingSinceMs, lastAn, history }: HandedPortKeys, shiftMs: number): void {
    this.all = all.map((one) => InstalledSak.goOn(one, shiftMs));
    this.encoding = this.all[encoding] ?? null;
    this.encodingSinceMs = encodingSinceMs + shiftMs;
    this.lastAn = lastAn;
    this.#history.goOn(history);
  }

  /** Those that are to stay, oldest first. */
  get staying(): readonly InstalledSak[] {
    return this.all.some(({ isGoing }) => isGoing) ? this.all.filter(({ isGoing }) => !isGoing) : this.all;
  }

  get latest(): InstalledSak | null {
    return this.staying.at(-1) ?? null;
  }

  /** The one before the latest. */
  get old(): InstalledSak | null {
    return this.staying.at(-2) ?? null;
  }

  find(ki: KeyIdentifier | null): InstalledSak | null {
    return this.staying.find(({ sak }) => isSameKey(sak.ki, ki)) ?? null;
  }

  /** Whether the key was ever here. */
  wasHere(sak: Sak): boolean {
    return this.#history.has(sak.key);
  }

  /** The newest SAK from now on, to be received with from `scis`. What has its AN goes. It was never here before. */
  add(sak: Sak, ckn: string, isOwn: boolean, scis: readonly string[], nowMs: number): InstalledSak {
    for (const other of this.all) if (other.an === sak.an) other.isGoing = true;
    const added = new InstalledSak(sak, ckn, isOwn, nowMs);
    this.#history.add(sak.key);
    this.all = [...this.all, added];
    this.lastAn = sak.an;
    for (const sci of scis) addRx(added, sci);
    return added;
  }

  /** A peer is live now: it is received from with all SAKs that have an SA for it. */
  addPeer(sci: string): void {
    for (const installed of this.staying) addRx(installed, sci);
  }

  /** Transmit moves to the latest. */
  transmit(installed: InstalledSak): void {
    for (const other of this.all) other.isTxWanted = other === installed;
  }

  /** Nothing is sent and nothing received from now on. */
  dropAll(): void {
    for (const installed of this.all) installed.isGoing = true;
  }

  /** Delay protection: what `sci` sent with the SAK before it had come to `pn` is no longer accepted. */
  raiseLowestPn(installed: InstalledSak, sci: string, pn: bigint): void {
    const rx = installed.rx.get(sci);
    if (rx !== undefined && pn > rx.wantedLowestPn) rx.wantedLowestPn = pn;
  }
}

function addRx(installed: InstalledSak, sci: string): void {
  const { rx, sak } = installed;
  if (rx.has(sci) || rx.size >= MAX_LIVE_PEERS || !hasSaOf(sak, sci)) return;
  rx.set(sci, { isInstalled: false, lowestPn: 1n, wantedLowestPn: 1n });
}
