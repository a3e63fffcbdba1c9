/**
 * When the key server makes a new SAK (IEEE 802.1X-2020 9.8). A request stays until a SAK is made, whatever else
 * happens: a peer that joins right after the last SAK gets one too.
 */
import { SAK_CALM_MS, SAK_GAP_MS } from './settings.ts';

/** Why, as the log has it. */
export type SakReason =
  | 'peer joined'
  | 'peer left'
  | 'this end became key server'
  | 'the other CAK took over'
  | 'the settings changed'
  | 'new member identifier'
  | 'ordered'
  | 'by time'
  | 'packet numbers run out'
  | 'a peer lacks the SAK';

/** At once; when all have moved to the last SAK; or a while after the last one, where a peer's word alone asks for it. */
const HASTE_OF: Readonly<Record<SakReason, 'now' | 'settled' | 'calm'>> = {
  'peer joined': 'now',
  'peer left': 'now',
  'this end became key server': 'now',
  'the other CAK took over': 'now',
  'the settings changed': 'now',
  'new member identifier': 'now',
  ordered: 'settled',
  'by time': 'settled',
  'packet numbers run out': 'calm',
  'a peer lacks the SAK': 'calm',
};

export interface SakConditions {
  /** When the last SAK was made here; minus infinity: never. */
  readonly lastMs: number;
  readonly isSomebodyJoining: boolean;
  /** All members transmit with the last SAK. */
  readonly isSettled: boolean;
  /** Nobody transmits with the AN that the next one would get. */
  readonly isAnFree: boolean;
}

const RANK = { now: 2, settled: 1, calm: 0 };

export class SakRequests {
  #reason: SakReason | null = null;

  /** The most urgent reason. */
  get reason(): SakReason | null {
    return this.#reason;
  }

  request(reason: SakReason): void {
    if (this.#reason === null || RANK[HASTE_OF[reason]] > RANK[HASTE_OF[this.#reason]]) this.#reason = reason;
  }

  /** When the SAK may be made as things stand; infinite: none is wanted. */
  dueMs({ lastMs, isSomebodyJoining, isSettled, isAnFree }: SakConditions): number {
    if (this.#reason === null) return Number.POSITIVE_INFINITY;
    const haste = HASTE_OF[this.#reason];
    const mayHurry = haste === 'now' || (haste === 'settled' && isSettled);
    return lastMs + (mayHurry && isAnFree && !isSomebodyJoining ? SAK_GAP_MS : SAK_CALM_MS);
  }

  /** It is made. */
  clear(): void {
    this.#reason = null;
  }
}
