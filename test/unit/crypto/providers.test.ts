/** Both AEAD providers against published vectors (IEEE 802.1AE Annex C, frames of a Linux kernel) and each other. */
import { createSecretKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AeadJob, type AeadProvider, createAeadJob, NO_SLOT } from '../../../src/crypto/aead.ts';
import { batchProvider } from '../../../src/crypto/batch-provider.ts';
import type { AeadAlgorithm } from '../../../src/crypto/cipher-suite.ts';
import { nodeProvider } from '../../../src/crypto/node-provider.ts';
import { providerNamed, selectProvider } from '../../../src/crypto/select.ts';
import { selfTest } from '../../../src/crypto/self-test.ts';
import { loadAddon } from '../../../src/native/load.ts';

interface Vector {
  name: string;
  clause: string;
  suite: string;
  key: string;
  iv: string;
  aad: string;
  plaintext: string;
  ciphertext: string;
  icv: string;
}

const published = JSON.parse(
  readFileSync(new URL('../../vectors/vectors.json', import.meta.url), 'utf8'),
) as { macsec_annex_c: Vector[] };
const batch = batchProvider(loadAddon());
if (batch === null)
  throw new Error('this node gives no access to its OpenSSL: the provider "batch" is untested');
const providers: AeadProvider[] = [nodeProvider, batch];
const algorithmOf = (key: Uint8Array): AeadAlgorithm => (key.length === 16 ? 'aes-128-gcm' : 'aes-256-gcm');
const hex = (text: string): Buffer => Buffer.from(text, 'hex');

/** One frame a list element, each with 16 octets for its ICV. */
function jobOf(frames: { aad: Uint8Array; text: Uint8Array; iv: Uint8Array }[]): AeadJob {
  const octets = frames.flatMap(({ aad, text }) => [aad, text, Buffer.alloc(16)]);
  const job = createAeadJob(Buffer.concat(octets), new Uint32Array(frames.length));
  let at = 0;
  for (const [i, { aad, text, iv }] of frames.entries()) {
    job.at[i] = at;
    job.aadLen[i] = aad.length;
    job.textLen[i] = text.length;
    job.iv.set(iv, i * 12);
    job.slot[i] = 0;
    at += aad.length + text.length + 16;
  }
  return job;
}

describe.each(providers)('AEAD provider $name', (provider) => {
  it.each(published.macsec_annex_c.map((v) => [`${v.clause} ${v.suite} ${v.name}`, v] as const))(
    'seals and opens %s as published',
    (_, vector) => {
      const aad = hex(vector.aad);
      const job = jobOf([{ aad, text: hex(vector.plaintext), iv: hex(vector.iv) }]);
      const ring = provider.openKeyring(4);
      ring.set(0, algorithmOf(hex(vector.key)), createSecretKey(hex(vector.key)));
      ring.seal(job, 1, 16);
      expect(job.arena.subarray(aad.length).toString('hex')).toBe(vector.ciphertext + vector.icv);
      ring.open(job, 1, 16);
      expect(job.ok[0]).toBe(1);
      expect(job.arena.toString('hex')).toBe(vector.aad + vector.plaintext + vector.icv);
      ring.close();
    },
  );

  it('passes its self-test', () => expect(selfTest(provider)).toBeNull());

  it("takes a key of its algorithm's length only, in a slot of its own", () => {
    const ring = provider.openKeyring(2);
    const [short, long] = [16, 32].map((octets) => createSecretKey(Buffer.alloc(octets)));
    expect(() => ring.set(0, 'aes-128-gcm', long!)).toThrow(RangeError);
    expect(() => ring.set(0, 'aes-256-gcm', short!)).toThrow(RangeError);
    expect(() => ring.set(0, 'aes-256-gcm', short!)).toThrow('expected 32 octets');
    expect(() => ring.set(2, 'aes-128-gcm', short!)).toThrow(RangeError);
    ring.close();
  });

  it('leaves a frame of NO_SLOT alone, and refuses one whose slot has no key', () => {
    const frame = { aad: Buffer.alloc(20, 1), text: Buffer.alloc(30, 2), iv: Buffer.alloc(12, 3) };
    const job = jobOf([frame, frame]);
    const before = Buffer.from(job.arena);
    job.slot.set([NO_SLOT, 3]);
    job.ok.set([7, 7]);
    const ring = provider.openKeyring(4);
    ring.seal(job, 2, 16);
    expect([...job.ok]).toEqual([7, 0]);
    expect(job.arena.equals(before)).toBe(true);
    ring.set(3, 'aes-128-gcm', createSecretKey(Buffer.alloc(16)));
    ring.clear(3);
    ring.open(job, 2, 16);
    expect([...job.ok]).toEqual([7, 0]);
  });

  it('one bad frame of a batch does not touch its neighbours', () => {
    const frames = [0, 1, 2].map((n) => ({
      aad: Buffer.alloc(28, n),
      text: Buffer.alloc(100, n),
      iv: Buffer.alloc(12, n),
    }));
    const job = jobOf(frames);
    const ring = provider.openKeyring(1);
    ring.set(0, 'aes-256-gcm', createSecretKey(Buffer.alloc(32, 9)));
    ring.seal(job, 3, 16);
    job.arena[job.at[1]! + 60]! ^= 1;
    ring.open(job, 3, 16);
    expect([...job.ok]).toEqual([1, 0, 1]);
    expect(job.arena.subarray(job.at[2]! + 28, job.at[2]! + 128).equals(frames[2]!.text)).toBe(true);
  });

  it('refuses a frame that does not lie in the arena', () => {
    const bounds = fc.record({
      at: fc.nat(0xffffffff),
      aadLen: fc.nat(0xffffffff),
      textLen: fc.nat(0xffffffff),
    });
    const ring = provider.openKeyring(1);
    ring.set(0, 'aes-128-gcm', createSecretKey(Buffer.alloc(16)));
    fc.assert(
      fc.property(bounds, ({ at, aadLen, textLen }) => {
        const job = createAeadJob(Buffer.alloc(256), Uint32Array.of(at));
        job.aadLen[0] = aadLen;
        job.textLen[0] = textLen;
        job.slot[0] = 0;
        ring.seal(job, 1, 16);
        expect(job.ok[0]).toBe(at + aadLen + textLen + 16 <= 256 ? 1 : 0);
      }),
    );
  });
});

