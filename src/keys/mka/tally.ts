/** What a participant, or the port, has counted since the start. */
import type { KayRefusal } from './kay-refusal.ts';
import type { Refusal } from './refusal.ts';

export interface Refused {
  readonly count: number;
  readonly lastMs: number;
}

export class Tally {
  received = 0;
  sent = 0;
  saksMade = 0;
  saksReceived = 0;
  readonly refused: Map<Refusal | KayRefusal, Refused> = new Map();

  refuse(reason: Refusal | KayRefusal, nowMs: number): void {
    this.refused.set(reason, { count: (this.refused.get(reason)?.count ?? 0) + 1, lastMs: nowMs });
  }
}
