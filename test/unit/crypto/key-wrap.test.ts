/** AES key wrap against RFC 3394, and what it refuses. */
import { createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unwrapKey, wrapKey } from '../../../src/crypto/key-wrap.ts';
import { hex, hexOf, keyOf, MKA } from '../keys/mka/vectors.ts';

describe('AES key wrap (RFC 3394)', () => {
  it.each(MKA.key_wrap)('$name', ({ kek, key, wrapped }) => {
    expect(wrapKey(keyOf(kek), keyOf(key)).toString('hex')).toBe(wrapped);
    expect(hexOf(unwrapKey(keyOf(kek), hex(wrapped))!)).toBe(key);
  });

  it('unwraps nothing where one bit is altered', () => {
    for (const { kek, wrapped } of MKA.key_wrap) {
      for (let bit = 0; bit < wrapped.length * 4; bit++) {
        const altered = hex(wrapped);
        altered[bit >> 3]! ^= 1 << (bit & 7);
        expect(unwrapKey(keyOf(kek), altered)).toBeNull();
      }
    }
  });

  it('unwraps nothing under another KEK', () => {
    const { wrapped } = MKA.key_wrap[0]!;
    expect(unwrapKey(createSecretKey(Buffer.alloc(16)), hex(wrapped))).toBeNull();
  });

  it('never throws for octets of any length', () => {
    const kek = keyOf(MKA.key_wrap[0]!.kek);
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (octets) => unwrapKey(kek, octets) === null));
  });

  it('takes no KEK of another length', () => {
    const kek = createSecretKey(Buffer.alloc(24));
    expect(() => wrapKey(kek, keyOf(MKA.key_wrap[0]!.key))).toThrow('"kek" expected 16 or 32 octets, got 24');
  });
});
