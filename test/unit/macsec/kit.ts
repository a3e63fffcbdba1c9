/**
 * What the tests of the SecY are made of: configurations, a SecY with its packet numbers granted, batches whose
 * arena is pre-filled with 0xa5, and its counters by name.
 */
import { createSecretKey } from 'node:crypto';
import { type AeadProvider, createAeadJob } from '../../../src/crypto/aead.ts';
import { batchProvider } from '../../../src/crypto/batch-provider.ts';
import { nodeProvider } from '../../../src/crypto/node-provider.ts';
import { BATCH_FRAMES, type Batch, createBatch, resetBatch } from '../../../src/frame/batch.ts';
import { DROP_TEXTS } from '../../../src/frame/drop.ts';
import {
  defaultMacsec,
  defaultSa,
  type MacsecConfig,
  type RxScConfig,
  type SaConfig,
} from '../../../src/macsec/config.ts';
import { createSecy, keySlots } from '../../../src/macsec/configure.ts';
import {
  AN_COUNT,
  countersAt,
  RX_SA_COUNTERS,
  RX_SC_COUNTERS,
  SECY_COUNTERS,
  secyCountersLen,
  TX_SA_COUNTERS,
  TX_SC_COUNTERS,
} from '../../../src/macsec/counters.ts';
import { PnGrant, pnEnd } from '../../../src/macsec/packet-number.ts';
import { protect, protectable } from '../../../src/macsec/protect.ts';
import type { SecY, SecySpec } from '../../../src/macsec/secy.ts';
import { createRxScratch, validate } from '../../../src/macsec/validate.ts';
import { loadAddon } from '../../../src/native/load.ts';

const batch = batchProvider(loadAddon());
if (batch === null)
  throw new Error('this node gives no access to its OpenSSL: the provider "batch" is untested');
export const PROVIDERS: readonly AeadProvider[] = [nodeProvider, batch];
export const BATCH_PROVIDER: AeadProvider = batch;

/** The SCI of the transmitter, and the key of both ends, unless a test says otherwise. */
export const SCI = '0000001111110001';
export const KEY: string = '11'.repeat(16);

/** Spaced hex to octets. */
export function hex(text: string): Buffer {
  return Buffer.from(text.replace(/\s+/g, ''), 'hex');
}

export function saOf(changes: Partial<SaConfig> = {}, key: string = KEY): SaConfig {
  const sak = createSecretKey(hex(key));
  return { ...defaultSa, keyId: '01', sak, ...changes };
}

export function rxScOf(sa: SaConfig[] = [saOf()], sci: string = SCI, active = true): RxScConfig {
  return { sci, active, sa };
}

export function macsecConfig(changes: Partial<MacsecConfig> = {}): MacsecConfig {
  return {
    ...defaultMacsec,
    replayWindow: 0,
    txSa: [saOf()],
    rxSc: [rxScOf()],
    ...changes,
  };
}

export interface Granted {
  readonly spec: SecySpec;
  /** Parallel to `config.txSa`. */
  readonly grants: readonly PnGrant[];
}

/** The spec of `config` with `pns` packet numbers granted to each transmit SA, from its `pn` on. */
export function secySpec(config: MacsecConfig, sci: string = SCI, pns: number = 1 << 20): Granted {
  const grants = config.txSa.map((sa) => {
    const grant = new PnGrant(sa.pn);
    const end = pnEnd(config.cipher.includes('xpn'));
    const limit = sa.pn + BigInt(pns);
    grant.grant(limit < end ? limit : end, end);
    return grant;
  });
  const txShare = grants.map(({ shared }) => ({ pn: shared, nextPn: 0n }));
  const rxShare = config.rxSc.map((sc) => sc.sa.map(({ pn }) => ({ pn: null, nextPn: pn })));
  return { spec: { config, sci, txShare, rxShare }, grants };
}

/** What became of the frames of one batch. */
export interface Outcome {
  /** By frame: its octets, or the name of the reason why it was dropped. */
  readonly frames: (Buffer | string)[];
  /** Those that live. */
  readonly alive: Buffer[];
  /** By frame: hex, or the reason. */
  readonly hex: string[];
}

/** One SecY with its counters and a batch of its own. */
export class Site {
  readonly secy: SecY;
  readonly counters: Float64Array;
  readonly grants: readonly PnGrant[];
  readonly config: MacsecConfig;

