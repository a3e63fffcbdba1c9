/** The addresses between which outer packets go: those of the configuration, or found for it. */
import { isIP } from 'node:net';
import type { GreConfig } from '../encap/config.ts';

export interface OuterEnds {
  readonly local: string;
  /** An address, or `dynamic`. */
  readonly remote: string;
  readonly family: 4 | 6;
}

/** Where a hub with `local: "auto"` listens: a peer that may be anywhere has no route yet. */
const ANY_IPV4 = '0.0.0.0';

/** Those that the configuration names; null: they have to be found (`ends-finder.ts`). */
export function fixedEnds({ local, remote, family }: GreConfig): OuterEnds | null {
  if (remote === 'dynamic') return { local: local === 'auto' ? ANY_IPV4 : local, remote, family };
  return local === 'auto' || isIP(remote) === 0 ? null : { local, remote, family };
}
