/**
 * The keys that documentation, demo and tests use: everybody has them. A process that protects anything refuses them;
 * the lab's say `--insecure-example-keys`.
 */
import { createSecretKey, type KeyObject } from 'node:crypto';

const REPEATED: readonly string[] = ['11', '22'].flatMap((octet) => [octet.repeat(16), octet.repeat(32)]);

/** CAKs of other projects' examples and manuals, and of the standard. */
const CAKS: readonly string[] = [
  // IEEE 802.1X-2020 G.2
  '135bd758b0ee5c11c55ff6ab19fdb199',
  // hostap, tests/hwsim/test_macsec.py
  '000102030405060708090a0b0c0d0e0f',
  '202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f',
  // hostap, wpa_supplicant.conf
  '0123456789abcdef0123456789abcdef',
  '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef',
  '00112233445566778899aabbccddeeff',
  '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff',
];

const EXAMPLES: readonly KeyObject[] = [...REPEATED, ...CAKS].map((hex) =>
  createSecretKey(Buffer.from(hex, 'hex')),
);

let permitted = false;

/** For the whole process and its life: reloads and rotations are as permissive as its start. */
export function permitExampleKeys(): void {
  permitted = true;
}

export function isExampleKey(key: KeyObject): boolean {
  return EXAMPLES.some((example) => example.equals(key));
}

/** What `key` is, and the remedy, where it is refused for that; null: it is not. */
export function refusedExample(key: KeyObject): string | null {
  if (permitted || !isExampleKey(key)) return null;
  return (
    'a key of the published examples, which everybody has: make one with "openssl rand -hex 16" ' +
    '(--insecure-example-keys takes it all the same)'
  );
}
