/**
 * AES-CMAC (RFC 4493, NIST SP 800-38B) with a key of 128 or 256 bits.
 *
 * node:crypto has no CMAC. This one is AES-CBC of node:crypto over a KeyObject, so that the key's octets stay where
 * OpenSSL keeps them; a library in JavaScript would want them, and a key schedule, in the heap.
 */
import { createCipheriv, type KeyObject } from 'node:crypto';

export const CMAC_LEN = 16;

const BLOCK_LEN = 16;
const ZERO_IV: Buffer = Buffer.alloc(BLOCK_LEN);
/** x^128 = x^7 + x^2 + x + 1 (SP 800-38B 5.3). */
const R_128 = 0x87;
const PADDING = 0x80;

/** The MAC of `parts`, one behind the other, in a new Buffer; nothing of it stays elsewhere. Throws a RangeError where `key` has neither 16 nor 32 octets. */
export function aesCmac(key: KeyObject, ...parts: readonly Uint8Array[]): Buffer {
  const cmac = new Cmac(key);
  const mac = cmac.of(...parts);
  cmac.forget();
  return mac;
}

/** MACs with one key, for who makes many: a cipher is dear to make. What stays between two of them is the last MAC. */
export class Cmac {
  readonly #cipher: ReturnType<typeof createCipheriv>;
  /** What CBC adds to the next block: the last one that it gave. */
  readonly #chained: Buffer = Buffer.alloc(BLOCK_LEN);

  /** Throws a RangeError where `key` has neither 16 nor 32 octets. */
  constructor(key: KeyObject) {
    this.#cipher = createCipheriv(algorithmOf(key), key, ZERO_IV).setAutoPadding(false);
  }

  /** The MAC of `parts`, one behind the other, in a new Buffer. */
  of(...parts: readonly Uint8Array[]): Buffer {
    // L = AES(key, 0), from which both subkeys are made: what CBC adds is taken off again, here and in the message.
    const l = this.#cipher.update(this.#chained);
    const message = padded(parts);
    const isWhole = message.text.length > 0 && message.text.length % BLOCK_LEN === 0;
    const subkey = doubled(l);
    if (!isWhole) doubled(subkey, subkey);
    xorInto(message.blocks, message.blocks.length - BLOCK_LEN, subkey);
    xorInto(message.blocks, 0, l);
    const chain = this.#cipher.update(message.blocks);
    const mac = Buffer.from(chain.subarray(-CMAC_LEN));
    this.#chained.set(mac);
    // Subkeys, what was made with them, and the MAC itself, which may be a key.
    for (const octets of [l, subkey, message.blocks, chain]) octets.fill(0);
    return mac;
  }

  /** The last MAC too goes; it can make no further ones. */
  forget(): void {
    this.#chained.fill(0);
  }
}

function algorithmOf(key: KeyObject): 'aes-128-cbc' | 'aes-256-cbc' {
  if (key.symmetricKeySize === 16) return 'aes-128-cbc';
  if (key.symmetricKeySize === 32) return 'aes-256-cbc';
  throw new RangeError(`"key" expected 16 or 32 octets, got ${key.symmetricKeySize}`);
}

/** `text`, and the same in whole blocks, at least one: behind the text a bit 1, then 0. */
function padded(parts: readonly Uint8Array[]): { text: Buffer; blocks: Buffer } {
  const len = parts.reduce((sum, part) => sum + part.length, 0);
  const blocks = Buffer.alloc(Math.max(Math.ceil(len / BLOCK_LEN), 1) * BLOCK_LEN);
  let at = 0;
  for (const part of parts) {
    blocks.set(part, at);
    at += part.length;
  }
  if (len < blocks.length) blocks[len] = PADDING;
  return { text: blocks.subarray(0, len), blocks };
}

/** `block` · x in GF(2^128); no branch depends on it. `into` may be `block`. */
function doubled(block: Uint8Array, into: Uint8Array = new Uint8Array(BLOCK_LEN)): Uint8Array {
  const carry = block[0]! >> 7;
  for (let i = 0; i < BLOCK_LEN - 1; i++) into[i] = (block[i]! << 1) | (block[i + 1]! >> 7);
  into[BLOCK_LEN - 1] = (block[BLOCK_LEN - 1]! << 1) ^ (R_128 & -carry);
  return into;
}

function xorInto(buf: Uint8Array, at: number, block: Uint8Array): void {
  for (let i = 0; i < BLOCK_LEN; i++) buf[at + i]! ^= block[i]!;
}
