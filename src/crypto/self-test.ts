/**
 * The start-up self-test of an AEAD provider: published vectors (IEEE 802.1AE Annex C), then frames of many
 * lengths and ICV lengths, octet for octet against node:crypto, and one altered bit of each refused.
 */
import { createSecretKey } from 'node:crypto';
import { type AeadJob, type AeadProvider, createAeadJob, type Keyring } from './aead.ts';
import { AEAD_KEY_LEN, type AeadAlgorithm, ICV_LEN } from './cipher-suite.ts';
import { nodeProvider } from './node-provider.ts';
import { AEAD_VECTORS, type AeadVector } from './self-test-vectors.ts';

/** Why the provider failed, or null when it passed. */
export function selfTest(provider: AeadProvider): string | null {
  const ring = provider.openKeyring(1);
  const reference = nodeProvider.openKeyring(1);
  try {
    for (const vector of AEAD_VECTORS) {
      const fault = testVector(ring, vector);
      if (fault !== null) return `${vector.name}: ${fault}`;
    }
    return compareWith(reference, ring);
  } finally {
    ring.close();
    reference.close();
  }
}

const hex = (text: string): Buffer => Buffer.from(text, 'hex');

function jobOf(aad: Buffer, text: Buffer, iv: Buffer): AeadJob {
  const arena = Buffer.concat([aad, text, Buffer.alloc(ICV_LEN)]);
  const job = createAeadJob(arena, new Uint32Array(1));
  job.aadLen[0] = aad.length;
  job.textLen[0] = text.length;
  job.iv.set(iv);
  job.slot[0] = 0;
  return job;
}

function testVector(ring: Keyring, vector: AeadVector): string | null {
  const aad = hex(vector.aad);
  const text = hex(vector.text);
  const job = jobOf(aad, text, hex(vector.iv));
  ring.set(0, vector.algorithm, createSecretKey(hex(vector.key)));
  ring.seal(job, 1, ICV_LEN);
  const sealed = Buffer.concat([aad, hex(vector.sealed), hex(vector.icv)]);
  if (!job.arena.equals(sealed)) return 'sealed to other octets';
  ring.open(job, 1, ICV_LEN);
  if (job.ok[0] !== 1) return 'refused a right ICV';
  if (!job.arena.subarray(0, aad.length + text.length).equals(Buffer.concat([aad, text]))) {
    return 'opened to other octets';
  }
  return refusesAlteredBit(ring, sealed, job, ICV_LEN);
}

function refusesAlteredBit(ring: Keyring, sealed: Buffer, job: AeadJob, icvLen: number): string | null {
  for (const place of [0, job.aadLen[0]!, job.aadLen[0]! + job.textLen[0]!]) {
    sealed.copy(job.arena);
    job.arena[place]! ^= 0x80;
    ring.open(job, 1, icvLen);
    if (job.ok[0] !== 0) return `accepted an altered octet ${place}`;
  }
  return null;
}

/** Octets without a pattern that a fault could hide in; the same at every start. */
function filler(length: number, seed: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, i) => (i * 73 + seed * 151 + (i >> 3)) & 0xff));
}

const TEXT_LENS = [0, 1, 15, 16, 17, 46, 48, 127, 512, 1418, 1419, 1500, 9000];

function compareWith(reference: Keyring, ring: Keyring): string | null {
  for (const [name, keyLen] of Object.entries(AEAD_KEY_LEN)) {
    const algorithm = name as AeadAlgorithm;
    const key = createSecretKey(filler(keyLen, keyLen));
    reference.set(0, algorithm, key);
    ring.set(0, algorithm, key);
    for (const [n, textLen] of TEXT_LENS.entries()) {
      const icvLen = 8 + (n % 9);
      const wanted = jobOf(filler(28, n), filler(textLen, n), filler(12, n));
      const got = jobOf(filler(28, n), filler(textLen, n), filler(12, n));
      reference.seal(wanted, 1, icvLen);
      ring.seal(got, 1, icvLen);
      const what = `${algorithm}, ${textLen} octets, ICV of ${icvLen}`;
      if (!got.arena.equals(wanted.arena)) return `${what}: other octets than node:crypto`;
      const fault = refusesAlteredBit(ring, Buffer.from(got.arena), got, icvLen);
      if (fault !== null) return `${what}: ${fault}`;
    }
  }
  return null;
}
