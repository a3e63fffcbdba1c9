/** AES-GCM over a batch: the interface that the SecY works with, and that both providers implement. */
import type { KeyObject } from 'node:crypto';
import { viewOf } from '../frame/view.ts';
import type { AeadJobArrays } from '../native/addon.ts';
import { type AeadAlgorithm, IV_LEN } from './cipher-suite.ts';

/** `slot` of a frame that has nothing to seal or open; the addon's, which the provider `node` works without. */
export const NO_SLOT = 255;

/** The work list of one batch; see `AeadJobArrays` for where AAD, text and ICV lie. Made once per workspace. */
export interface AeadJob extends AeadJobArrays {
  readonly arena: Buffer;
  readonly at: Uint32Array;
  /** The IVs once more, to write whole words in network order. */
  readonly ivView: DataView;
}

/** A table of keys and the two operations over a batch. Belongs to one thread. */
export interface Keyring {
  /** Puts `sak` for `algorithm` into `slot` (0–254). RangeError where the key is not of the algorithm's length. */
  set(slot: number, algorithm: AeadAlgorithm, sak: KeyObject): void;
  clear(slot: number): void;
  /** Seals frames [0, count) in place; writes ICVs of `icvLen` octets. HOT PATH. */
  seal(job: AeadJob, count: number, icvLen: number): void;
  /** Opens frames [0, count) in place; `ok[i]` is 1 where the ICV was right. HOT PATH. */
  open(job: AeadJob, count: number, icvLen: number): void;
  close(): void;
}

export interface AeadProvider {
  readonly name: 'node' | 'batch';
  /** What does the work: `OpenSSL 3.0.17`. */
  readonly engine: string;
  openKeyring(slots: number): Keyring;
}

/** Makes the work list for `capacity` frames over `arena`, whose frames begin at `at`. */
export function createAeadJob(arena: Buffer, at: Uint32Array): AeadJob {
  const capacity = at.length;
  const iv = new Uint8Array(capacity * IV_LEN);
  return {
    arena,
    at,
    aadLen: new Uint32Array(capacity),
    textLen: new Uint32Array(capacity),
    iv,
    ivView: viewOf(iv),
    slot: new Uint8Array(capacity).fill(NO_SLOT),
    ok: new Uint8Array(capacity),
  };
}
