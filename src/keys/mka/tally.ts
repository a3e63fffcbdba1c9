/** What a participant, or the port, has counted since the start. */
import type { KayRefusal } from './kay-refusal.ts';
import type { Refusal } from './refusal.ts';

export class Tally {
  received = 0;
  sent = 0;
  saksMade = 0;
  saksReceived = 0;
  readonly refused: Map<Refusal | KayRefusal, number> = new Map();

  refuse(reason: Refusal | KayRefusal): void {
    this.refused.set(reason, (this.refused.get(reason) ?? 0) + 1);
  }
}
