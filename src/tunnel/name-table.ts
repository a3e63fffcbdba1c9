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
  /** As they are indexed. */
  readonly #names = new Map<Tunnel, readonly ClaimedName[]>();
  readonly #byName = new Map<ClaimedName, Set<Tunnel>>();

  add(tunnel: Tunnel): void {
    const { names } = tunnel;
    this.#names.set(tunnel, names);
    for (const name of names) {
      const others = this.#byName.get(name);
      if (others === undefined) this.#byName.set(name, new Set([tunnel]));
      else others.add(tunnel);
    }
  }

  delete(tunnel: Tunnel): void {
    for (const name of this.#names.get(tunnel) ?? []) {
      const others = this.#byName.get(name);
      others?.delete(tunnel);
      if (others?.size === 0) this.#byName.delete(name);
    }
    this.#names.delete(tunnel);
  }

  /** Looks whether a tunnel has other names by now. */
  refresh(): void {
    for (const [tunnel, names] of [...this.#names]) {
      if (tunnel.names === names) continue;
      this.delete(tunnel);
      this.add(tunnel);
    }
  }

  /** Never more than MAX_CANDIDATES. */
  find({ name, greKey }: Pick<Claim, 'name' | 'greKey'>): readonly Tunnel[] {
    const named = this.#byName.get(name);
    if (named === undefined) return NOBODY;
    return [...named].filter((tunnel) => tunnel.greKey === greKey).slice(0, MAX_CANDIDATES);
  }
}

const NOBODY: readonly never[] = [];
