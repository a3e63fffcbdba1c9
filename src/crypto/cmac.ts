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

/**
 * MACs with one key, for who makes many: a cipher and both subkeys are kept. Between two of them the last MAC stays too,
 * and blocks that were chained on the way to it in memory that is written over.
 */
export class Cmac {
  readonly #cipher: ReturnType<typeof createCipheriv>;
  /** What CBC adds to the next block: the last one that it gave. */
  readonly #chained: Buffer = Buffer.alloc(BLOCK_LEN);
  /** For a last block that is whole, and for one that is padded. */
  readonly #k1: Uint8Array;
  readonly #k2: Uint8Array;

  /** Throws a RangeError where `key` has neither 16 nor 32 octets. */
  constructor(key: KeyObject) {
    this.#cipher = createCipheriv(algorithmOf(key), key, ZERO_IV).setAutoPadding(false);
    const l = this.#cipher.update(ZERO_IV);
    this.#chained.set(l);
    this.#k1 = doubled(l);
    this.#k2 = doubled(this.#k1);
    l.fill(0);
  }

  /** The MAC of `parts`, one behind the other, in a new Buffer. */
  of(...parts: readonly Uint8Array[]): Buffer {
    let len = 0;
    for (const part of parts) len += part.length;
    const isWhole = len > 0 && len % BLOCK_LEN === 0;
    const blocks = workspace(Math.max(Math.ceil(len / BLOCK_LEN), 1) * BLOCK_LEN);
    let at = 0;
    for (const part of parts) {
      blocks.set(part, at);
      at += part.length;
    }
    blocks.fill(0, len);
    if (!isWhole) blocks[len] = PADDING;
    xorInto(blocks, blocks.length - BLOCK_LEN, isWhole ? this.#k1 : this.#k2);
    // What CBC adds to the first block, which it would not in the MAC's own chain, is taken off again.
    xorInto(blocks, 0, this.#chained);
    const chain = this.#cipher.update(blocks);
    const mac = chain.subarray(chain.length - CMAC_LEN);
    this.#chained.set(mac);
    // The last block has a subkey in it, and the text may be a key.
    blocks.fill(0);
    chain.fill(0, 0, chain.length - CMAC_LEN);
    return mac;
  }

  /** The last MAC and the subkeys too go; it can make no further ones. */
  forget(): void {
    for (const octets of [this.#chained, this.#k1, this.#k2]) octets.fill(0);
  }
}

/** Octets that many messages have room in. One MAC at a time uses them. */
const SHARED: Buffer = Buffer.alloc(2048);

function workspace(len: number): Buffer {
  return len <= SHARED.length ? SHARED.subarray(0, len) : Buffer.alloc(len);
}

function algorithmOf(key: KeyObject): 'aes-128-cbc' | 'aes-256-cbc' {
  if (key.symmetricKeySize === 16) return 'aes-128-cbc';
  if (key.symmetricKeySize === 32) return 'aes-256-cbc';
  throw new RangeError(`"key" expected 16 or 32 octets, got ${key.symmetricKeySize}`);
}

/** `block` · x in GF(2^128); no branch depends on it. */
function doubled(block: Uint8Array): Uint8Array {
  const into = new Uint8Array(BLOCK_LEN);
  const carry = block[0]! >> 7;
  for (let i = 0; i < BLOCK_LEN - 1; i++) into[i] = (block[i]! << 1) | (block[i + 1]! >> 7);
  into[BLOCK_LEN - 1] = (block[BLOCK_LEN - 1]! << 1) ^ (R_128 & -carry);
  return into;
}

function xorInto(buf: Uint8Array, at: number, block: Uint8Array): void {
  for (let i = 0; i < BLOCK_LEN; i++) buf[at + i]! ^= block[i]!;
}
