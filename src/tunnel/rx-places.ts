/** Where each RxSC of a SecY has its counters and key slots: a place stays the channel's while it lives. */
import { L2vpnError } from '../errors.ts';

export class RxPlaces {
  /** By SCI. */
  #places: ReadonlyMap<string, number> = new Map();

  has(sci: string): boolean {
    return this.#places.has(sci);
  }

  /** Throws L2VPN_INTERNAL for a channel that has none. */
  of(sci: string): number {
    const place = this.#places.get(sci);
    if (place === undefined) throw new L2vpnError('L2VPN_INTERNAL', `RxSC ${sci} has no place`);
    return place;
  }

  /** All places are below it. */
  get end(): number {
    let end = 0;
    for (const place of this.#places.values()) end = Math.max(end, place + 1);
    return end;
  }

  /** Gives `scis` their places: those that had one keep it, a new one gets the first free; others lose theirs. */
  assign(scis: readonly string[]): void {
    const places = new Map<string, number>();
    for (const sci of scis) if (this.#places.has(sci)) places.set(sci, this.of(sci));
    const used = new Set(places.values());
    for (const sci of scis) {
      if (places.has(sci)) continue;
      let free = 0;
      while (used.has(free)) free++;
      used.add(free);
      places.set(sci, free);
    }
    this.#places = places;
  }
}
