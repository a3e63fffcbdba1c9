/** A changed file and SAs that a rotation has changed since: only what the file changes is done. */
import { createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withKeyPrints } from '../../../src/config/key-prints.ts';
import type { Config } from '../../../src/config/types.ts';
import { areSameSas, haveSameKeys, mergeSas, replacedBy } from '../../../src/keys/merge-sas.ts';
import type { SaConfig } from '../../../src/macsec/config.ts';
import type { SaSet } from '../../../src/tunnel/sa-set.ts';
import { macsecConfig, saOf } from '../macsec/kit.ts';

const [PEER, OTHER] = ['0000002222220001', '0000003333330001'];
const sa = (key: number, an: number, changes: Partial<SaConfig> = {}): SaConfig =>
  saOf({
    an,
    keyId: key.toString(16).padStart(2, '0'),
    sak: createSecretKey(Buffer.alloc(16, key)),
    ...changes,
  });
const rx = (sci: string, ...list: SaConfig[]) => ({ sci, active: true, sa: list });

/** As the daemon has the file that it read last. */
function printed(sas: SaSet): SaSet {
  const tunnel = { name: 'site2', mka: null, macsec: macsecConfig(sas as Partial<SaSet>) };
  return withKeyPrints({ tunnels: [tunnel] } as unknown as Config).tunnels[0]!.macsec!;
}

const FILE: SaSet = { encodingSa: 0, txSa: [sa(1, 0)], rxSc: [rx(PEER, sa(2, 0))] };
const ROTATED: SaSet = { encodingSa: 1, txSa: [sa(3, 1)], rxSc: [rx(PEER, sa(4, 1))] };
const merge = (after: SaSet, running: SaSet = ROTATED): SaSet => mergeSas(printed(FILE), after, running);

describe('after a rotation that the file knows nothing of', () => {
  it.each<[string, SaSet]>([
    ['the same file', FILE],
    ['another key identifier', { ...FILE, txSa: [sa(1, 0, { keyId: 'aa' })] }],
    ['another first packet number', { ...FILE, txSa: [sa(1, 0, { pn: 9n })] }],
    ['an SA that is not active', { ...FILE, rxSc: [rx(PEER, sa(2, 0, { active: false }))] }],
    ['another AN for the old key', { ...FILE, encodingSa: 2, txSa: [sa(1, 2)] }],
  ])('%s brings no old key back', (_, after) => {
    expect(merge(after)).toEqual(ROTATED);
  });

  it('a further peer comes beside what runs, and a channel that is not active stops', () => {
    const after = { ...FILE, rxSc: [{ ...FILE.rxSc[0]!, active: false }, rx(OTHER, sa(5, 0))] };
    expect(merge(after)).toEqual({
      ...ROTATED,
      rxSc: [{ ...ROTATED.rxSc[0]!, active: false }, rx(OTHER, sa(5, 0))],
    });
  });

  it('the new keys in the file change nothing, under another AN either; they take its identifiers', () => {
    expect(merge({ ...ROTATED })).toEqual(ROTATED);
    const underAn0 = { encodingSa: 0, txSa: [sa(3, 0, { keyId: 'aa' })], rxSc: [rx(PEER, sa(4, 0))] };
    expect(merge(underAn0)).toEqual({ ...ROTATED, txSa: [sa(3, 1, { keyId: 'aa' })] });
  });

  it('keys that are new to both take the place of those that run', () => {
    const fresh: SaSet = { encodingSa: 1, txSa: [sa(7, 1)], rxSc: [rx(PEER, sa(8, 1))] };
    expect(merge(fresh)).toEqual(fresh);
  });
});

describe('without a rotation', () => {
  it('what runs is the file, whatever it changes of AN, identifiers, channels and keys', () => {
    const aSa = fc
      .record({
        key: fc.integer({ min: 1, max: 5 }),
        an: fc.integer({ min: 0, max: 3 }),
        keyId: fc.constantFrom('aa', 'bb'),
      })
      .map(({ key, an, keyId }) => sa(key, an, { keyId }));
    const list = fc.uniqueArray(aSa, {
      maxLength: 4,
      comparator: (a, b) => a.an === b.an || a.sak.equals(b.sak),
    });
    const file = fc.record({ tx: list, a: list, b: list }).map(({ tx, a, b }) => ({
      encodingSa: tx[0]?.an ?? 0,
      txSa: tx,
      rxSc: [rx(PEER, ...a), rx(OTHER, ...b)],
    }));
    fc.assert(
      fc.property(file, file, (before, after) => {
        const merged = mergeSas(before, after, before);
        expect(areSameSas(merged, after)).toBe(true);
        expect(areSameSas(mergeSas(printed(before), after, before), after)).toBe(true);
        expect(new Set(merged.txSa.map(({ an }) => an)).size).toBe(merged.txSa.length);
      }),
    );
  });
});

it('keys are compared in their places, whatever their ANs', () => {
  expect(haveSameKeys(printed(FILE), { ...FILE, encodingSa: 3, txSa: [sa(1, 3)] })).toBe(true);
  expect(haveSameKeys(FILE, { ...FILE, rxSc: [rx(OTHER, sa(2, 0))] })).toBe(false);
  expect(areSameSas(FILE, { ...FILE, rxSc: [rx(PEER, sa(2, 1))] })).toBe(false);
  expect(replacedBy(FILE, ROTATED)).toEqual(FILE);
  expect(replacedBy(FILE, FILE)).toEqual({ ...FILE, txSa: [], rxSc: [rx(PEER)] });
});
