/** The published keys are refused, in whatever way they come, until the process is told to take them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { permitExampleKeys } from '../../../src/config/example-keys.ts';
import { readKeyFile } from '../../../src/config/keys.ts';
import { parseConfig } from '../../../src/config/load.ts';
import { configWarnings } from '../../../src/config/warnings.ts';
import { exampleText, load, refusal, sample } from './sample.ts';

const dir = mkdtempSync(join(tmpdir(), 'l2vpnd-example-'));
afterAll(() => rmSync(dir, { recursive: true }));

function keyFile(hex: string): string {
  const path = join(dir, 'k');
  writeFileSync(path, hex, { mode: 0o600 });
  return path;
}

describe('the keys of the published examples', () => {
  it.each(['11', '22'])('%s… is refused in the file, with 16 and with 32 octets', (octet) => {
    for (const octets of [16, 32]) {
      const value = sample();
      value.tunnels[0].macsec.cipher = `gcm-aes-${octets * 8}`;
      value.tunnels[0].macsec.txSa[0].key = octet.repeat(octets);
      value.tunnels[0].macsec.rxSc[0].sa[0].key = '3d'.repeat(octets);
      expect(refusal(() => load(value))).toMatchObject({
        code: 'L2VPN_KEYFILE',
        exitStatus: 78,
        message: expect.stringMatching(
          /^site1\.json:\d+: tunnels\[0\]\.macsec\.txSa\[0\]\.key: is a key of the published examples, .*openssl rand -hex 16.*--insecure-example-keys/,
        ),
      });
      expect(refusal(() => readKeyFile(keyFile(octet.repeat(octets)), octets)).message).toMatch(
        /^key file \S+ holds a key of the published examples/,
      );
    }
  });

  it('are taken once that was asked for, with a warning that names them', () => {
    permitExampleKeys();
    const config = parseConfig(exampleText('site1'), '/etc/site1.json');
    expect(configWarnings(config, '/etc/site1.json')).toEqual([
      'INSECURE: tunnels[0].macsec.txSa[0] and 1 more in /etc/site1.json use keys of the published examples: ' +
        'anybody can read and forge the frames; make keys with "openssl rand -hex 16"',
    ]);
    expect(readKeyFile(keyFile('22'.repeat(16)), 16).symmetricKeySize).toBe(16);
  });
});
