/**
 * Which SAKs this end has had, so that none is used a second time: its packet numbers would begin at 1 again, and a
 * nonce repeats (IEEE 802.1X-2020 9.8). It is about the keys themselves, whatever identifiers they come under.
 *
 * Of each SAK 8 octets of its SHA-256 are kept, of the last 4096. A key server can have one used again only by
 * distributing that many others between; it has the SAKs itself, and gains nothing from it.
 */
import { createHash, type KeyObject } from 'node:crypto';

const MAX_REMEMBERED = 4096;
const FIRST_ROOM = 16;

/** For another process. It tells nothing of the keys. */
export interface HandedHistory {
  readonly prints: BigUint64Array;
  readonly count: number;
}

export class SakHistory {
  #prints = new BigUint64Array(FIRST_ROOM);
  #count = 0;

  get handed(): HandedHistory {
    return { prints: this.#prints.slice(), count: this.#count };
  }

  goOn({ prints, count }: HandedHistory): void {
    this.#prints = prints.slice();
    this.#count = count;
  }

  has(sak: KeyObject): boolean {
    return this.#prints.subarray(0, Math.min(this.#count, MAX_REMEMBERED)).includes(fingerprint(sak));
  }

  add(sak: KeyObject): void {
    if (this.#count === this.#prints.length && this.#count < MAX_REMEMBERED) this.#grow();
    this.#prints[this.#count % MAX_REMEMBERED] = fingerprint(sak);
    this.#count++;
  }

  #grow(): void {
    const prints = new BigUint64Array(this.#prints.length * 2);
    prints.set(this.#prints);
    this.#prints = prints;
  }
}

function fingerprint(sak: KeyObject): bigint {
  const octets = sak.export();
  try {
    return createHash('sha256').update('l2vpnd SAK history').update(octets).digest().readBigUInt64BE(0);
  } finally {
    octets.fill(0);
  }
}
