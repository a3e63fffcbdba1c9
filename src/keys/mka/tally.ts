/** What a participant, or the port, has counted since the start. */
import type { KayRefusal } from './kay-refusal.ts';
import type { Refusal } from './refusal.ts';

export interface Refused {
  readonly count: number;
  readonly lastMs: number;
}

export type HandedTally = Readonly<Pick<Tally, 'received' | 'sent' | 'saksMade' | 'saksReceived'>> & {
  readonly refused: ReadonlyMap<Refusal | KayRefusal, Refused>;
};

export class Tally {
  received = 0;
  sent = 0;
  saksMade = 0;
  saksReceived = 0;
  readonly refused: Map<Refusal | KayRefusal, Refused> = new Map();

  /** Counts on from where another process was; times are later by `shiftMs` here. */
  goOn({ received, sent, saksMade, saksReceived, refused }: HandedTally, shiftMs: number): void {
    Object.assign(this, { received, sent, saksMade, saksReceived });
    for (const [reason, { count, lastMs }] of refused)
      this.refused.set(reason, { count, lastMs: lastMs + shiftMs });
  }

  get handed(): HandedTally {
    const { received, sent, saksMade, saksReceived, refused } = this;
    return { received, sent, saksMade, saksReceived, refused };
  }

  refuse(reason: Refusal | KayRefusal, nowMs: number): void {
    this.refused.set(reason, { count: (this.refused.get(reason)?.count ?? 0) + 1, lastMs: nowMs });
  }
}