  constructor(config: MacsecConfig, options: { provider?: AeadProvider; sci?: string; pns?: number } = {}) {
    const { spec, grants } = secySpec(config, options.sci, options.pns);
    this.config = config;
    this.grants = grants;
    this.counters = new Float64Array(secyCountersLen(config.rxSc.length));
    const keyring = (options.provider ?? BATCH_PROVIDER).openKeyring(keySlots(config));
    this.secy = createSecy(spec, keyring, this.counters);
  }

  /** In batches as the transmit lane makes them: never more frames than packet numbers are at hand for. */
  protect(frames: readonly Uint8Array[], lowerMtu = 9000): Outcome {
    const done: Outcome[] = [];
    for (let at = 0; at < frames.length; ) {
      const most = protectable(this.secy);
      if (most === 0) throw new Error(`frame ${at}: no packet number is granted`);
      const filled = batchOf(frames.slice(at, at + Math.min(most, BATCH_FRAMES)));
      protect(this.secy, filled, createAeadJob(filled.arena, filled.at), lowerMtu);
      done.push(outcomeOf(filled));
      at += filled.count;
    }
    return {
      frames: done.flatMap((outcome) => outcome.frames),
      alive: done.flatMap((outcome) => outcome.alive),
      hex: done.flatMap((outcome) => outcome.hex),
    };
  }

  validate(frames: readonly Uint8Array[]): Outcome {
    const filled = batchOf(frames);
    validate(this.secy, filled, createAeadJob(filled.arena, filled.at), createRxScratch(filled.capacity));
    return outcomeOf(filled);
  }

  /** The counters that are not 0, by the names of `ip -s macsec show`, each with its part. */
  get counted(): Record<string, number> {
    return countedOf(this.counters, this.config);
  }
}

export function batchOf(frames: readonly Uint8Array[], fill = 0xa5): Batch {
  const longest = frames.reduce((most, frame) => Math.max(most, frame.length), 64);
  const made = createBatch(longest, Math.max(1, frames.length));
  made.arena.fill(fill);
  resetBatch(made);
  made.count = frames.length;
  frames.forEach((frame, i) => {
    made.arena.set(frame, made.at[i]!);
    made.len[i] = frame.length;
    made.verdict[i] = 0;
  });
  return made;
}

export function outcomeOf(done: Batch): Outcome {
  const frames = Array.from({ length: done.count }, (_, i) => {
    if (done.verdict[i] !== 0) return DROP_TEXTS[done.verdict[i]!]!.name;
    return Buffer.from(done.arena.subarray(done.at[i]!, done.at[i]! + done.len[i]!));
  });
  return {
    frames,
    alive: frames.filter((frame) => typeof frame !== 'string'),
    hex: frames.map((frame) => (typeof frame === 'string' ? frame : frame.toString('hex'))),
  };
}

/** `RxSc.<sci>.InPktsOK`, `RxSa.<sci>.<an>.pn`, … */
export function countedOf(counters: Float64Array, config: MacsecConfig): Record<string, number> {
  const found: Record<string, number> = {};
  const note = (part: string, names: readonly string[], at: number): void => {
    names.forEach((name, i) => {
      if (counters[at + i] !== 0) found[`${part}.${name}`] = counters[at + i]!;
    });
  };
  note('SecY', SECY_COUNTERS, countersAt.secy);
  note('TxSc', TX_SC_COUNTERS, countersAt.txSc);
  for (let an = 0; an < AN_COUNT; an++) note(`TxSa.${an}`, [...TX_SA_COUNTERS, 'pn'], countersAt.txSa(an));
  config.rxSc.forEach((sc, index) => {
    note(`RxSc.${sc.sci}`, RX_SC_COUNTERS, countersAt.rxSc(index));
    for (const { an } of sc.sa) {
      note(`RxSa.${sc.sci}.${an}`, [...RX_SA_COUNTERS, 'pn'], countersAt.rxSa(index, an));
    }
  });
  return found;
}

/** An Ethernet frame of `len` octets whose payload tells where it is. */
export function frameOf(len: number, seed = 0): Buffer {
  const frame = Buffer.alloc(len);
  for (let i = 0; i < len; i++) frame[i] = (i * 7 + seed * 13 + len) & 0xff;
  hex('02 00 00 00 aa 01  02 00 00 00 aa 02  08 00').copy(frame);
  return frame;
}
