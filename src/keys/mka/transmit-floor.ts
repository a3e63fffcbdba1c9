/**
 * The lowest packet number that this end may still be sending with a SAK (LPN, IEEE 802.1X-2020 9.10): the next one as
 * it was a while ago. Peers with delay protection drop what is below.
 */
import { PN_FLOOR_AGE_MS } from './settings.ts';

interface Sample {
  readonly atMs: number;
  readonly pn: bigint;
}

/** For another process. */
export interface HandedFloor {
  readonly samples: readonly Sample[];
  readonly floor: bigint;
}

export class TransmitFloor {
  #samples: Sample[] = [];
  #floor = 1n;

  get handed(): HandedFloor {
    return { samples: this.#samples, floor: this.#floor };
  }

  /** Times are later by `shiftMs` here. */
  goOn({ samples, floor }: HandedFloor, shiftMs: number): void {
    this.#samples = samples.map(({ atMs, pn }) => ({ atMs: atMs + shiftMs, pn }));
    this.#floor = floor;
  }

  /** Takes `nextPn` down as it is now, and returns the floor. */
  sample(nextPn: bigint, nowMs: number): bigint {
    this.#samples.push({ atMs: nowMs, pn: nextPn });
    const old = this.#samples.findLastIndex(({ atMs }) => atMs <= nowMs - PN_FLOOR_AGE_MS);
    if (old >= 0) {
      this.#floor = this.#samples[old]!.pn;
      this.#samples = this.#samples.slice(old);
    }
    return this.#floor;
  }
}
