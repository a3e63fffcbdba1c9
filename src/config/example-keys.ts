/**
 * The keys that documentation, demo and tests use: everybody has them. A process that protects anything refuses them;
 * the lab's say `--insecure-example-keys`.
 */
import { createSecretKey, type KeyObject } from 'node:crypto';

const EXAMPLES: readonly KeyObject[] = [0x11, 0x22].flatMap((octet) =>
  [16, 32].map((octets) => createSecretKey(Buffer.alloc(octets, octet))),
);

let permitted = false;

/** For the whole process and its life: reloads and rotations are as permissive as its start. */
export function permitExampleKeys(): void {
  permitted = true;
}

export function isExampleKey(sak: KeyObject): boolean {
  return EXAMPLES.some((example) => example.equals(sak));
}

/** What `sak` is, and the remedy, where it is refused for that; null: it is not. */
export function refusedExample(sak: KeyObject): string | null {
  if (permitted || !isExampleKey(sak)) return null;
  return (
    'a key of the published examples, which everybody has: make one with "openssl rand -hex 16" ' +
    '(--insecure-example-keys takes it all the same)'
  );
}
