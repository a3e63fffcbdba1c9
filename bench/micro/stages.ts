/**
 * The stages of both lanes, a batch of 128 at a time. Each pair is a round trip in place (what one part makes the
 * other takes), so both are timed on real input and the frame that comes out must be the one that went in. The
 * frames stay in the CPU's caches; system calls are not in here.
 */
import { type AeadJob, type AeadProvider, createAeadJob } from '../../src/crypto/aead.ts';
import { ICV_LEN, IV_LEN } from '../../src/crypto/cipher-suite.ts';
import { type Batch, resetBatch } from '../../src/frame/batch.ts';
import { countersAt, RxScCounter } from '../../src/macsec/counters.ts';
import { protect, protectable } from '../../src/macsec/protect.ts';
import type { SecY } from '../../src/macsec/secy.ts';
import { createRxScratch, validate } from '../../src/macsec/validate.ts';
import { expectEqual, type MicroCase } from './bench.ts';
import { rawGretap } from './encap.ts';
import { expectFrames, filledBatch, loopSecy, sampleFrame } from './kit.ts';

const LOWER_MTU = 1462;

/** Both parts of a round trip as two cases: `there` makes what `back` takes. */
function roundTrip(
  names: readonly [string, string],
  labels: { frameLen: number; provider: string | null },
  there: () => void,
  back: () => void,
  frames: number,
  check: () => void,
): MicroCase[] {
  return names.map((name, part) => ({
    name,
    ...labels,
    run(spent) {
      const start = performance.now();
      there();
      const middle = performance.now();
      back();
      const end = performance.now();
      spent[0]! += (part === 0 ? middle - start : end - middle) * 1e6;
      return frames;
    },
    check,
  }));
}

/** GRE and outer IPv4 header on, and off again. */
export function encapsulationCases(frameLen: number): MicroCase[] {
  const frame = sampleFrame(frameLen);
  const batch = filledBatch(frame);
  const encap = rawGretap();
  return roundTrip(
    ['encapsulate', 'decapsulate'],
    { frameLen, provider: null },
    () => encap.push(batch),
    () => encap.pull(batch, false),
    batch.count,
    () => expectFrames('decapsulate', batch, frame),
  );
}

/** The AEAD alone: seal, and open again. */
export function aeadCases(frameLen: number, provider: AeadProvider): MicroCase[] {
  const frame = sampleFrame(frameLen);
  const batch = filledBatch(frame);
  const secy = loopSecy(provider);
  const job = createAeadJob(batch.arena, batch.at);
  const text = batch.arena.subarray(batch.at[0]!, batch.at[0]! + frameLen);
  for (let i = 0; i < batch.count; i++) {
    job.slot[i] = 0;
    job.aadLen[i] = 14;
    job.textLen[i] = frameLen - 14;
    job.iv[i * IV_LEN] = i;
  }
  let sealedFirst: Buffer | undefined;
  return roundTrip(
    ['seal', 'open'],
    { frameLen, provider: provider.name },
    () => {
      secy.keyring.seal(job, batch.count, ICV_LEN);
      sealedFirst ??= Buffer.from(text);
    },
    () => secy.keyring.open(job, batch.count, ICV_LEN),
    batch.count,
    () => {
      expectEqual('seal: is the text encrypted', sealedFirst?.equals(frame), false);
      expectEqual(
        'open: frames accepted',
        job.ok.subarray(0, batch.count).every((ok) => ok === 1),
        true,
      );
      expectFrames('open', batch, frame);
    },
  );
}

/** The SecY's part: SecTAG, PN, seal; and classify, open, replay, counters, strip. */
export function secyCases(frameLen: number, provider: AeadProvider): MicroCase[] {
  const frame = sampleFrame(frameLen);
  const batch = filledBatch(frame);
  const job = createAeadJob(batch.arena, batch.at);
  const scratch = createRxScratch(batch.capacity);
  const secy = loopSecy(provider);
  let frames = 0;
  return roundTrip(
    ['protect', 'validate'],
    { frameLen, provider: provider.name },
    () => {
      // As the lane does before it reads: brings packet numbers to hand.
      protectable(secy);
      protect(secy, batch, job, LOWER_MTU);
      frames += batch.count;
    },
    () => validate(secy, batch, job, scratch),
    batch.count,
    () => {
      expectFrames('validate', batch, frame);
      const okAt = countersAt.rxSc(0) + RxScCounter.inPktsOk;
      expectEqual('validate: InPktsOK', secy.counters[okAt], frames);
      frames += expectForgeryRefused(secy, batch, job, scratch, frame);
    },
  );
}

/** One altered bit in one frame: that frame, and no other, is dropped. Returns how many were accepted. */
function expectForgeryRefused(
  secy: SecY,
  batch: Batch,
  job: AeadJob,
  scratch: ReturnType<typeof createRxScratch>,
  frame: Buffer,
): number {
  protectable(secy);
  protect(secy, batch, job, LOWER_MTU);
  const last = batch.at[0]! + batch.len[0]! - 1;
  batch.arena[last] = batch.arena[last]! ^ 1;
  validate(secy, batch, job, scratch);
  expectEqual('validate: is a forged frame dropped', batch.verdict[0] !== 0, true);
  resetBatch(batch);
  batch.count = batch.capacity;
  batch.arena.set(frame, batch.at[0]!);
  batch.len[0] = frame.length;
  batch.verdict[0] = 0;
  expectFrames('validate, beside a forged frame', batch, frame);
  return batch.count - 1;
}
