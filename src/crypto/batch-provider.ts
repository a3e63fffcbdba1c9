/**
 * The AEAD provider `batch`: the OpenSSL of this node process, reached from the addon, one call per batch.
 * Nothing is allocated per frame. After `ok[i] = 0` the text of that frame is garbage, not plaintext to act on.
 */
import type { KeyObject } from 'node:crypto';
import type { Addon, BoundJob, KeyringHandle } from '../native/addon.ts';
import { boundJob } from '../native/bound.ts';
import type { AeadJob, AeadProvider, Keyring } from './aead.ts';
import type { AeadAlgorithm } from './cipher-suite.ts';

class BatchKeyring implements Keyring {
  readonly #addon: Addon;
  readonly #ring: KeyringHandle;
  #job: AeadJob | null = null;
  #bound: BoundJob | null = null;

  constructor(addon: Addon, slots: number) {
    this.#addon = addon;
    this.#ring = addon.openKeyring(slots);
  }

  set(slot: number, algorithm: AeadAlgorithm, sak: KeyObject): void {
    const octets = sak.export();
    try {
      this.#addon.setKey(this.#ring, slot, algorithm, octets);
    } finally {
      octets.fill(0);
    }
  }

  clear(slot: number): void {
    this.#addon.clearKey(this.#ring, slot);
  }

  /** HOT PATH. */
  seal(job: AeadJob, count: number, icvLen: number): void {
    this.#addon.aeadSeal(this.#ring, this.#boundOf(job), count, icvLen);
  }

  /** HOT PATH. */
  open(job: AeadJob, count: number, icvLen: number): void {
    this.#addon.aeadOpen(this.#ring, this.#boundOf(job), count, icvLen);
  }

  /** A comparison, unless the job is another than the last. */
  #boundOf(job: AeadJob): BoundJob {
    if (job !== this.#job) {
      this.#bound = boundJob(this.#addon, job);
      this.#job = job;
    }
    return this.#bound!;
  }

  close(): void {
    this.#addon.closeKeyring(this.#ring);
  }
}

/** The provider, or null where the addon cannot use this process's OpenSSL (`opensslFault` says why). */
export function batchProvider(addon: Addon): AeadProvider | null {
  const version = addon.opensslVersion();
  if (version === null) return null;
  return {
    name: 'batch',
    engine: version,
    openKeyring: (slots: number): Keyring => new BatchKeyring(addon, slots),
  };
}
