/**
 * Project Wycheproof's AES-GCM vectors through both AEAD providers: IVs of 12 octets, keys of 16 and 32, whole
 * tags. What it calls invalid must be refused; a valid one also with every bit of its ICV altered, and with the
 * ICV cut to each length that macsec allows. Source and licence are in wycheproof-aes-gcm.json.
 */
import { createSecretKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type AeadJob, type AeadProvider, createAeadJob } from '../../../src/crypto/aead.ts';
import { ICV_LEN } from '../../../src/crypto/cipher-suite.ts';
import { PROVIDERS } from '../macsec/kit.ts';

interface Vector {
  tcId: number;
  comment: string;
  key: string;
  iv: string;
  aad: string;
  msg: string;
  ct: string;
  tag: string;
  result: 'valid' | 'invalid';
}

const file = JSON.parse(readFileSync(new URL('wycheproof-aes-gcm.json', import.meta.url), 'utf8')) as {
  testGroups: { keySize: number; tests: Vector[] }[];
};
const vectors = file.testGroups.flatMap(({ keySize, tests }) => tests.map((test) => ({ keySize, ...test })));
const valid = vectors.filter(({ result }) => result === 'valid');
const invalid = vectors.filter(({ result }) => result === 'invalid');
const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const titled = (all: typeof vectors): [string, Vector][] =>
  all.map((vector) => [
    `${vector.tcId}, ${vector.keySize} bits${vector.comment && `: ${vector.comment}`}`,
    vector,
  ]);

/** Octets on both sides of every frame that nobody may touch. */
const MARGIN = 32;

/** `all` as one batch, each with a key slot of its own and canaries around it. */
function batchOf(all: readonly Vector[], provider: AeadProvider) {
  const parts = all.flatMap(({ aad, ct, tag }) => [Buffer.alloc(MARGIN, 0xa5), hex(aad + ct + tag)]);
  const job = createAeadJob(
    Buffer.concat([...parts, Buffer.alloc(MARGIN, 0xa5)]),
    new Uint32Array(all.length),
  );
  const ring = provider.openKeyring(all.length);
  let at = MARGIN;
  for (const [i, { key, iv, aad, ct, tag }] of all.entries()) {
    ring.set(i, key.length === 32 ? 'aes-128-gcm' : 'aes-256-gcm', createSecretKey(hex(key)));
    job.slot[i] = i;
    job.at[i] = at;
    job.aadLen[i] = aad.length / 2;
    job.textLen[i] = ct.length / 2;
    job.iv.set(hex(iv), i * 12);
    at += (aad.length + ct.length + tag.length) / 2 + MARGIN;
  }
  return { job, ring };
}

const icvAt = (job: AeadJob, i: number): number => job.at[i]! + job.aadLen[i]! + job.textLen[i]!;

function frame(job: AeadJob, i: number): string {
  return job.arena.toString('hex', job.at[i]!, icvAt(job, i) + ICV_LEN);
}

it('the vectors are whole', () => {
  expect([valid.length, invalid.length]).toEqual([43, 54]);
});

describe.each(PROVIDERS)("Wycheproof's AES-GCM through the provider $name", (provider) => {
  it.each(titled(valid))('valid %s: seals and opens', (_, vector) => {
    const { job, ring } = batchOf([vector], provider);
    const { aad, msg, ct, tag } = vector;
    ring.open(job, 1, ICV_LEN);
    expect([job.ok[0], frame(job, 0)]).toEqual([1, aad + msg + tag]);
    job.arena.fill(0, icvAt(job, 0), icvAt(job, 0) + ICV_LEN);
    ring.seal(job, 1, ICV_LEN);
    expect([job.ok[0], frame(job, 0)]).toEqual([1, aad + ct + tag]);
    ring.close();
  });

  it.each(titled(invalid))('invalid %s: refused', (_, vector) => {
    const { job, ring } = batchOf([vector], provider);
    ring.open(job, 1, ICV_LEN);
    expect(job.ok[0]).toBe(0);
    ring.close();
  });

  it('all of them in one batch, none touching its neighbours', () => {
    const { job, ring } = batchOf(vectors, provider);
    ring.open(job, vectors.length, ICV_LEN);
    expect([...job.ok]).toEqual(vectors.map(({ result }) => (result === 'valid' ? 1 : 0)));
    let at = 0;
    for (const [i, { aad, msg, tag, result }] of vectors.entries()) {
      expect(job.arena.subarray(at, job.at[i]!).every((octet) => octet === 0xa5)).toBe(true);
      if (result === 'valid') expect(frame(job, i)).toBe(aad + msg + tag);
      at = icvAt(job, i) + ICV_LEN;
    }
    expect(job.arena.subarray(at).every((octet) => octet === 0xa5)).toBe(true);
    ring.close();
  });

  it('refuses each with any one bit of the ICV altered', () => {
    const { job, ring } = batchOf(valid, provider);
    const sealed = Buffer.from(job.arena);
    for (let bit = 0; bit < ICV_LEN * 8; bit++) {
      sealed.copy(job.arena);
      for (let i = 0; i < valid.length; i++) job.arena[icvAt(job, i) + (bit >> 3)]! ^= 0x80 >> (bit & 7);
      ring.open(job, valid.length, ICV_LEN);
      expect([bit, ...job.ok]).toEqual([bit, ...valid.map(() => 0)]);
    }
    ring.close();
  });

  it.each([8, 9, 10, 11, 12, 13, 14, 15])(
    'an ICV cut to %i octets: opened, refused with its last bit altered',
    (icvLen) => {
      const { job, ring } = batchOf(valid, provider);
      const sealed = Buffer.from(job.arena);
      ring.open(job, valid.length, icvLen);
      expect([...job.ok]).toEqual(valid.map(() => 1));
      sealed.copy(job.arena);
      for (let i = 0; i < valid.length; i++) job.arena[icvAt(job, i) + icvLen - 1]! ^= 1;
      ring.open(job, valid.length, icvLen);
      expect([...job.ok]).toEqual(valid.map(() => 0));
      ring.close();
    },
  );

  it.each(['00', 'ff', '80', '01'])('an ICV of nothing but %s is refused', (octet) => {
    const { job, ring } = batchOf(valid, provider);
    const tag = octet.repeat(ICV_LEN);
    for (let i = 0; i < valid.length; i++) hex(tag).copy(job.arena, icvAt(job, i));
    ring.open(job, valid.length, ICV_LEN);
    expect([...job.ok]).toEqual(valid.map((vector) => (vector.tag === tag ? 1 : 0)));
    ring.close();
  });
});
