/** A sound configuration to break in tests, one field at a time. */
import { readFileSync } from 'node:fs';
import { permitExampleKeys } from '../../../src/config/example-keys.ts';
import { parseConfig } from '../../../src/config/load.ts';
import type { Config } from '../../../src/config/types.ts';
import { L2vpnError } from '../../../src/errors.ts';

export const KEY_A: string = '1a'.repeat(16);
export const KEY_B: string = '2b'.repeat(16);

// biome-ignore lint/suspicious/noExplicitAny: a JSON value that tests change at will
export type Json = any;

export function sample(): Json {
  return { tunnels: [sampleTunnel()] };
}

export function sampleTunnel(): Json {
  return {
    name: 'site2',
    tap: { ifname: 'macsec1', mac: '00:00:00:11:11:11' },
    gre: { local: '1.1.1.1', remote: '2.2.2.2' },
    macsec: {
      txSa: [{ an: 0, pn: 1, keyId: '01', key: KEY_A }],
      rxSc: [{ mac: '00:00:00:22:22:22', port: 1, sa: [{ an: 0, pn: 1, keyId: '02', key: KEY_B }] }],
    },
  };
}

/** A second tunnel that collides with the first in nothing. */
export function otherTunnel(): Json {
  return {
    name: 'site3',
    tap: { ifname: 'macsec2', mac: '00:00:00:33:33:33' },
    gre: { local: '1.1.1.1', remote: '3.3.3.3' },
    macsec: {
      txSa: [{ key: '3c'.repeat(16) }],
      rxSc: [{ sci: '0000004444440001', sa: [{ key: '4d'.repeat(16) }] }],
    },
  };
}

export function load(value: Json, path = '/nowhere/site1.json'): Config {
  return parseConfig(JSON.stringify(value, null, 2), path);
}

/** The text of `examples/<site>.json` with the published keys in it, as the lab has them. */
export function exampleText(site: 'site1' | 'site2'): string {
  const text = readFileSync(`examples/${site}.json`, 'utf8');
  return text.replace(/"keyFile": "site([12])\.key"/g, (_, n: string) => `"key": "${n.repeat(32)}"`);
}

/** Takes the published keys from then on, in the whole test file. */
export function exampleConfig(site: 'site1' | 'site2'): Config {
  permitExampleKeys();
  return parseConfig(exampleText(site), `/nowhere/${site}.json`);
}

/** The error of a configuration that must not load. */
export function refusal(load: () => unknown): L2vpnError {
  try {
    load();
  } catch (error) {
    if (error instanceof L2vpnError) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
}