const bytes = (min: number, max: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: min, maxLength: max });

describe('providers node and batch', () => {
  it('seal to the same octets and open each other, with every ICV length', () => {
    const frame = fc.record({ aad: bytes(1, 64), text: bytes(0, 1600), iv: bytes(12, 12) });
    const key = fc.oneof(bytes(16, 16), bytes(32, 32));
    fc.assert(
      fc.property(
        fc.array(frame, { minLength: 1, maxLength: 5 }),
        key,
        fc.integer({ min: 8, max: 16 }),
        checkEqual,
      ),
      { numRuns: 60 },
    );
  });

  function checkEqual(
    frames: { aad: Uint8Array; text: Uint8Array; iv: Uint8Array }[],
    key: Uint8Array,
    icvLen: number,
  ): void {
    const jobs = providers.map((provider) => {
      const ring = provider.openKeyring(1);
      ring.set(0, algorithmOf(key), createSecretKey(key));
      const job = jobOf(frames);
      ring.seal(job, frames.length, icvLen);
      return { ring, job };
    });
    expect(jobs[0]!.job.arena.equals(jobs[1]!.job.arena)).toBe(true);
    for (const [n, { ring }] of jobs.entries()) {
      const other = jobs[1 - n]!.job;
      const sealed = Buffer.from(other.arena);
      ring.open(other, frames.length, icvLen);
      expect([...other.ok]).toEqual(frames.map(() => 1));
      for (const [i, { text }] of frames.entries()) {
        const at = other.at[i]! + other.aadLen[i]!;
        expect(Buffer.compare(other.arena.subarray(at, at + text.length), text)).toBe(0);
      }
      sealed.copy(other.arena);
      ring.close();
    }
  }

  it('auto takes batch, and says why', () => {
    const { provider, reason } = selectProvider('auto');
    expect(provider.name).toBe('batch');
    expect(provider.engine).toContain(process.versions.openssl);
    expect(reason).toContain('self-test passed');
    expect(selectProvider('node').provider.name).toBe('node');
    expect(providerNamed('batch').name).toBe('batch');
  });

  it('a provider that computes something else fails the self-test', () => {
    const wrong: AeadProvider = {
      ...nodeProvider,
      openKeyring: (slots) => {
        const ring = nodeProvider.openKeyring(slots);
        return {
          set: (slot, algorithm, sak) => ring.set(slot, algorithm, sak),
          clear: (slot) => ring.clear(slot),
          open: (job, count, icvLen) => ring.open(job, count, icvLen),
          close: () => ring.close(),
          seal: (job, count, icvLen) => {
            ring.seal(job, count, icvLen);
            job.arena[job.arena.length - 1]! ^= 1;
          },
        };
      },
    };
    expect(selfTest(wrong)).toContain('C.1.1');
  });
});
