/** The keys of MKA against IEEE 802.1X-2020 Annex G and against keys of real peers. */
import { createSecretKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  deriveMkaKeys,
  deriveSak,
  kdf,
  makeSak,
  ssciOf,
  ssciOfListed,
  unwrapSak,
  wrapSak,
  xpnSalt,
} from '../../../../src/keys/mka/keys.ts';
import { ANNEX_G, hex, hexOf, keyOf, MKA } from './vectors.ts';

describe('the key derivation function (802.1X Annex G)', () => {
  it.each([...ANNEX_G, ...MKA.eap_keys])('$name', ({ key, label, context, out_bits, output }) => {
    expect(hexOf(kdf(keyOf(key), label, hex(context), out_bits / 8))).toBe(output);
  });
});

describe('ICK and KEK', () => {
  it.each(MKA.keys)('of $name', ({ cak, ckn, ick, kek }) => {
    const keys = deriveMkaKeys(keyOf(cak), ckn);
    expect([hexOf(keys.ick), hexOf(keys.kek)]).toEqual([ick, kek]);
  });

  it.each(ANNEX_G.filter(({ ckn }) => ckn !== undefined))('$name', ({ name, cak, ckn, output }) => {
    const { ick, kek } = deriveMkaKeys(keyOf(cak!), ckn!);
    expect(hexOf(name.includes('ICK') ? ick : kek)).toBe(output);
  });

  it('are of the first 16 octets of the CKN', () => {
    const [cak, ckn] = [keyOf(MKA.keys[0]!.cak), MKA.keys[0]!.ckn];
    const cut = deriveMkaKeys(cak, ckn.slice(0, 32));
    expect(hexOf(cut.ick)).toBe(MKA.keys[0]!.ick);
  });
});

describe('a SAK', () => {
  it.each(ANNEX_G.filter(({ ks_nonce }) => ks_nonce !== undefined))('$name', (vector) => {
    const members = vector.mi_list!.match(/.{24}/g)!;
    const sak = deriveSak(keyOf(vector.key), hex(vector.ks_nonce!), members, 1);
    expect(hexOf(sak)).toBe(vector.output);
  });

  it.each([16, 32])('of %i octets is made with a nonce of as many, from the random source', (octets) => {
    const nonce = Buffer.alloc(octets, 7);
    const asked: number[] = [];
    const random = (len: number): Buffer => {
      asked.push(len);
      return nonce;
    };
    const [cak, members] = [keyOf(MKA.keys[0]!.cak), ['0a'.repeat(12)]];
    const sak = makeSak(cak, random, octets, members, 3);
    expect(asked).toEqual([octets]);
    expect(hexOf(sak)).toBe(hexOf(deriveSak(cak, nonce, members, 3)));
    expect(sak.symmetricKeySize).toBe(octets);
  });

  it('travels under the KEK, and comes out under no other', () => {
    const { cak, ckn } = MKA.keys[1]!;
    const { kek, ick } = deriveMkaKeys(keyOf(cak), ckn);
    const wrapped = wrapSak(kek, createSecretKey(Buffer.alloc(32, 5)));
    expect(wrapped).toHaveLength(40);
    expect(hexOf(unwrapSak(kek, wrapped)!)).toBe('05'.repeat(32));
    expect(unwrapSak(ick, wrapped)).toBeNull();
  });
});

describe('the salt of an XPN SAK (802.1AE-2018 10.7.8)', () => {
  it.each([
    [1, 'aaabcccceeee000102030405'],
    [0x10000, 'aaaacccdeeee000102030405'],
    [0x12345678, 'fcd2def8eeee000102030405'],
    [0xffffffff, '55553333eeee000102030405'],
  ])('with key number %i', (kn, salt) => {
    expect(xpnSalt({ mi: 'aaaacccceeee000102030405', kn }).toString('hex')).toBe(salt);
  });
});

describe('SSCIs (802.1AE-2018 10.7.8)', () => {
  const all = ['0200000000010001', 'fe00000000010001', '02000000000100ff'];

  it.each([
    ['fe00000000010001', 1],
    ['02000000000100ff', 2],
    ['0200000000010001', 3],
  ])('%s, by descending SCI, has %i', (sci, ssci) => {
    expect(ssciOf(sci, all)).toBe(ssci);
    expect(ssciOf(sci, [...all, ...all])).toBe(ssci);
  });

  it.each([
    [1, [2, 3, 4]],
    [2, [1, 3, 4]],
    [4, [1, 2, 3]],
  ])('of a live list beside a key server with %i', (server, listed) => {
    expect([0, 1, 2].map((index) => ssciOfListed(index, server))).toEqual(listed);
  });
});
