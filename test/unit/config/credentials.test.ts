/** Key files that a service manager hands over: which are taken, and what becomes of a file that changes afterwards. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { KEY_A, KEY_B, refusal, sample } from './sample.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'l2vpnd-credentials-'));
  for (const name of ['etc', 'etc/keys', 'credentials']) mkdirSync(join(dir, name));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(dir, { recursive: true });
});

function write(name: string, text: string, mode = 0o600): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

/** A configuration whose keys are in `keys/` beside it; the second is not among the credentials. */
function configFile(): string {
  const value = sample();
  value.tunnels[0].macsec.txSa[0] = { keyFile: 'keys/a.key' };
  value.tunnels[0].macsec.rxSc[0].sa[0] = { keyFile: './keys/b.key' };
  write('etc/keys/b.key', KEY_B);
  return write('etc/site1.json', JSON.stringify(value));
}

const keysOf = (path: string): string[] => {
  const { txSa, rxSc } = loadConfig(path).tunnels[0]!.macsec!;
  return [txSa[0]!, rxSc[0]!.sa[0]!].map(({ sak }) => sak.export().toString('hex'));
};

describe('a key file', () => {
  it('is taken from the credentials where they have it, whatever mode it has there, else where it lies', () => {
    vi.stubEnv('CREDENTIALS_DIRECTORY', join(dir, 'credentials'));
    const path = configFile();
    // As an ACL makes it look.
    write('credentials/keys_a.key', KEY_A, 0o440);
    expect(keysOf(path)).toEqual([KEY_A, KEY_B]);
    expect(loadConfig(path).tunnels[0]!.macsec!.txSa[0]!.keyFile).toBe(join(dir, 'etc/keys/a.key'));
  });

  it('by hand is the file itself', () => {
    const path = configFile();
    write('etc/keys/a.key', KEY_A);
    write('credentials/keys_a.key', KEY_B);
    expect(keysOf(path)).toEqual([KEY_A, KEY_B]);
  });

  it('named by an absolute path is that file', () => {
    vi.stubEnv('CREDENTIALS_DIRECTORY', join(dir, 'credentials'));
    const path = configFile();
    const value = sample();
    value.tunnels[0].macsec.txSa[0] = { keyFile: write('etc/keys/a.key', KEY_A) };
    write('credentials/keys_a.key', KEY_B);
    writeFileSync(path, JSON.stringify(value));
    expect(keysOf(path)).toEqual([KEY_A, KEY_B]);
  });

  it('that has changed since the credential was made is refused, with the remedy', () => {
    vi.stubEnv('CREDENTIALS_DIRECTORY', join(dir, 'credentials'));
    const path = configFile();
    write('credentials/keys_a.key', KEY_A);
    const file = write('etc/keys/a.key', KEY_B);
    utimesSync(file, new Date(), new Date(Date.now() + 1000));
    const { code, message } = refusal(() => loadConfig(path));
    expect(code).toBe('L2VPN_KEYFILE');
    expect(message).toMatch(
      /txSa\[0\]\.keyFile: key file \S+etc\/keys\/a\.key has been changed since the service started, .*: restart the service/,
    );
    utimesSync(file, new Date(), new Date(0));
    expect(keysOf(path)).toEqual([KEY_A, KEY_B]);
  });
});
