/** Configurations of 0.1 load for as long as the version of the format is 1; a file of another version is refused by name. */
import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { permitExampleKeys } from '../../../src/config/example-keys.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { load, refusal, sample } from './sample.ts';

/** The first example of the history, those since, the how-to guides', and one with every setting. */
const OLD = 'test/fixtures/config-0.1';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'l2vpnd-compatible-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** With the key files that it names beside it. */
function copied(name: string): string {
  const text = readFileSync(join(OLD, name), 'utf8');
  const octets = text.includes('xpn-256') ? 32 : 16;
  for (const [, file] of text.matchAll(/"(?:keyFile|cakFile)": "([^"]+)"/g)) {
    const key = createHash('sha256')
      .update(file!)
      .digest('hex')
      .slice(0, 2 * octets);
    writeFileSync(join(dir, file!), `${key}\n`, { mode: 0o600 });
  }
  const path = join(dir, name);
  writeFileSync(path, text);
  chmodSync(path, 0o600);
  return path;
}

describe('a configuration of 0.1', () => {
  it.each(readdirSync(OLD))('%s loads', (name) => {
    permitExampleKeys();
    const config = loadConfig(copied(name));
    expect(config.tunnels.length).toBeGreaterThan(0);
  });

  it('with every setting means what it meant', () => {
    const [fixed, agreed] = loadConfig(copied('every-setting.json')).tunnels;
    expect(fixed).toMatchObject({
      tap: { mtu: 1400, lanMtu: 1500, mssClamp: 1300, isolated: true, stp: { cost: 10, priority: 8 } },
      gre: { port: 4755, key: 7, ttl: 32, tos: 'inherit', df: false, sourcePort: 'flow' },
      macsec: { cipher: 'gcm-aes-xpn-256', icvLen: 8, encodingSa: 1, replayWindow: 4096, endStation: true },
    });
    expect(agreed).toMatchObject({
      mka: { ckn: '0102', priority: 16, peerLoss: 'keep', rekeySeconds: 3600 },
    });
  });
});

describe('the version of a configuration', () => {
  it('is 1, said or not', () => {
    expect(load({ version: 1, ...sample() })).toEqual(load(sample()));
  });

  it.each<[unknown, RegExp]>([
    [
      2,
      /version: is 2, and this l2vpnd reads version 1; the file is for a later l2vpnd: upgrade it, or write/,
    ],
    [0, /version: is 0, and this l2vpnd reads version 1; write 1, or leave it out$/],
    ['1', /version: is "1", and this l2vpnd reads version 1; write 1/],
    [null, /version: is null, /],
  ])('%j is refused by name, and nothing else of the file is judged', (version, message) => {
    const error = refusal(() => load({ version, ...sample(), whatVersion2Has: true }));
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain('whatVersion2Has');
    expect([error.code, error.exitStatus]).toEqual(['L2VPN_CONFIG', 78]);
  });
});
