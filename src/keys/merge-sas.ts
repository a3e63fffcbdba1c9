/**
 * What a changed file asks of SAs that a rotation may have changed since: what differs between the file before and the
 * file now is done, and nothing else. SAs are the same where their SAKs are, whatever AN or identifier they have.
 */
import { isSameKey } from '../config/key-prints.ts';
import type { RxScConfig, SaConfig } from '../macsec/config.ts';
import { rxSasOf, type SaSet, sasOf } from '../tunnel/sa-set.ts';

type Sas = readonly SaConfig[];

/** `before` may have prints in place of its keys. What comes out has no transmit SA to encode with only where `after` has none. */
export function mergeSas(before: SaSet, after: SaSet, running: SaSet): SaSet {
  const txSa = mergeList(before.txSa, after.txSa, running.txSa);
  const encodingSa = encodingOf(before, after, running, txSa);
  // What encodes now is gone from the file, and what the file encodes with is not what runs: then all is as the file says.
  if (encodingSa === null) return sasOf(after);
  return { encodingSa, txSa, rxSc: mergeRx(before, after, running) };
}

/** Whether the SAs of both are of the same keys, each in its place (direction and channel). */
export function haveSameKeys(a: SaSet, b: SaSet): boolean {
  return sameKeys(a.txSa, b.txSa) && a.rxSc.length === b.rxSc.length && a.rxSc.every(inOther);
  function inOther({ sci, sa }: RxScConfig): boolean {
    return b.rxSc.some((sc) => sc.sci === sci && sameKeys(sa, sc.sa));
  }
}

function sameKeys(a: Sas, b: Sas): boolean {
  return a.length === b.length && a.every((sa) => find(b, sa) !== undefined);
}

function find(list: Sas, { sak }: SaConfig): SaConfig | undefined {
  return list.find((sa) => isSameKey(sa.sak, sak));
}

function mergeList(before: Sas, after: Sas, running: Sas): SaConfig[] {
  const comes = after.filter((sa) => find(running, sa) === undefined && find(before, sa) === undefined);
  // Where the file has nothing but new keys, what a rotation has brought goes too.
  const allNew = comes.length > 0 && after.every((sa) => find(before, sa) === undefined);
  const stays = running.filter(
    (sa) => find(after, sa) !== undefined || (!allNew && find(before, sa) === undefined),
  );
  const kept = stays.map((sa) => asFiled(sa, find(before, sa), find(after, sa)));
  return [...kept.filter((sa) => !comes.some(({ an }) => an === sa.an)), ...comes];
}

/** The key's AN is where it runs, unless the file has moved it. */
function asFiled(sa: SaConfig, was: SaConfig | undefined, now: SaConfig | undefined): SaConfig {
  if (now === undefined) return sa;
  const moved = was !== undefined && was.an !== now.an;
  return { ...now, an: moved ? now.an : sa.an };
}

/** Null: nothing that would be there encodes. */
function encodingOf(before: SaSet, after: SaSet, running: SaSet, txSa: Sas): number | null {
  if (after.txSa.length === 0) return after.encodingSa;
  const [was, now] = [before, after].map((sas) => sas.txSa.find(({ an }) => an === sas.encodingSa));
  if (now !== undefined && (was === undefined || !isSameKey(was.sak, now.sak))) {
    const chosen = find(txSa, now);
    if (chosen !== undefined) return chosen.an;
  }
  const encodes = running.txSa.find(({ an }) => an === running.encodingSa);
  return encodes === undefined ? null : (find(txSa, encodes)?.an ?? null);
}

function mergeRx(before: SaSet, after: SaSet, running: SaSet): RxScConfig[] {
  return after.rxSc.map((sc) => ({
    ...sc,
    sa: mergeList(rxSasOf(before, sc.sci), sc.sa, rxSasOf(running, sc.sci)),
  }));
}

/** The SAs of `old` whose keys `sas` does not have. */
export function replacedBy(old: SaSet, sas: SaSet): SaSet {
  const gone = (list: Sas, now: Sas): SaConfig[] => list.filter((sa) => find(now, sa) === undefined);
  return {
    encodingSa: old.encodingSa,
    txSa: gone(old.txSa, sas.txSa),
    rxSc: old.rxSc.map((sc) => ({ ...sc, sa: gone(sc.sa, rxSasOf(sas, sc.sci)) })),
  };
}

/** The same keys under the same ANs, and the same one encodes. */
export function areSameSas(a: SaSet, b: SaSet): boolean {
  const sameAns = (left: Sas, right: Sas): boolean => left.every((sa) => find(right, sa)?.an === sa.an);
  return (
    haveSameKeys(a, b) &&
    a.encodingSa === b.encodingSa &&
    sameAns(a.txSa, b.txSa) &&
    a.rxSc.every(({ sci, sa }) => sameAns(sa, rxSasOf(b, sci)))
  );
}
