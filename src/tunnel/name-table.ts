/**
 * Which tunnels of one port a packet may be for, by the name that it claims (`encap/claimed-name.ts`) and its GRE key. Of
 * those that have the same name each is a candidate: they tell by ICV whose it is.
 */
import type { Claim, ClaimedName } from '../encap/claimed-name.ts';

export interface Named {
  readonly greKey: number | null;
  /** The same array as long as nothing has changed. */
  readonly names: readonly ClaimedName[];
}

/** Tunnels that get one packet, at most. */
const MAX_CANDIDATES = 4;

export class NameTable<Tunnel extends Named> {
  readonly #names = new Map<Tunnel, readonly ClaimedName[]>();
  #byName = new Map<ClaimedName, Tunnel[]>();

  add(tunnel: Tunnel): void {
    this.#names.set(tunnel, tunnel.names);
    this.#index();
  }

  delete(tunnel: Tunnel): void {
    this.#names.delete(tunnel);
    this.#index();
  }

  /** Looks whether a tunnel has other names by now. */
  refresh(): void {
    let changed = false;
    for (const [tunnel, names] of this.#names) {
      if (tunnel.names === names) continue;
      this.#names.set(tunnel, tunnel.names);
      changed = true;
    }
    if (changed) this.#index();
  }

  /** Never more than MAX_CANDIDATES. */
  find({ name, greKey }: Pick<Claim, 'name' | 'greKey'>): readonly Tunnel[] {
    const named = this.#byName.get(name);
    if (named === undefined) return NOBODY;
    return named.filter((tunnel) => tunnel.greKey === greKey).slice(0, MAX_CANDIDATES);
  }

  #index(): void {
    this.#byName = new Map();
    for (const [tunnel, names] of this.#names) {
      for (const name of new Set(names)) {
        const others = this.#byName.get(name);
        if (others === undefined) this.#byName.set(name, [tunnel]);
        else others.push(tunnel);
      }
    }
  }
}

const NOBODY: readonly never[] = [];
