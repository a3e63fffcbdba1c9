/**
 * The AEAD provider `node`: node:crypto, one cipher object per frame (NIST SP 800-38D). The reference: always
 * there, and what the provider `batch` is compared with at start.
 *
 * node:crypto decrypts before it knows whether the ICV is right: after `ok[i] = 0` the text of that frame is
 * as it came, since the plaintext is copied back only once `final()` has accepted the ICV.
 */
import {
  type CipherGCM,
  createCipheriv,
  createDecipheriv,
  type DecipherGCM,
  type KeyObject,
  timingSafeEqual,
} from 'node:crypto';
import { type AeadJob, type AeadProvider, type Keyring, NO_SLOT } from './aead.ts';
import { AEAD_KEY_LEN, type AeadAlgorithm, ICV_LEN, IV_LEN } from './cipher-suite.ts';

interface NodeKey {
  /** The name that node:crypto knows it by, too. */
  readonly algorithm: AeadAlgorithm;
  readonly sak: KeyObject;
}

function nodeKey(algorithm: AeadAlgorithm, sak: KeyObject): NodeKey {
  const octets = AEAD_KEY_LEN[algorithm];
  if (sak.symmetricKeySize === octets) return { algorithm, sak };
  throw new RangeError(`"sak" expected ${octets} octets, got ${sak.symmetricKeySize}`);
}

/** Whether AAD, text and ICV of frame `i` lie in the arena. */
function isInside(job: AeadJob, i: number, icvLen: number): boolean {
  return job.at[i]! + job.aadLen[i]! + job.textLen[i]! + icvLen <= job.arena.length;
}

function sealFrame(job: AeadJob, i: number, icvLen: number, key: NodeKey): void {
  const { arena, iv } = job;
  const textAt = job.at[i]! + job.aadLen[i]!;
  const icvAt = textAt + job.textLen[i]!;
  const nonce = iv.subarray(i * IV_LEN, i * IV_LEN + IV_LEN);
  const cipher: CipherGCM = createCipheriv(key.algorithm, key.sak, nonce, { authTagLength: ICV_LEN });
  cipher.setAAD(arena.subarray(job.at[i]!, textAt));
  if (icvAt > textAt) cipher.update(arena.subarray(textAt, icvAt)).copy(arena, textAt);
  cipher.final();
  cipher.getAuthTag().copy(arena, icvAt, 0, icvLen);
}

/** node:crypto verifies no ICV of 9, 10 or 11 octets (SP 800-38D 5.2.1.2 does not list them; macsec allows them). */
const isVerifiedByNode = (icvLen: number): boolean => icvLen === 8 || icvLen >= 12;

function openFrame(job: AeadJob, i: number, icvLen: number, key: NodeKey): boolean {
  if (!isVerifiedByNode(icvLen)) return openByComparison(job, i, icvLen, key);
  const { arena, iv } = job;
  const textAt = job.at[i]! + job.aadLen[i]!;
  const icvAt = textAt + job.textLen[i]!;
  const nonce = iv.subarray(i * IV_LEN, i * IV_LEN + IV_LEN);
  const decipher: DecipherGCM = createDecipheriv(key.algorithm, key.sak, nonce, { authTagLength: icvLen });
  decipher.setAAD(arena.subarray(job.at[i]!, textAt));
  decipher.setAuthTag(arena.subarray(icvAt, icvAt + icvLen));
  const text = icvAt > textAt ? decipher.update(arena.subarray(textAt, icvAt)) : undefined;
  try {
    decipher.final();
  } catch {
    return false;
  }
  text?.copy(arena, textAt);
  return true;
}

/** Opens without `final()`: seals the plaintext again and compares the ICVs, in constant time. */
function openByComparison(job: AeadJob, i: number, icvLen: number, key: NodeKey): boolean {
  const { arena, iv } = job;
  const textAt = job.at[i]! + job.aadLen[i]!;
  const icvAt = textAt + job.textLen[i]!;
  const nonce = iv.subarray(i * IV_LEN, i * IV_LEN + IV_LEN);
  const text = createDecipheriv(key.algorithm, key.sak, nonce).update(arena.subarray(textAt, icvAt));
  const cipher: CipherGCM = createCipheriv(key.algorithm, key.sak, nonce);
  cipher.setAAD(arena.subarray(job.at[i]!, textAt));
  cipher.update(text);
  cipher.final();
  const icv = cipher.getAuthTag().subarray(0, icvLen);
  if (!timingSafeEqual(icv, arena.subarray(icvAt, icvAt + icvLen))) return false;
  text.copy(arena, textAt);
  return true;
}

class NodeKeyring implements Keyring {
  readonly #keys: (NodeKey | undefined)[];

  constructor(slots: number) {
    this.#keys = new Array<NodeKey | undefined>(slots).fill(undefined);
  }

  set(slot: number, algorithm: AeadAlgorithm, sak: KeyObject): void {
    if (!(slot >= 0 && slot < this.#keys.length))
      throw new RangeError('"slot" expected a slot of the keyring');
    this.#keys[slot] = nodeKey(algorithm, sak);
  }

  clear(slot: number): void {
    this.#keys[slot] = undefined;
  }

  /** HOT PATH: one cipher object per frame, and what it allocates. */
  seal(job: AeadJob, count: number, icvLen: number): void {
    for (let i = 0; i < count; i++) {
      if (job.slot[i] === NO_SLOT) continue;
      const key = this.#keys[job.slot[i]!];
      job.ok[i] = 0;
      if (key === undefined || !isInside(job, i, icvLen)) continue;
      sealFrame(job, i, icvLen, key);
      job.ok[i] = 1;
    }
  }

  /** HOT PATH: one decipher object per frame, and what it allocates. */
  open(job: AeadJob, count: number, icvLen: number): void {
    for (let i = 0; i < count; i++) {
      if (job.slot[i] === NO_SLOT) continue;
      const key = this.#keys[job.slot[i]!];
      job.ok[i] = 0;
      if (key === undefined || !isInside(job, i, icvLen)) continue;
      job.ok[i] = openFrame(job, i, icvLen, key) ? 1 : 0;
    }
  }

  close(): void {
    this.#keys.fill(undefined);
  }
}

export const nodeProvider: AeadProvider = {
  name: 'node',
  engine: `node:crypto (OpenSSL ${process.versions.openssl})`,
  openKeyring: (slots: number): Keyring => new NodeKeyring(slots),
};
