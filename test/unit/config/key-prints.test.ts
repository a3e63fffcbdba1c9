/** What is kept of keys for comparison tells whether they are the same, and nothing else of them. */
import { createSecretKey, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isSameKey, withKeyPrints } from '../../../src/config/key-prints.ts';
import { parseConfig } from '../../../src/config/load.ts';
import { planReload } from '../../../src/daemon/reload.ts';
import { sample } from './sample.ts';

const load = () => parseConfig(JSON.stringify(sample()), 'site1.json');

describe('prints of keys', () => {
  it('tell the same key from another, whichever side is a print already', () => {
    const octets = randomBytes(16);
    const [a, b] = [createSecretKey(octets), createSecretKey(octets)];
    expect(isSameKey(a, b)).toBe(true);
    expect(isSameKey(a, createSecretKey(randomBytes(16)))).toBe(false);
  });

  it('take the place of every key of a configuration, and a second time change nothing', () => {
    const config = load();
    const kept = withKeyPrints(config);
    const keys = config.tunnels.flatMap(({ macsec }) => [
      ...(macsec?.txSa ?? []),
      ...(macsec?.rxSc.flatMap(({ sa }) => sa) ?? []),
    ]);
    const left = kept.tunnels.flatMap(({ macsec }) => [
      ...(macsec?.txSa ?? []),
      ...(macsec?.rxSc.flatMap(({ sa }) => sa) ?? []),
    ]);
    expect(keys.length).toBeGreaterThan(1);
    for (const [i, { sak }] of keys.entries()) {
      expect(left[i]!.sak.export().includes(sak.export())).toBe(false);
      expect(isSameKey(left[i]!.sak, sak)).toBe(true);
    }
    expect(withKeyPrints(kept)).toEqual(kept);
  });

  it('are enough for a reload to see that nothing has changed, and that a key has', () => {
    const kept = withKeyPrints(load());
    expect(planReload(kept, load()).macsec).toEqual([]);
    const changed = sample();
    changed.tunnels[0]!.macsec!.txSa![0]!.key = randomBytes(16).toString('hex');
    const after = parseConfig(JSON.stringify(changed), 'site1.json');
    expect(planReload(kept, after).macsec).toMatchObject([{ keys: true }]);
  });
});
