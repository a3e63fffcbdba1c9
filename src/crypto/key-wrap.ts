/** AES key wrap (RFC 3394 §2.2) with a KEK of 16 or 32 octets, by node:crypto. A wrapped key is 8 octets longer. */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto';

/** Octets that a wrapped key has more than the key. */
export const KEY_WRAP_OVERHEAD = 8;

/** RFC 3394 §2.2.3.1. */
const DEFAULT_IV: Buffer = Buffer.alloc(8, 0xa6);

/** `key` under `kek`. Throws a RangeError where `kek` has neither 16 nor 32 octets. */
export function wrapKey(kek: KeyObject, key: KeyObject): Buffer {
  const octets = key.export();
  try {
    const cipher = createCipheriv(algorithmOf(kek), kek, DEFAULT_IV);
    return Buffer.concat([cipher.update(octets), cipher.final()]);
  } finally {
    octets.fill(0);
  }
}

/** The key in `wrapped`; null where it was not wrapped under `kek`, was altered, or is no wrapped key at all. */
export function unwrapKey(kek: KeyObject, wrapped: Uint8Array): KeyObject | null {
  if (wrapped.length < 24 || wrapped.length % 8 !== 0) return null;
  const octets = unwrapped(kek, wrapped);
  if (octets === null) return null;
  try {
    return createSecretKey(octets);
  } finally {
    octets.fill(0);
  }
}

function unwrapped(kek: KeyObject, wrapped: Uint8Array): Buffer | null {
  const decipher = createDecipheriv(algorithmOf(kek), kek, DEFAULT_IV);
  try {
    // All of it comes from `update`, and what fails the check of RFC 3394 §2.2.3 is an exception there.
    return decipher.update(wrapped);
  } catch {
    return null;
  }
}

function algorithmOf(kek: KeyObject): string {
  if (kek.symmetricKeySize === 16) return 'id-aes128-wrap';
  if (kek.symmetricKeySize === 32) return 'id-aes256-wrap';
  throw new RangeError(`"kek" expected 16 or 32 octets, got ${kek.symmetricKeySize}`);
}
