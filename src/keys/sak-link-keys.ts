/**
 * Keys of control frames with static keys: this end sends with that of its encoding SA, and takes those of all SAs that it
 * receives with. They are made anew when the SAs are others, so a rotation takes them along.
 */
import { linkKeyOfSak } from '../link/keys.ts';
import type { LinkKeys } from '../link/link-control.ts';
import type { SaControl } from '../tunnel/sa-control.ts';
import type { SaSet } from '../tunnel/sa-set.ts';

export class SakLinkKeys {
  #of: SaSet | null = null;
  #keys: LinkKeys = { tx: null, rx: [] };

  of({ sci, sas }: Pick<SaControl, 'sci' | 'sas'>): LinkKeys {
    if (this.#of === null || !isSame(this.#of, sas)) {
      this.#keys = keysOf(sci, sas);
      this.#of = sas;
    }
    return this.#keys;
  }
}

/** A change makes new lists. */
function isSame(a: SaSet, b: SaSet): boolean {
  return a.txSa === b.txSa && a.rxSc === b.rxSc && a.encodingSa === b.encodingSa;
}

function keysOf(ownSci: string, { encodingSa, txSa, rxSc }: SaSet): LinkKeys {
  const tx = txSa.find(({ an, active }) => an === encodingSa && active);
  const rx = rxSc.flatMap(({ sci, sa }) =>
    sa.filter(({ active }) => active).map(({ sak }) => linkKeyOfSak(sak, sci)),
  );
  return { tx: tx === undefined ? null : linkKeyOfSak(tx.sak, ownSci), rx };
}
