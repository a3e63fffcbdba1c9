/** A SAK in this end's SecY, or on its way there, with its SAs. Part of `PortKeys`. */
import type { Sak } from './sak.ts';
import { type HandedFloor, TransmitFloor } from './transmit-floor.ts';

/** The receive SA of one peer. */
export interface RxOfSak {
  isInstalled: boolean;
  /** The lowest PN that is accepted, and that which shall be. */
  lowestPn: bigint;
  wantedLowestPn: bigint;
}

/** For another process, which has the same SAs in its SecY. */
export interface HandedSak
  extends Readonly<
    Pick<
      InstalledSak,
      | 'sak'
      | 'ckn'
      | 'isOwn'
      | 'sinceMs'
      | 'receives'
      | 'isDistributed'
      | 'isTxInstalled'
      | 'isTxWanted'
      | 'isGoing'
    >
  > {
  readonly floor: HandedFloor;
  readonly rx: ReadonlyMap<string, RxOfSak>;
}

export class InstalledSak {
  readonly sak: Sak;
  /** CKN of the participant that it was made or received by. */
  readonly ckn: string;
  /** This end is its key server. */
  readonly isOwn: boolean;
  readonly sinceMs: number;
  readonly floor: TransmitFloor = new TransmitFloor();
  /** By SCI. Once here, a channel stays as long as the SAK: the SA must not be made a second time. */
  readonly rx: Map<string, RxOfSak> = new Map();
  /** All receive SAs that were wanted at first are installed: LRX. */
  receives = false;
  /** As key server: it has gone out to the members. */
  isDistributed = false;
  isTxInstalled = false;
  /** It is, or shall be, what this end transmits with. */
  isTxWanted = false;
  /** It is to be removed. */
  isGoing = false;

  constructor(sak: Sak, ckn: string, isOwn: boolean, nowMs: number) {
    this.sak = sak;
    this.ckn = ckn;
    this.isOwn = isOwn;
    this.sinceMs = nowMs;
  }

  /** What another process had; times are later by `shiftMs` here. */
  static goOn({ sak, ckn, isOwn, sinceMs, floor, rx, ...state }: HandedSak, shiftMs: number): InstalledSak {
    const installed = new InstalledSak(sak, ckn, isOwn, sinceMs + shiftMs);
    const { receives, isDistributed, isTxInstalled, isTxWanted, isGoing } = state;
    Object.assign(installed, { receives, isDistributed, isTxInstalled, isTxWanted, isGoing });
    installed.floor.goOn(floor, shiftMs);
    for (const [sci, one] of rx) installed.rx.set(sci, { ...one });
    return installed;
  }

  get handed(): HandedSak {
    const { sak, ckn, isOwn, sinceMs, receives, isDistributed, isTxInstalled, isTxWanted, isGoing, rx } =
      this;
    return {
      ...{ sak, ckn, isOwn, sinceMs, receives, isDistributed, isTxInstalled, isTxWanted, isGoing, rx },
      floor: this.floor.handed,
    };
  }

  get an(): number {
    return this.sak.an;
  }
}
